import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensor } from '../../lib/base/tensor.js';
import { liftClip } from '../../lib/cli/lift-clip.js';
import { resampleFrames } from '../../lib/keypoints/filters/resample.js';
import { fitFrameRate } from '../../lib/models/frame-rate.js';
import { PoseLifter } from '../../lib/models/pose-lifter.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const model = join(temporaryFolder(), 'model.safetensors');
const size = { width: 1000, height: 1000 };
const rates = [25, 30, 60, 70];

/** A video of something that moves as time does, not as frames do. */
function video(frames: number, fps: number): Tensor {
  const data = Float32Array.from({ length: frames * 34 }, (_, at) => {
    const [time, value] = [Math.floor(at / 34) / fps, at % 34];
    return 500 + 300 * Math.sin(2 * time + value) + 10 * value;
  });
  return { data, shape: [frames, 17, 2] };
}

function farthest(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at])), 0);
}

beforeAll(async () => {
  await writeSmallModel(model, { stride: 1, fps: 50 });
});

describe('a video of another frame rate', () => {
  it.each([
    [50, 1, 50, 1],
    [49.5, 1, 49.5, 1],
    [100, 1, 100, 2],
    [25, 0.5, 50, 1],
    [30, 0.6, 50, 1],
    [60, 1.2, 50, 1],
    [70, 1.4, 50, 1],
    [120, 1.2, 100, 2],
  ])('%d frames a second: step %d to %d, stride %d', (fps, step, given, stride) => {
    const fit = fitFrameRate({ stride: 1, fps: 50 }, fps);
    expect(fit.step).toBeCloseTo(step, 9);
    expect(fit.fps).toBeCloseTo(given, 6);
    expect(fit.stride).toBe(stride);
  });

  it('takes the model for itself where the rate is unknown, and refuses none', () => {
    expect(fitFrameRate({ stride: 3, fps: 50 }, undefined)).toEqual({ step: 1, fps: undefined, stride: 3 });
    expect(() => fitFrameRate({ stride: 3, fps: 50 }, 0)).toThrow('fps: expected a positive number, got 0');
  });

  it.each(rates)('is resampled by the library, %d a second', async (fps) => {
    await using lifter = await PoseLifter.load(model, { device: 'cpu' });
    const clip = video(40, fps);
    const { step } = fitFrameRate(lifter.config, fps);
    const asFrames = (await lifter.lift(clip, size)).data;
    const { data, shape } = await lifter.lift(clip, { ...size, fps });
    expect(shape).toEqual([40, 17, 3]);
    expect(farthest(data, asFrames)).toBeGreaterThan(1e-3);
    const own = await lifter.lift(resampleFrames(clip, step, Math.ceil(39 / step) + 1), size);
    expect(farthest(data, resampleFrames(own, 1 / step, 40).data)).toBeLessThan(1e-5);
    // The command line, many clips at once and a run that is watched are the same.
    const track = {
      ...{ keypoints: clip.data, frames: 40, joints: 17, layout: 'h36m-17', fps, ...size, people: 1, notices: [] },
      ...{ confidence: new Float32Array(680).fill(1), frameIds: [], filled: new Uint8Array(40) },
    };
    expect(await liftClip(lifter, { track, suffix: '' }, {}, {})).toEqual(data);
    for await (const poses of lifter.liftMany([{ keypoints: clip }, { keypoints: clip, fps }], { ...size, fps })) {
      expect(farthest(poses.data, data)).toBeLessThan(1e-5);
    }
    const seen: number[] = [];
    const onProgress = (done: number, total: number) => seen.push(done, total);
    await lifter.lift(clip, { ...size, fps, onProgress });
    expect(seen.slice(-2)).toEqual([40, 40]);
  });

  it.each(rates)('streams as it lifts, %d a second', async (fps) => {
    await using lifter = await PoseLifter.load(model, { device: 'cpu' });
    const clip = video(40, fps);
    const { step } = fitFrameRate(lifter.config, fps);
    const whole = (await lifter.lift(clip, { ...size, fps })).data;
    for (const lookahead of [Math.ceil(5 * step), 3, 0]) {
      await using stream = await lifter.stream({ ...size, fps, lookahead });
      const poses: Tensor[] = [];
      for (let frame = 0; frame < 40; frame++) {
        const pose = await stream.push({ data: clip.data.slice(frame * 34, (frame + 1) * 34), shape: [17, 2] });
        expect(pose !== undefined).toBe(frame >= lookahead);
        if (pose) poses.push(pose);
      }
      poses.push(await stream.end());
      const data = Float32Array.from(poses.flatMap((pose) => [...pose.data]));
      if (lookahead >= 5 * step) expect(farthest(data, whole)).toBeLessThan(1e-5);
      else expect(data.length).toBe(whole.length);
      expect(data.every(Number.isFinite)).toBe(true);
    }
    await expect(lifter.stream({ ...size, fps, lookahead: 99 })).rejects.toThrow('half a window, got 99');
  });

  it('shows attention in the window that it lifts', async () => {
    await using lifter = await PoseLifter.load(model, { device: 'cpu' });
    const maps = (fps: number) => lifter.attention(video(60, fps), Math.round(0.4 * fps), { ...size, fps });
    const [slow, own] = [(await maps(25))[0].maps.data, (await maps(50))[0].maps.data];
    // The same time of the same motion, between frames that a line joins.
    expect(farthest(slow, own)).toBeLessThan(0.02);
  });
});
