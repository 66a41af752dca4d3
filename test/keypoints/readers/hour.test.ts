import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { measuredNode } from '../../helpers/measured-node.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { pieceFrames, writeLong } from './long-samples.js';
import { samples } from './samples.js';

/*
 * An hour at 60 frames a second of three people, in every way in which detections are written, is read in less than 1 GB.
 * PSTMO_LONG=1 reads the hour in all ways. Everywhere: the first way of each reader and a folder of JSON, ten minutes, in
 * 260 MB. Node and pieces of text take 110 MB, and what is held grows with the frames: 1 GB at an hour is 260 MB then.
 */
const everything = Number(process.env.PSTMO_LONG ?? 0) > 0;
const frames = everything ? 216_000 : 36_000;
/** What reading may take, MB. */
const most = everything ? 1000 : 260;
const minutes = 60_000;

/** The first way of each reader, and a folder of JSON. */
const few = samples.filter(
  ({ name, reader }, index) =>
    name === "OpenPose's folder" || samples.findIndex((sample) => sample.reader === reader) === index,
);
const size = { width: 2800, height: 1080 };

if (!everything) {
  console.warn(
    `test/keypoints/readers/hour: ${few.length} of ${samples.length} ways, ten minutes: PSTMO_LONG=1 reads all, an hour`,
  );
}

describe(`${frames} frames are read in less than ${most} MB`, () => {
  const folder = temporaryFolder();
  it.each(everything ? samples : few)(
    'as $name',
    (sample) => {
      const path = writeLong(sample, join(folder, 'hour'), frames);
      const options = JSON.stringify({ ...sample.options, size });
      const library = new URL('../../../dist/keypoints/index.js', import.meta.url);
      const began = Date.now();
      const { status, text, megabytes } = measuredNode([
        ...['--input-type=module', '--eval'],
        `import { readPeople } from '${library}'; console.log(readPeople('${path}', ${options}).map(({ frames }) => frames).join())`,
      ]);
      const seconds = (Date.now() - began) / 1000;
      rmSync(path, { recursive: true });
      expect(status, text.slice(-2000)).toBe(0);
      const people = sample.crowd === false ? 1 : 3;
      const read = Math.ceil(frames / pieceFrames) * pieceFrames;
      expect(text.split('\n', 1)[0]).toBe(Array.from({ length: people }, () => read).join());
      console.log(`${sample.name}: ${megabytes} MB, ${seconds.toFixed(0)} s`);
      expect(megabytes).toBeLessThan(most);
    },
    20 * minutes,
  );
});
