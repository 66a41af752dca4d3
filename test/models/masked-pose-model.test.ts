import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../lib/base/random.js';
import { normalizeKeypoints } from '../../lib/keypoints/normalize.js';
import { MaskedPoseModel } from '../../lib/models/masked-pose-model.js';
import { drawMasks } from '../../lib/models/masks.js';
import { cpuDevice } from '../helpers/cpu-device.js';
import { relativeError } from '../helpers/native-model.js';
import { pattern } from '../helpers/pattern.js';
import { randomNetwork, smallConfig, writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const size = { width: 640, height: 480 };
const overrides = { stage: 1, masking: { temporalRatio: 0.6, joints: 3 } } as const;
const path = await writeSmallModel(join(temporaryFolder(), 'stage1.safetensors'), overrides);
const keypoints = { data: pattern('video', 9, 17, 2).data.map((value) => 200 + 100 * value), shape: [9, 17, 2] };
const sum = (values: Uint8Array) => values.reduce((total, value) => total + value, 0);

describe('drawMasks', () => {
  it('hides floor(q N) frames and m joints in each, by the seed', () => {
    const config = smallConfig({ frames: 243, masking: { temporalRatio: 0.8, joints: 7 } });
    const { masked, jointMask } = drawMasks(config, createRandom(3));
    expect(sum(masked)).toBe(194);
    for (let frame = 0; frame < 243; frame++) expect(sum(jointMask.subarray(frame * 17, (frame + 1) * 17))).toBe(7);
    expect(drawMasks(config, createRandom(3))).toEqual({ masked, jointMask });
    expect(drawMasks(config, createRandom(4)).masked).not.toEqual(masked);
    const last = (spareLastJoint: boolean) => {
      const drawn = drawMasks(smallConfig({ frames: 243, masking: { joints: 7, spareLastJoint } }), createRandom(3));
      return sum(drawn.jointMask.filter((_, i) => i % 17 === 16));
    };
    expect(last(true)).toBe(0);
    expect(last(false)).toBeGreaterThan(50);
  });

  it('hides nothing when told so, and not more joints than there are', () => {
    const none = drawMasks(smallConfig({ masking: { temporalRatio: 0, joints: 0 } }), createRandom(3));
    expect(sum(none.masked) + sum(none.jointMask)).toBe(0);
    expect(() => drawMasks(smallConfig({ masking: { joints: 18 } }), createRandom(3))).toThrow(/at most 17.*got 18/);
  });
});

describe('MaskedPoseModel', () => {
  it('takes options and shapes as they were when it was called', async () => {
    await using model = await MaskedPoseModel.load(path, { device: 'cpu', threads: 1 });
    const expected = await model.reconstruct(keypoints, model.masks(1), size);
    const [options, shape] = [{ ...size }, [...keypoints.shape]];
    const under = model.reconstruct({ data: keypoints.data, shape }, model.masks(1), options);
    options.width = 1;
    shape[0] = 1;
    expect(await under).toEqual(expected);
  });

  it('reconstructs a window in pixels and in the order of time', async () => {
    await using model = await MaskedPoseModel.load(path, { device: cpuDevice });
    const masks = model.masks(5);
    expect(sum(masks.masked)).toBe(5);
    const poses = await model.reconstruct(keypoints, masks, size);
    expect(poses.shape).toEqual([9, 17, 2]);
    const native = await randomNetwork(smallConfig(overrides));
    const normal = normalizeKeypoints(keypoints.data, size.width, size.height);
    const raw = await native.reconstruct({ keypoints: normal, batch: 1, ...masks });
    await native.close();
    const order = [0, 1].flatMap((hidden) => [...masks.masked.keys()].filter((i) => masks.masked[i] === hidden));
    const inOrder = order.flatMap((frame) => [...poses.data.subarray(frame * 34, (frame + 1) * 34)]);
    expect(relativeError(normalizeKeypoints(Float32Array.from(inOrder), 640, 480), raw)).toBeLessThan(1e-5);
  });

  it('does not look at what is hidden', async () => {
    await using model = await MaskedPoseModel.load(path, { device: cpuDevice });
    const masks = model.masks(5);
    const other = keypoints.data.map((value, i) => (masks.masked[Math.floor(i / 34)] ? value + 50 : value));
    const poses = await model.reconstruct(keypoints, masks, size);
    expect((await model.reconstruct({ data: other, shape: [9, 17, 2] }, masks, size)).data).toEqual(poses.data);
  });

  it('shows the maps of TEM over visible frames and of the decoder over all', async () => {
    await using model = await MaskedPoseModel.load(path, { device: cpuDevice });
    const masks = model.masks(5);
    const tem = await model.attention(keypoints, masks, size);
    expect(tem.map(({ maps }) => maps.shape)).toEqual(new Array(2).fill([8, 4, 4]));
    const decoder = await model.attention(keypoints, masks, { ...size, module: 'decoder' });
    expect(decoder.map(({ maps }) => maps.shape)).toEqual([[8, 9, 9]]);
    await expect(model.attention(keypoints, masks, { ...size, module: 'mofa' })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
    });
  });

  it('refuses windows of another length and models of the other stage', async () => {
    await using model = await MaskedPoseModel.load(path, { device: cpuDevice });
    const short = { data: keypoints.data.subarray(34), shape: [8, 17, 2] };
    await expect(model.reconstruct(short, model.masks(5), size)).rejects.toMatchObject({
      message: expect.stringMatching(/9 frames, got 8/),
    });
    const stage2 = await writeSmallModel(join(temporaryFolder(), 'stage2.safetensors'));
    await expect(MaskedPoseModel.load(stage2)).rejects.toMatchObject({ code: 'ERR_MODEL' });
  });
});
