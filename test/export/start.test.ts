import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseBvh } from '../../lib/datasets/mocap/bvh.js';
import { parsePosesCsv } from '../../lib/export/poses/read-poses-csv.js';
import { parseC3d } from '../../lib/export/read-c3d.js';
import { parseTrc } from '../../lib/export/read-trc.js';
import { type OutputFormat, outputFormats } from '../../lib/export/write-motion.js';
import { buildScene } from '../../lib/viewer/build-scene.js';
import { readClip } from '../../lib/viewer/read-clip.js';
import { runHere } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const walking = JSON.parse(readFileSync(new URL('../../examples/walking.json', import.meta.url), 'utf8')) as {
  image_id: string;
  keypoints: number[];
}[];
/** The first person is there for 100 frames, the second comes at frame 60 and is away from 75 on for 20. */
const frames = { first: 100, from: 60, away: [75, 95] } as const;
const input = join(folder, 'later.json');
writeFileSync(
  input,
  JSON.stringify([
    ...walking.slice(0, frames.first).map((one) => ({ ...one, idx: 1 })),
    ...walking
      .slice(frames.from, frames.first)
      .filter((_, at) => at < frames.away[0] - frames.from || at >= frames.away[1] - frames.from)
      .map(({ image_id, keypoints }) => ({
        ...{ image_id, idx: 2 },
        keypoints: keypoints.map((value, at) => (at % 3 === 0 ? value + 600 : value)),
      })),
  ]),
);

/** The first key of a glTF's animation, in frames. */
function glbStart(bytes: Uint8Array): number {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(12, true);
  const json = JSON.parse(new TextDecoder().decode(bytes.subarray(20, 20 + length)));
  const times = json.accessors[json.animations[0].samplers[0].input];
  const at = 20 + length + 8 + (json.bufferViews[times.bufferView].byteOffset ?? 0) + (times.byteOffset ?? 0);
  const seconds = new DataView(bytes.buffer, bytes.byteOffset).getFloat32(at, true);
  expect(times.min[0]).toBeCloseTo(seconds, 5);
  return Math.round(seconds * 50);
}

/** Where a file says that it starts, for every format; how long a BVH holds its first pose. */
const startOf: Record<OutputFormat, (path: string) => number> = {
  npz: (path) => Number(readClip(path).track?.frameIds[0].replace('.jpg', '')),
  json: (path) => Number(readClip(path).track?.frameIds[0].replace('.jpg', '')),
  // A .npy is an array of poses and says nothing else.
  npy: () => Number.NaN,
  csv: (path) => parsePosesCsv(readFileSync(path, 'utf8'), path).start,
  trc: (path) => parseTrc(readFileSync(path, 'utf8'), path).start,
  c3d: (path) => parseC3d(readFileSync(path), path).start,
  glb: (path) => glbStart(readFileSync(path)),
  bvh: (path) => {
    const text = readFileSync(path, 'utf8');
    const lines = text.trimEnd().split('\n').slice(-parseBvh(text, path).frames);
    return lines.lastIndexOf(lines[0]);
  },
};

describe('a person who comes later starts later', () => {
  it.each(outputFormats.filter((format) => format !== 'npy'))('in a .%s', async (format) => {
    const out = join(folder, format);
    mkdirSync(out);
    const command = ['lift', input, '--size', '1920x1080', '--fps', '50', '--person', 'all', '--max-gap', '0.3'];
    const { code, err } = await runHere([...command, '--no-flip', '--format', format, '--out', out]);
    expect(code, err).toBe(0);
    const names = ['later-person0-3d', 'later-person1-clip0-3d', 'later-person1-clip1-3d'];
    const starts = names.map((name) => startOf[format](join(out, `${name}.${format}`)));
    expect(starts).toEqual([0, frames.from, frames.away[1]]);
    if (['trc', 'c3d', 'csv'].includes(format)) {
      const { scene } = buildScene(names.map((name) => join(out, `${name}.${format}`)));
      expect(scene.value.frames).toBe(frames.first);
      const there =
        scene.arrays.get('0/1/positions') ?? [...scene.arrays].find(([key]) => /1.*positions/.test(key))?.[1];
      expect([59, 60, 74, 75, 94, 95].map((frame) => Number.isFinite(there![frame * 51]))).toEqual([
        false,
        true,
        true,
        false,
        false,
        true,
      ]);
    }
    if (['trc', 'c3d', 'glb', 'bvh'].includes(format)) {
      expect(err).toContain('Starts at frame 60 of the video, 1.20 s');
      expect(err.includes('the first pose is held until then (60 frames)')).toBe(format === 'bvh');
    }
  });
});
