import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PoseLifter } from '../../lib/models/pose-lifter.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const FRAMES = 20;
const model = await writeSmallModel(join(temporaryFolder(), 'small.safetensors'), { outputUnit: 'm' });
const frame = (t: number) => ({
  data: Float32Array.from({ length: 34 }, (_, i) => 300 + 100 * Math.sin(i + 0.3 * t)),
  shape: [17, 2],
});

it.each([undefined, 30])('a stream takes frames that come without waiting in their order, fps %s', async (fps) => {
  const lifter = await PoseLifter.load(model, { device: 'cpu', threads: 1 });
  const options = { width: 1000, height: 1000, lookahead: 3, fps };
  const one = await lifter.stream(options);
  const expected: number[] = [];
  for (let t = 0; t < FRAMES; t++) expected.push(...((await one.push(frame(t)))?.data ?? []));
  expected.push(...(await one.end()).data);

  const stream = await lifter.stream(options);
  const pushed = Array.from({ length: FRAMES }, (_, t) => stream.push(frame(t)));
  const rest = stream.end();
  await expect(stream.push(frame(0))).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  // Closing waits for all of them.
  const [poses] = await Promise.all([Promise.all([...pushed, rest]), lifter.close()]);
  expect(poses.flatMap((pose) => [...(pose?.data ?? [])])).toEqual(expected);
});
