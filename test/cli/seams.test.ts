import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readPoses } from '../../lib/export/poses/read-poses.js';
import { runHere } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const whole = JSON.parse(readFileSync(new URL('../../examples/walking.json', import.meta.url), 'utf8')) as {
  image_id: string;
}[];
/** A quarter of a second, which is filled, and a whole second, which cuts the clip: frames [from, to). */
const [short, long] = [
  [90, 102],
  [190, 240],
] as const;

/** Lifts the bundled clip without the detections of some frames; poses of each clip that comes of it. */
async function lift(
  name: string,
  gaps: readonly (readonly [number, number])[],
  clips: number,
): Promise<Float32Array[]> {
  const kept = whole.filter((_, frame) => !gaps.some(([from, to]) => frame >= from && frame < to));
  const input = join(folder, `${name}.json`);
  writeFileSync(input, JSON.stringify(kept));
  const out = join(folder, `${name}.npz`);
  const { code, err } = await runHere(['lift', input, '--size', '1920x1080', '--fps', '50', '--out', out]);
  expect(code, err).toBe(0);
  const names =
    clips === 1 ? [out] : Array.from({ length: clips }, (_, clip) => join(folder, `${name}-clip${clip}.npz`));
  return names.map((path) => readPoses(path).poses);
}

/** From each frame to the next, how far the joint that moves most moves, metres. */
function steps(poses: Float32Array): number[] {
  return Array.from({ length: poses.length / 51 - 1 }, (_, frame) =>
    Math.max(
      ...Array.from({ length: 17 }, (_, joint) => {
        const at = frame * 51 + joint * 3;
        return Math.hypot(...[0, 1, 2].map((axis) => poses[at + 51 + axis] - poses[at + axis]));
      }),
    ),
  );
}

let plain: number[];
beforeAll(async () => {
  const [poses] = await lift('plain', [], 1);
  plain = steps(poses);
});

describe('seams are no worse than what the network does by itself', () => {
  it('at the edges of a gap that was filled', async () => {
    const [poses] = await lift('short', [short], 1);
    const found = steps(poses);
    for (const edge of short) {
      expect(Math.max(...found.slice(edge - 4, edge + 4))).toBeLessThanOrEqual(Math.max(...plain));
    }
  });

  it('at the edges of the clips between long gaps', async () => {
    const clips = await lift('long', [long], 2);
    expect(clips.map((poses) => poses.length / 51)).toEqual([long[0], 300 - long[1]]);
    for (const poses of clips) {
      const found = steps(poses);
      for (const part of [found.slice(0, 13), found.slice(-13)]) {
        expect(Math.max(...part)).toBeLessThanOrEqual(Math.max(...plain));
      }
    }
  });

  it('and away from gaps the poses are those of the whole clip', async () => {
    const [uncut] = await lift('uncut', [], 1);
    const [, after] = await lift('cut', [long], 2);
    // Half a window (13 frames) from the edge on, the network sees the same frames.
    const inside = after.subarray(13 * 51);
    const same = uncut.subarray((long[1] + 13) * 51);
    expect(Math.max(...inside.map((value, at) => Math.abs(value - same[at])))).toBeLessThan(1e-5);
  });
});
