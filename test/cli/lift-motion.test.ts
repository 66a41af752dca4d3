import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readPoses } from '../../lib/export/poses/read-poses.js';
import { runHere } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const walk = fileURLToPath(new URL('../../examples/walking.json', import.meta.url));
const folder = temporaryFolder();
const options = ['--size', '1920x1080', '--fps', '50', '--device', 'cpu'];

it('puts the bundled walk on a level floor, with its feet where they stand', async () => {
  const out = join(folder, 'walk.npz');
  const asked = ['--trajectory', '--world', 'stance', '--lock-feet'];
  const { code, err } = await runHere(['lift', walk, ...options, ...asked, '--out', out]);
  expect(code, err).toBe(0);
  const { motion } = readPoses(out);
  if (motion === undefined) throw new Error('The file has no motion.');
  const hips = Array.from({ length: motion.frames }, (_, frame) => motion.positions[frame * 51 + 1]);
  // The clip's own hips go up and down by 27 mm; along the body's up alone they climbed 580 mm.
  expect(Math.max(...hips) - Math.min(...hips)).toBeLessThan(0.14);
  // The walker makes 13 steps; the first two are badly foreshortened.
  const stands = /held where they stand: (\d+) stands/.exec(err);
  expect(Number(stands?.[1])).toBeGreaterThanOrEqual(9);
  const strayed = /strayed by ([\d.]+) mm before, ([\d.]+) mm now/.exec(err);
  expect(Number(strayed?.[1])).toBeGreaterThan(5);
  expect(Number(strayed?.[2])).toBeLessThan(1);
}, 60_000);

it('finds the path through a calibrated camera as through the focal length of one that is centred', async () => {
  const path = async (name: string, ...asked: string[]) => {
    const out = join(folder, name);
    const { code, err } = await runHere(['lift', walk, ...options, '--trajectory', ...asked, '--out', out]);
    expect(code, err).toBe(0);
    return { err, positions: readPoses(out).motion?.positions ?? new Float32Array(0) };
  };
  const given = await path('given.npz', '--focal', '1250');
  const centred = await path('centred.npz', '--camera', '1250,1250,960,540');
  expect(given.err).toContain('a focal length of 1250 pixels (given)');
  expect(centred.err).toContain('a focal length of 1250 pixels (calibrated)');
  expect(Math.max(...centred.positions.map((value, i) => Math.abs(value - given.positions[i])))).toBeLessThan(1e-3);
  // The clip's person walks 4.4 to 6.3 m away.
  const depth = Number(/: ([\d.]+) m away/.exec(centred.err)?.[1]);
  expect(depth).toBeGreaterThan(4.4);
  expect(depth).toBeLessThan(6.3);
}, 60_000);
