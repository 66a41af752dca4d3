/**
 * Goes through every call of binding.d.ts that takes an array and attacks the array while the call works: a call that is new
 * there is in it by itself, and fails until {@link calls} says how it is made.
 */
import { afterAll, describe, expect, it } from 'vitest';
import type { NativeModel, OpTensors } from '../../binding.js';
import { PoseError } from '../../lib/base/pose-error.js';
import { createNativeModel, opCost, runOp } from '../../lib/binding.js';
import { cpuDevice } from '../helpers/cpu-device.js';
import { declaredArrays } from '../helpers/declared-arrays.js';
import { mirrorList, nativeConfig } from '../helpers/native-model.js';
import { pattern } from '../helpers/pattern.js';

type Handed = Float32Array | Int32Array | Uint8Array | Uint16Array;
const small = { frames: 9, layers: 2, decoderLayers: 1, width: 32, hidden: 48 };
const options = { device: cpuDevice, precision: 'fp32', threads: 1 } as const;
const models: NativeModel[] = [];

async function modelOf(overrides: object): Promise<NativeModel> {
  const model = createNativeModel(nativeConfig({ ...small, ...overrides }), options);
  models.push(model);
  await model.initialize(1);
  return model;
}

const stage1 = await modelOf({ stage: 1 });
const stage2 = await modelOf({ refine: true });
let stream = await stage2.openStream({ stride: 1, flip: true, lookahead: 0 });
await stage2.setSequences({ ...sequences() });
await stage1.setSequences({ keypoints: sequences().keypoints, lengths: Int32Array.of(20) });
afterAll(() => Promise.all(models.map((model) => model.close())));

function sequences() {
  return {
    keypoints: pattern('keypoints', 20, 34).data,
    poses: pattern('poses', 20, 51).data,
    roots: pattern('roots', 20, 3).data.map((value) => value + 4),
    cameras: Float32Array.of(2, 2, 0, 0),
    lengths: Int32Array.of(20),
  };
}

function windows() {
  return { keypoints: pattern('input', 2, 9, 34).data, batch: 2 };
}

function views() {
  return { roots: pattern('roots', 2, 3).data.map((value) => value + 4), cameras: new Float32Array(8).fill(0.5) };
}

function masks() {
  return {
    masked: Uint8Array.from({ length: 9 }, (_, frame) => frame % 2),
    jointMask: Uint8Array.from({ length: 9 * 17 }, (_, at) => (at % 5 === 0 ? 1 : 0)),
  };
}

function training(samples: number) {
  const fixed = { batch: 2, stride: 1, shuffleFrames: false, learningRate: 0, seed: 1, firstStep: 0 };
  const list = Int32Array.from({ length: 3 * samples }, (_, i) => (i % 3 === 1 ? (7 * i) % 20 : 0));
  return { ...fixed, update: false, flip: false, samples: list };
}

interface Call {
  /** Whose queue is kept busy meanwhile; none where the call is no job. */
  model?: NativeModel;
  args: () => unknown[];
  /** Makes the call, and gives its result, or a promise of it. */
  run: (...args: never[]) => unknown;
}

const lift = { stride: 1, flip: true, first: 0, batch: 0 };
const targets = () => ({ targets: pattern('targets', 2, 9, 51).data });
const device = { ...options, isa: 'auto' } as const;
const ops: OpTensors = { x: Float32Array.of(1, 2), y: Float32Array.of(3, 4) };

/** Calls that WebAssembly refuses. */
const refused = cpuDevice === 'wasm' ? ['gradients', 'train'] : [];

