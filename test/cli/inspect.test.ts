import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PoseError } from '../../lib/base/pose-error.js';
import { inspectFile } from '../../lib/cli/inspect-file.js';
import { motionFormats, writeMotion } from '../../lib/export/write-motion.js';
import { writeSafetensors } from '../../lib/formats/safetensors.js';
import { parseModelConfig } from '../../lib/networks/config.js';
import { coco17 } from '../../lib/skeletons/coco.js';
import { runHere } from '../helpers/cli.js';
import { walkingMotion } from '../helpers/motion.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const config = JSON.stringify(parseModelConfig({ frames: 9 }));

describe('inspect', () => {
  it('knows the bundled models by name', async () => {
    const { code, out } = await runHere(['inspect', 'pstmo-s-27']);
    expect(code).toBe(0);
    expect(out).toMatch(/pstmo-s-27\.safetensors: model, \d+ bytes\nP-STMO, Stage 2: N = 27/);
    expect(out).toMatch(/finetune on mocap, epoch 10, validation \d+\.\d mm/);
  });

  it('prints nothing but the error where nothing can be told', async () => {
    expect(await runHere(['inspect', join(folder, 'none')])).toMatchObject({ code: 1, out: '' });
  });

  it('says what files of motion are', async () => {
    const motion = walkingMotion('inspected', 20);
    const paths = ['walk.trc', 'walk.c3d', 'walk.bvh'].map((name) => join(folder, name));
    for (const path of paths) await writeMotion(path, motion);
    const found = await Promise.all(paths.map((path) => inspectFile(path)));
    expect(found.map(({ kind }) => kind)).toEqual(['motion', 'motion', 'motion']);
    for (const { lines } of found.slice(0, 2)) {
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/^motion: 20 frames, 50 frames\/s, 0\.40 s, 17 joints of h36m-17, 1\.\d\d m high$/);
    }
    expect(found[2].lines[1]).toContain('LeftKnee');
  });

  it.each(motionFormats)(
    'gives the size of a body as it was written to .%s, though no unit can be guessed',
    async (format) => {
      for (const times of [0.1, 13]) {
        const walk = walkingMotion('inspected', 20);
        const motion = { ...walk, positions: walk.positions.map((value) => value * times) };
        const paths = [walk, motion].map((_, index) => join(folder, `size-${index}.${format}`));
        await writeMotion(paths[0], walk);
        await writeMotion(paths[1], motion);
        const [own, sized] = await Promise.all(paths.map((path) => inspectFile(path)));
        const height = ({ lines }: typeof own) => Number(/([\d.]+) m high/.exec(lines[0])?.[1]);
        expect(height(sized) / height(own)).toBeCloseTo(times, 1);
        expect(sized.lines.join()).toMatch(format === 'bvh' ? /no unit can be guessed: taken as m/ : /high/);
      }
    },
  );

  it('says of fractions beside a box, at an odd rate, what a person would', async () => {
    const path = join(folder, 'fractions.csv');
    const names = coco17.joints.map((joint) => joint.replace(' ', '_'));
    const head = ['time', 'bbox_x', 'bbox_y', ...names.flatMap((name) => [`${name}_x`, `${name}_y`])];
    const rows = Array.from({ length: 9 }, (_, frame) => [
      ...[(frame / 29.969999).toFixed(6), 500, 500],
      ...names.flatMap((_name, joint) => [1.2 + joint / 100, 0.1 + joint / 100 + frame / 1000]),
    ]);
    writeFileSync(path, [head, ...rows].map((row) => row.join(',')).join('\n'));
    const { lines } = await inspectFile(path);
    expect(lines).toEqual([
      '2D keypoints: 9 frames, coco-17, image size unknown, 29.97 frames/s, 1 person',
      'Frames by their times in s: 29.97 frames a second.',
      'The coordinates are below 1.5: taken as fractions of the image.',
      '  person 0 (0): 0 to 0.266934, seen in 9 of 9 frames, no gap',
      'coordinates are fractions of the image: lifting needs --size',
    ]);
  });

  // Found by mutated files.
  it.each<[string, Record<string, string>, RegExp]>([
    ['a configuration cut short', { 'pstmo.config': config.slice(0, -9) }, /pstmo\.config is no JSON/],
    ['a configuration of another kind', { 'pstmo.config': '7' }, /expected object, got 7/],
    [
      'a training that is no JSON',
      { 'pstmo.config': config, 'pstmo.training': '{"kind":' },
      /pstmo\.training is no JSON/,
    ],
    [
      'a training without its fields',
      { 'pstmo.config': config, 'pstmo.training': '{}' },
      /pstmo\.training: kind: expected/,
    ],
  ])('refuses %s', async (name, metadata, message) => {
    const path = join(folder, `${name}.safetensors`);
    writeSafetensors(path, { x: { data: new Float32Array(1), shape: [1] } }, metadata);
    const error = await inspectFile(path).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PoseError);
    expect((error as PoseError).message).toMatch(message);
  });
});
