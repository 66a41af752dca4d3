import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../lib/base/tensor.js';
import { machine } from '../../lib/binding.js';
import { type LiftOptions, PoseLifter } from '../../lib/models/pose-lifter.js';
import { bundledModels } from '../../lib/networks/bundled.js';
import { human36m17 } from '../../lib/skeletons/human36m.js';
import { mirroredJoints } from '../../lib/skeletons/mirror.js';
import { mapToHuman36m } from '../../lib/skeletons/to-human36m.js';
import { cpuDevice } from '../helpers/cpu-device.js';
import { relativeError } from '../helpers/native-model.js';
import { pattern } from '../helpers/pattern.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const size = { width: 640, height: 480 };

function video(frames: number, joints = 17): Tensor {
  const { data, shape } = pattern('video', frames, joints, 2);
  return { data: data.map((value, i) => (value + 1) * (i % 2 === 0 ? 320 : 240)), shape };
}

const model = await writeSmallModel(join(folder, 'small.safetensors'), { stride: 2 });
const load = (options = {}) => PoseLifter.load(model, { device: cpuDevice, threads: 2, ...options });

describe('PoseLifter.lift', () => {
  it('gives metres relative to the root, the same for every batch and number of threads', async () => {
    await using lifter = await load();
    const poses = await lifter.lift(video(21), size);
    expect(poses.shape).toEqual([21, 17, 3]);
    expect(poses.data.every(Number.isFinite)).toBe(true);
    expect([...poses.data].filter((_, i) => i % 51 < 3)).toEqual(new Array(63).fill(0));
    expect((await lifter.lift(video(21), { ...size, batch: 4 })).data).toEqual(poses.data);
    await using one = await load({ threads: 1 });
    expect((await one.lift(video(21), size)).data).toEqual(poses.data);
    expect(lifter.device).toMatch(cpuDevice === 'wasm' ? /^WebAssembly SIMD128, 2 workers$/ : /^CPU, .*2 threads$/);
  });

  it('is its own mirror image with flip, and is not without', async () => {
    await using lifter = await load();
    const partner = mirroredJoints(human36m17);
    const { data, shape } = video(11);
    const mirrored = {
      data: data.map((_, i) => {
        const joint = Math.floor(i / 2) % 17;
        const from = data[i + (partner[joint] - joint) * 2];
        return i % 2 === 0 ? 640 - from : from;
      }),
      shape,
    };
    const seenInMirror = (poses: Float32Array) =>
      poses.map((_, i) => {
        const joint = Math.floor(i / 3) % 17;
        const from = poses[i + (partner[joint] - joint) * 3];
        return i % 3 === 0 ? -from : from;
      });
    for (const [flip, check] of [
      [true, (error: number) => expect(error).toBeLessThan(1e-5)],
      [false, (error: number) => expect(error).toBeGreaterThan(1e-2)],
    ] as const) {
      const straight = await lifter.lift({ data, shape }, { ...size, flip });
      const image = await lifter.lift(mirrored, { ...size, flip });
      check(relativeError(seenInMirror(image.data), straight.data));
    }
  });

  it('fits the stride to the frame rate', async () => {
    await using lifter = await load();
    const plain = await lifter.lift(video(40), size);
    expect((await lifter.lift(video(40), { ...size, fps: 50 })).data).toEqual(plain.data);
    const slow = await lifter.lift(video(40), { ...size, fps: 25 });
    expect(slow.data).not.toEqual(plain.data);
    await using stride1 = await load({ config: { stride: 1 } });
    expect((await stride1.lift(video(40), size)).data).toEqual(slow.data);
  });

  it('maps other layouts where there is a map', async () => {
    await using lifter = await load();
    const halpe = video(6, 26);
    const mapped = await lifter.lift(mapToHuman36m('halpe-26', halpe), size);
    expect((await lifter.lift(halpe, { ...size, layout: 'halpe-26' })).data).toEqual(mapped.data);
    const coco = await PoseLifter.load(
      await writeSmallModel(join(folder, 'coco.safetensors'), { inputLayout: 'coco-17' }),
    );
    await expect(coco.lift(halpe, { ...size, layout: 'halpe-26' })).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
    await coco.close();
  });

  it('turns millimetres into metres', async () => {
    await using lifter = await load();
    await using inMillimetres = await load({ config: { outputUnit: 'mm' } });
    const [metres, scaled] = [await lifter.lift(video(5), size), await inMillimetres.lift(video(5), size)];
    expect(
      relativeError(
        scaled.data.map((value) => value * 1000),
        metres.data,
      ),
    ).toBeLessThan(1e-6);
  });

  it('names what is wrong with its input', async () => {
    await using lifter = await load();
    const broken = video(4);
    broken.data[2 * 34 + 3] = Number.NaN;
    const wrong: [RegExp, Tensor, object][] = [
      [/\(T, 17, 2\).*\(4, 16, 2\)/, video(4, 16), size],
      [/frame 2, joint 1 is NaN/, broken, size],
      [/size.*640x0/i, video(4), { width: 640, height: 0 }],
      [/unknown option flipp/, video(4), { ...size, flipp: false }],
      [/fps.*-1/, video(4), { ...size, fps: -1 }],
      [/"mpeg"/, video(4), { ...size, layout: 'mpeg' }],
      [/batch/, video(4), { ...size, batch: -3 }],
      [/no refining module/, video(4), { ...size, root: pattern('root', 4, 3) }],
    ];
    for (const [message, keypoints, options] of wrong) {
      const error = await lifter.lift(keypoints, options as LiftOptions).catch((caught) => caught);
      expect(error).toMatchObject({ name: 'PoseError', code: 'ERR_ARGUMENT' });
      expect(error.message).toMatch(message);
    }
  });

  it('refines with a root trajectory and a camera where the model has the module', async () => {
    const path = await writeSmallModel(join(folder, 'refine.safetensors'), { refine: { root: 'given' } });
    await using lifter = await PoseLifter.load(path, { device: cpuDevice });
    const root = {
      data: pattern('root', 6, 3).data.map((value, i) => (i % 3 === 2 ? 4 + value : value)),
      shape: [6, 3],
    };
    const camera = { fx: 2.3, fy: 2.3, cx: 0.02, cy: 0.03 };
    const plain = await lifter.lift(video(6), size);
    const refined = await lifter.lift(video(6), { ...size, root, camera });
    expect(refined.data).not.toEqual(plain.data);
    const depths = (poses: Tensor) => poses.data.filter((_, i) => i % 3 === 2);
    // Without a trajectory the compiled lifter runs, with one the network op by op.
    expect(relativeError(depths(refined), depths(plain))).toBeLessThan(1e-5);
    await expect(lifter.lift(video(6), { ...size, root })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  });

  it('stops by a signal, before and in the middle, and tells how far it is', async () => {
    await using lifter = await load();
    const before = lifter.lift(video(4), { ...size, signal: AbortSignal.abort() });
    await expect(before).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    const controller = new AbortController();
    const seen: number[] = [];
    const long = lifter.lift(video(30_000), {
      ...{ ...size, batch: 8, signal: controller.signal },
      onProgress: (done, total) => {
        seen.push(done);
        expect(total).toBe(30_000);
        controller.abort();
      },
    });
    await expect(long).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(seen[0]).toBeLessThan(30_000);
    const short: number[] = [];
    await lifter.lift(video(9), { ...size, onProgress: (done) => short.push(done) });
    expect(short.at(-1)).toBe(9);
  });

  it('says why it stopped: a timeout is told from a user by the cause', async () => {
    await using lifter = await load();
    const timeout = lifter.lift(video(60_000), { ...size, batch: 8, signal: AbortSignal.timeout(50) });
    const byTimeout = { code: 'ERR_ABORTED', name: 'AbortError', cause: { name: 'TimeoutError' } };
    await expect(timeout).rejects.toMatchObject(byTimeout);
    const reason = new Error('the user went away');
    const before = lifter.lift(video(4), { ...size, signal: AbortSignal.abort(reason) });
    await expect(before).rejects.toMatchObject({ code: 'ERR_ABORTED', name: 'AbortError', cause: reason });
  });

  it('rejects with what a progress callback throws, in the middle and at the end', async () => {
    await using lifter = await load();
    const broken = new Error('the bar is broken');
    const onProgress = () => {
      throw broken;
    };
    await expect(lifter.lift(video(30_000), { ...size, batch: 8, onProgress })).rejects.toBe(broken);
    await expect(lifter.lift(video(2), { ...size, onProgress })).rejects.toBe(broken);
    expect((await lifter.lift(video(2), size)).shape).toEqual([2, 17, 3]);
  });

  it('waits for what runs when it is closed, and refuses what comes after', async () => {
    const lifter = await load();
    const running = lifter.lift(video(50), size);
    await lifter.close();
    expect((await running).shape).toEqual([50, 17, 3]);
    await expect(lifter.lift(video(4), size)).rejects.toMatchObject({ name: 'PoseError', code: 'ERR_CLOSED' });
    expect(lifter.memoryBytes).toBe(0);
    await lifter.close();
  });
});

describe('PoseLifter.liftMany', () => {
  it('lifts one video after the other', async () => {
    await using lifter = await load();
    const inputs = [{ keypoints: video(5) }, { keypoints: video(7), width: 1280, height: 720 }];
    const poses: Tensor[] = [];
    for await (const one of lifter.liftMany(inputs, size)) poses.push(one);
    expect(poses.map(({ shape }) => shape[0])).toEqual([5, 7]);
    expect(poses[1].data).toEqual((await lifter.lift(video(7), { width: 1280, height: 720 })).data);
  });
});

describe('PoseLifter.liftMany with short videos', () => {
  async function* eachAfterItsPoses(count: number, seen: () => number) {
    for (let i = 0; i < count; i++) {
      while (seen() < i) await new Promise((resolve) => setTimeout(resolve, 1));
      yield { keypoints: video(3 + i) };
    }
  }

  it('lifts them together, as each would be alone', async () => {
    await using lifter = await load();
    const inputs = Array.from({ length: 30 }, (_, i) => ({ keypoints: video(1 + (i % 7)), flip: i < 20 }));
    let i = 0;
    for await (const { data, shape } of lifter.liftMany(inputs, size)) {
      expect(shape).toEqual([1 + (i % 7), 17, 3]);
      expect(data).toEqual((await lifter.lift(inputs[i].keypoints, { ...size, flip: i < 20 })).data);
      i++;
    }
    expect(i).toBe(30);
  });

  it('waits for no input while poses could go out', async () => {
    await using lifter = await load();
    let seen = 0;
    for await (const { shape } of lifter.liftMany(
      eachAfterItsPoses(4, () => seen),
      size,
    ))
      expect(shape[0]).toBe(3 + seen++);
    expect(seen).toBe(4);
  });

  it('gives the poses before a wrong one, then its error; ends its input where it is left', async () => {
    await using lifter = await load();
    let ended = false;
    function* inputs() {
      try {
        yield* [
          { keypoints: video(2) },
          { keypoints: video(3) },
          { keypoints: { data: new Float32Array(3), shape: [3] } },
        ];
      } finally {
        ended = true;
      }
    }
    const frames: number[] = [];
    const run = async () => {
      for await (const { shape } of lifter.liftMany(inputs(), size)) frames.push(shape[0]);
    };
    await expect(run()).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    expect([frames, ended]).toEqual([[2, 3], true]);
    ended = false;
    for await (const _ of lifter.liftMany(inputs(), size)) break;
    expect(ended).toBe(true);
  });
});

describe('PoseLifter.stream', () => {
  const frameOf = (clip: Tensor, t: number) => ({ data: clip.data.slice(t * 34, (t + 1) * 34), shape: [17, 2] });

  /** The poses of a clip pushed frame by frame, and how many came with each push. */
  async function streamed(lifter: PoseLifter, clip: Tensor, options: object) {
    const stream = await lifter.stream({ ...size, ...options });
    const poses: number[] = [];
    const came: number[] = [];
    for (let t = 0; t < clip.shape[0]; t++) {
      const pose = await stream.push(frameOf(clip, t));
      came.push(pose ? 1 : 0);
      poses.push(...(pose?.data ?? []));
    }
    const rest = await stream.end();
    expect(rest.shape.slice(1)).toEqual([17, 3]);
    poses.push(...rest.data);
    return { poses: Float32Array.from(poses), came };
  }

  it.each(['auto', 'off'] as const)('gives with the greatest look-ahead what lift gives, plan %s', async (plan) => {
    await using lifter = await PoseLifter.load(model, { device: cpuDevice, plan });
    for (const flip of [true, false]) {
      const { poses, came } = await streamed(lifter, video(23), { lookahead: 8, flip });
      expect(came).toEqual([...new Array(8).fill(0), ...new Array(15).fill(1)]);
      expect(poses).toEqual((await lifter.lift(video(23), { ...size, flip })).data);
    }
    const short = await streamed(lifter, video(3), { lookahead: 8 });
    expect(short.poses).toEqual((await lifter.lift(video(3), size)).data);
  });

  it.each(['auto', 'off'] as const)('sees no frame before it comes, plan %s', async (plan) => {
    await using lifter = await PoseLifter.load(model, { device: cpuDevice, plan });
    for (const lookahead of [0, 2]) {
      const { poses } = await streamed(lifter, video(12), { lookahead });
      for (const t of [0, 3, 11]) {
        const seen = Math.min(12, t + lookahead + 1);
        const clip = { data: video(12).data.slice(0, seen * 34), shape: [seen, 17, 2] };
        const lifted = await lifter.lift(clip, size);
        expect(poses.slice(t * 51, (t + 1) * 51)).toEqual(lifted.data.slice(t * 51, (t + 1) * 51));
      }
    }
  });

  it('refuses what it cannot do', async () => {
    await using lifter = await load();
    await expect(lifter.stream({ ...size, lookahead: 9 })).rejects.toMatchObject({
      message: expect.stringMatching(/0 to 8.*got 9/),
    });
    const stream = await lifter.stream(size);
    await expect(stream.push(video(1))).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    await stream.end();
    await expect(stream.push(frameOf(video(1), 0))).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  });
});

describe('PoseLifter.attention', () => {
  it('shows every layer of TEM and MOFA', async () => {
    await using lifter = await load();
    const tem = await lifter.attention(video(12), 3, size);
    expect(tem.map(({ layer, maps }) => [layer, ...maps.shape])).toEqual([
      [0, 8, 9, 9],
      [1, 8, 9, 9],
    ]);
    const mofa = await lifter.attention(video(12), 3, { ...size, module: 'mofa' });
    expect(mofa.map(({ maps }) => maps.shape[1])).toEqual([9, 9, 3]);
    for (const { maps } of [...tem, ...mofa]) {
      const tokens = maps.shape[2];
      for (let row = 0; row < maps.data.length; row += tokens) {
        const sum = maps.data.subarray(row, row + tokens).reduce((total, value) => total + value, 0);
        expect(sum).toBeCloseTo(1, 5);
      }
    }
    const [one] = await lifter.attention(video(12), 3, { ...size, layer: 1 });
    expect(one).toEqual(tem[1]);
  });

  it('shows where joints look, with the transformer backbone', async () => {
    const overrides = { backbone: 'transformer', width: 136, aggregate: false } as const;
    const path = await writeSmallModel(join(folder, 'joints.safetensors'), overrides);
    await using lifter = await PoseLifter.load(path, { device: cpuDevice });
    const maps = await lifter.attention(video(12), 3, { ...size, module: 'joints' });
    expect(maps.map((map) => map.maps.shape)).toEqual(new Array(3).fill([9, 8, 17, 17]));
    expect(maps[0].maps.data).toHaveLength(9 * 8 * 17 * 17);
  });

  it('names a frame, module or layer that is not there', async () => {
    await using lifter = await load();
    const ask = (frame: number, options: object) => lifter.attention(video(12), frame, { ...size, ...options });
    await expect(ask(12, {})).rejects.toMatchObject({ message: expect.stringMatching(/frame.*0 to 11, got 12/) });
    await expect(ask(0, { layer: 2 })).rejects.toMatchObject({
      message: expect.stringMatching(/layers 0 to 1, got 2/),
    });
    await expect(ask(0, { module: 'decoder' })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  });
});

describe('PoseLifter.load', () => {
  it('refuses unknown options, the other stage and what the device lacks', async () => {
    await expect(load({ treads: 2 })).rejects.toMatchObject({
      message: expect.stringContaining('unknown option treads'),
    });
    const stage1 = await writeSmallModel(join(folder, 'stage1.safetensors'), { stage: 1 });
    await expect(PoseLifter.load(stage1)).rejects.toMatchObject({ code: 'ERR_MODEL' });
    await expect(load({ precision: 'tf32' })).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
    await expect(load({ device: 'gpu' })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  });

  it.skipIf(!machine(cpuDevice).bf16)('lifts in bf16 on a processor that has it, within its precision', async () => {
    await using exact = await load();
    await using coarse = await load({ precision: 'bf16' });
    const [expected, poses] = [await exact.lift(video(9), size), await coarse.lift(video(9), size)];
    const error = relativeError(poses.data, expected.data);
    expect(error).toBeGreaterThan(1e-5);
    expect(error).toBeLessThan(3e-2);
  });

  it('says what it chose by itself', async () => {
    const told: string[] = [];
    await using lifter = await load({ device: 'auto', onNotice: (text: string) => told.push(text) });
    expect(told).toEqual(lifter.notices);
    expect(told[0]).toMatch(/^device auto: the (CPU|GPU)/);
  });

  it('finds bundled models by name', async () => {
    for (const { name } of bundledModels()) {
      await using lifter = await PoseLifter.load(name, { device: cpuDevice });
      expect(lifter.config.stage).toBe(2);
    }
    await expect(PoseLifter.load('pstmo-huge')).rejects.toMatchObject({ code: 'ERR_FILE' });
  });
});