/** How each call is made; together they have every array that binding.d.ts names. */
const calls: Record<string, Call[]> = {
  'new NativeModel': [
    {
      args: () => [{ ...nativeConfig(small), mirrorInput: mirrorList(), mirrorOutput: mirrorList() }, options],
      run: (...args: Parameters<typeof createNativeModel>) => {
        const model = createNativeModel(...args);
        models.push(model);
        const keypoints = pattern('keypoints', 12, 34).data;
        return model.initialize(1).then(() => model.lift({ ...lift, keypoints, count: 12 }));
      },
    },
  ],
  write: [
    {
      model: stage2,
      args: () => ['value', 'fcn.1.bias', pattern('bias', 51).data],
      run: (...args: Parameters<NativeModel['write']>) => {
        const written = stage2.write(...args);
        return written.then(() => stage2.read('value', 'fcn.1.bias'));
      },
    },
  ],
  forward: [
    {
      model: stage2,
      args: () => [{ ...windows(), ...views(), ...targets() }],
      run: (...args: Parameters<NativeModel['forward']>) => stage2.forward(...args),
    },
  ],
  liftWindows: [
    {
      model: stage2,
      args: () => [windows()],
      run: (...args: Parameters<NativeModel['liftWindows']>) => stage2.liftWindows(...args),
    },
  ],
  reconstruct: [
    {
      model: stage1,
      args: () => [{ ...windows(), ...masks() }],
      run: (...args: Parameters<NativeModel['reconstruct']>) => stage1.reconstruct(...args),
    },
  ],
  attention: [
    {
      model: stage1,
      args: () => [{ ...windows(), ...masks() }, 'decoder', 0],
      run: (...args: Parameters<NativeModel['attention']>) => stage1.attention(...args),
    },
  ],
  gradients: [
    {
      model: stage2,
      args: () => [{ ...windows(), ...views(), ...targets() }, 1, 0],
      run: (...args: Parameters<NativeModel['gradients']>) => stage2.gradients(...args),
    },
  ],
  setSequences: [
    {
      model: stage2,
      args: () => [sequences()],
      run: (...args: Parameters<NativeModel['setSequences']>) => {
        const set = stage2.setSequences(...args);
        return set.then(() => (cpuDevice === 'wasm' ? undefined : stage2.train(training(4))));
      },
    },
  ],
  lift: [
    {
      model: stage2,
      args: () => [
        {
          ...lift,
          count: 20,
          keypoints: sequences().keypoints,
          root: sequences().roots,
          camera: sequences().cameras,
        },
      ],
      run: (...args: Parameters<NativeModel['lift']>) => stage2.lift(...args),
    },
    {
      model: stage2,
      args: () => [{ ...lift, count: 20, keypoints: sequences().keypoints, lengths: Int32Array.of(12, 8) }],
      run: (...args: Parameters<NativeModel['lift']>) => stage2.lift(...args),
    },
  ],
  pushFrame: [
    {
      model: stage2,
      args: () => [0, pattern('frame', 34).data],
      // The first frame of a stream each: the one before would still be in the window.
      run: async (_: number, frame: Float32Array) => {
        const opened = stage2.openStream({ stride: 1, flip: true, lookahead: 0 });
        const pushed = stage2.pushFrame(++stream, frame);
        return (await Promise.all([pushed, opened]))[0];
      },
    },
  ],
  train: [
    {
      model: stage1,
      args: () => {
        const { masked, jointMask } = masks();
        return [{ ...training(2), masked, jointMask }];
      },
      run: (...args: Parameters<NativeModel['train']>) => stage1.train(...args),
    },
  ],
  runOp: [
    {
      args: () => [device, 'addForward', { ...ops, y: ops.y.slice() }, { count: 2 }],
      run: (...args: Parameters<typeof runOp>) => {
        runOp(...args);
        return args[2].y;
      },
    },
    {
      args: () => [device, 'windowGather', gather(), gatherSizes],
      run: (...args: Parameters<typeof runOp>) => {
        runOp(...args);
        return args[2].y;
      },
    },
  ],
  opCost: [
    {
      args: () => ['addForward', { ...ops }, { count: 2 }],
      run: (...args: Parameters<typeof opCost>) => opCost(...args),
    },
  ],
};

const gatherSizes = {
  batch: 1,
  frames: 3,
  stride: 1,
  joints: 2,
  coordinates: 2,
  sequences: 1,
  sourceFrames: 4,
  rootJoint: -1,
  seed: 0,
  step: 0,
};
function gather(): OpTensors {
  return {
    ...{
      start: Int32Array.of(0),
      length: Int32Array.of(4),
      samples: Int32Array.of(0, 1, 0),
      mirror: Int32Array.of(1, 0),
    },
    ...{ source: pattern('source', 4, 4).data, y: new Float32Array(12) },
  };
}

/** The array at a place, and the object that holds it. */
function placeOf(args: unknown[], place: string): { holder: Record<string, Handed>; name: string } {
  const names = place.split('.');
  const name = names.pop()!;
  let holder = args as unknown as Record<string, Handed>;
  for (const part of names) holder = holder[part] as unknown as Record<string, Handed>;
  return { holder, name };
}

/** The places of a declared one that a call's arguments have. */
function placesIn(args: unknown[], place: string): string[] {
  if (!place.endsWith('.*')) {
    const { holder, name } = placeOf(args, place);
    return ArrayBuffer.isView(holder?.[name]) ? [place] : [];
  }
  const { holder, name } = placeOf(args, place.slice(0, -2));
  return Object.entries(holder[name]).flatMap(([key, value]) =>
    ArrayBuffer.isView(value) ? [`${place.slice(0, -1)}${key}`] : [],
  );
}

const places = [...declaredArrays()]
  .filter(([name]) => !refused.includes(name))
  .flatMap(([name, declaredPlaces]) =>
    (calls[name] ?? []).flatMap((call) =>
      declaredPlaces.flatMap((place) => placesIn(call.args(), place).map((at) => ({ name, call, place: at }))),
    ),
  );

type Attack = (array: Handed) => { array: Handed; strike: () => void };

/** The same numbers on other memory. */
function on(buffer: ArrayBuffer | SharedArrayBuffer, array: Handed): Handed {
  const Type = array.constructor as new (buffer: ArrayBufferLike) => Handed;
  const copy = new Type(buffer);
  copy.set(array);
  return copy;
}

/** As TypeScript's library for Node 20 does not have it. */
const Resizable = ArrayBuffer as unknown as new (
  length: number,
  options: { maxByteLength: number },
) => ArrayBuffer & { resize(length: number): void };

const attacks: Record<string, Attack> = {
  resized: (array) => {
    const buffer = new Resizable(array.byteLength, { maxByteLength: 2 ** 22 });
    return { array: on(buffer, array), strike: () => buffer.resize(0) };
  },
  transferred: (array) => {
    const buffer = new ArrayBuffer(array.byteLength);
    return { array: on(buffer, array), strike: () => structuredClone(buffer, { transfer: [buffer] }) };
  },
  mutated: (array) => {
    const copy = array.slice();
    return { array: copy, strike: () => copy.fill(copy instanceof Float32Array ? Number.NaN : 200) };
  },
  shared: (array) => {
    const copy = on(new SharedArrayBuffer(array.byteLength), array);
    return { array: copy, strike: () => copy.fill(copy instanceof Float32Array ? Number.NaN : 200) };
  },
};

/** Keeps the queue of a model busy for a while. */
function keepBusy(model: NativeModel | undefined): Promise<unknown> | undefined {
  if (model === undefined) return undefined;
  if (model === stage1) {
    return model.reconstruct({ ...masks(), keypoints: new Float32Array(300 * 9 * 34), batch: 300 });
  }
  return model.lift({ ...lift, keypoints: new Float32Array(600 * 34), count: 600 });
}

/** Numbers of a result, in words that can be compared. */
function text(result: unknown): string {
  return JSON.stringify(result, (_, value) => (ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value));
}

async function resultOf(call: Call, args: unknown[]): Promise<string> {
  return text(await call.run(...(args as never[])));
}

describe('arrays that JavaScript hands over', () => {
  it('are known of every call, each of them', () => {
    for (const [name, declaredPlaces] of declaredArrays()) {
      if (refused.includes(name)) continue;
      const args = (calls[name] ?? []).map((call) => call.args());
      for (const place of declaredPlaces) {
        // A Stage I model alone reads masks, a Stage II model alone targets.
        const read = ['forward', 'liftWindows', 'reconstruct', 'attention', 'gradients'].includes(name);
        const given = read
          ? places.some((one) => one.place === place)
          : args.some((list) => placesIn(list, place).length > 0);
        expect(given, `${name}: argument ${place}`).toBe(true);
      }
    }
  });

  for (const { name, call, place } of places) {
    it.each(Object.keys(attacks))(`${name}, ${place}: %s after the call`, async (attack) => {
      const before = await resultOf(call, call.args());
      const args = call.args();
      const { holder, name: field } = placeOf(args, place);
      const { array, strike } = attacks[attack](holder[field]);
      holder[field] = array;
      const busy = keepBusy(call.model);
      const result = call.run(...(args as never[]));
      const seen = name === 'runOp' ? text(result) : undefined;
      strike();
      expect(seen ?? text(await result)).toBe(before);
      await busy;
    });

    it.each(['resized', 'transferred'])(`${name}, ${place}: %s before the call`, async (attack) => {
      const args = call.args();
      const { holder, name: field } = placeOf(args, place);
      const { array, strike } = attacks[attack](holder[field]);
      holder[field] = array;
      strike();
      await expect((async () => call.run(...(args as never[])))()).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    });

    // Another field of the same object strikes when it is read, which may be after the array was.
    it.each(Object.keys(attacks))(`${name}, ${place}: %s by a getter`, async (attack) => {
      const names = placeOf(call.args(), place);
      for (const other of Object.keys(names.holder)) {
        if (other === names.name || Array.isArray(names.holder)) continue;
        const args = call.args();
        const { holder, name: field } = placeOf(args, place);
        const { array, strike } = attacks[attack](holder[field]);
        const value = holder[other];
        holder[field] = array;
        Object.defineProperty(holder, other, {
          enumerable: true,
          get: () => {
            strike();
            return value;
          },
        });
        // Whether the call sees the numbers or their absence: it ends in a result or in an error of ours.
        await resultOf(call, args).catch((error: unknown) => expect(error).toBeInstanceOf(PoseError));
      }
    });
  }

  it('are a control only on shared memory, whatever they say of themselves', async () => {
    const lying = new Int32Array(2);
    Object.defineProperty(lying, 'buffer', { value: new SharedArrayBuffer(8) });
    const request = { ...lift, keypoints: sequences().keypoints, count: 20 };
    await expect(stage2.lift(request, lying)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  });
});
