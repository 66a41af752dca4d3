import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PoseError } from '../lib/base/pose-error.js';
import { openNpz } from '../lib/formats/numpy/npz.js';
import { openSafetensors } from '../lib/formats/safetensors.js';
import { MaskedPoseModel, PoseLifter, type PoseStream } from '../lib/index.js';
import { RotationTrack } from '../lib/motion/rotation-track.js';
import { type PublicFunction, publicEntries, publicFunctions } from './helpers/public-functions.js';
import { writeSmallModel } from './helpers/small-models.js';
import { temporaryFolder } from './helpers/temporary-folder.js';

/** Functions that are not called, each with its reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'PoseStream.open': 'of the package itself: a program has no LoadedNetwork',
  'FrameInspector#at': 'needs a model with tracks; test/viewer has its places',
  'FrameInspector#framesOf': 'as FrameInspector#at',
  'Moments#at': 'the old name of FrameInspector',
  'Moments#framesOf': 'the old name of FrameInspector',
};

/** Functions whose fields are not tried, each with its reason. */
const FIELD_EXCEPTIONS: Readonly<Record<string, string>> = {
  writeNpy: 'a tensor or texts, which have fields apart; test/base/array-kind.test.ts has both',
};

const folder = temporaryFolder();
const functions = publicFunctions().filter(({ parameters }) => parameters.some(({ kind }) => kind !== 'any'));
const modules = new Map<string, Record<string, unknown>>();
/** What methods are called on, by class. */
const instances = new Map<string, object>();
let lifter: PoseLifter;
let masked: MaskedPoseModel;

beforeAll(async () => {
  for (const [subpath, file] of publicEntries()) modules.set(subpath, await import(file));
  const small = { device: 'cpu', threads: 1 } as const;
  const model = await writeSmallModel(join(folder, 'two.safetensors'), { outputUnit: 'm' });
  lifter = await PoseLifter.load(model, small);
  masked = await MaskedPoseModel.load(await writeSmallModel(join(folder, 'one.safetensors'), { stage: 1 }), small);
  instances.set('PoseLifter', lifter).set('MaskedPoseModel', masked);
  instances.set('PoseStream', (await lifter.stream({ width: 10, height: 10 })) as PoseStream);
  const npz = fileURLToPath(new URL('./fixtures/formats/numbers.npz', import.meta.url));
  instances.set('RotationTrack', new RotationTrack(3));
  instances.set('NpzFile', openNpz(npz)).set('SafetensorsFile', openSafetensors(model));
});
afterAll(async () => {
  await masked.close();
  await lifter.close();
});

/** A right value of each kind, as far as the kind goes. */
const RIGHT: Readonly<Record<string, unknown>> = {
  ...{
    text: 'no-such',
    number: 1,
    boolean: true,
    function: () => undefined,
    list: [],
    numbers: [],
    object: {},
    null: null,
  },
  ...{ Map: new Map(), Uint8Array: new Uint8Array(4), Float32Array: new Float32Array(4) },
  ...{ Float64Array: new Float64Array(4), Int32Array: new Int32Array(4), AbortSignal: new AbortController().signal },
};
/** Wrong values, with the kinds that they are right for. */
const WRONG: readonly [string, unknown, readonly string[]][] = [
  ['nothing', undefined, ['?']],
  ['null', null, ['null']],
  ['a number', 5, ['number']],
  ['a string', 'text', ['text']],
  ['true', true, ['boolean']],
  ['a function', () => undefined, ['function']],
  ['a symbol', Symbol('s'), []],
  ['a bigint', 5n, []],
  ['a list', [1], ['list', 'numbers']],
  ['an object', {}, ['object']],
  ['a Float32Array', new Float32Array(3), ['Float32Array', 'numbers']],
  ['a file: URL', pathToFileURL('/x'), ['object']],
];

const kindsOf = (kind: string) => kind.replace(/\?$/, '|?').split('|');

/** What comes of a call, whether it throws, rejects or is a generator. */
async function outcome(call: () => unknown): Promise<unknown> {
  try {
    const result = call();
    if (typeof (result as AsyncGenerator | undefined)?.next === 'function') await (result as AsyncGenerator).next();
    else await result;
    return undefined;
  } catch (error) {
    return error;
  }
}

function callable({ subpath, name }: PublicFunction): (...args: unknown[]) => unknown {
  const [owner, method] = name.split(/[.#]/);
  const module = modules.get(subpath)!;
  const self = name.includes('#') ? instances.get(owner) : module[owner];
  expect(self, `${name}: add an instance of ${owner} to this test`).toBeDefined();
  if (method === undefined) return self as () => unknown;
  return (...args) => (self as Record<string, (...args: unknown[]) => unknown>)[method](...args);
}

describe('every public function', () => {
  it('is found: the exports of each subpath are in the list', () => {
    const names = new Set(publicFunctions().map(({ subpath, name }) => `${subpath} ${name.split(/[.#]/)[0]}`));
    const missing = [...modules].flatMap(([subpath, module]) =>
      Object.keys(module)
        .filter((name) => typeof module[name] === 'function' && name !== 'PoseError')
        .filter((name) => (module[name] as () => void).length > 0 && !names.has(`${subpath} ${name}`)),
    );
    expect(missing).toEqual([]);
    expect(functions.length).toBeGreaterThan(130);
    for (const name of Object.keys(EXCEPTIONS)) expect(functions.map((one) => one.name)).toContain(name);
  });

  it.each(
    functions.filter(({ name }) => !(name in EXCEPTIONS)).map((one) => [`${one.subpath} ${one.name}`, one] as const),
  )('%s answers arguments of a wrong type by a PoseError', async (_, one) => {
    const call = callable(one);
    const right = one.parameters.map(({ kind }) => (kind === 'any' ? {} : RIGHT[kindsOf(kind)[0]]));
    const problems: string[] = [];
    const hold = async (what: string, args: unknown[], name: string) => {
      const error = await outcome(() => call(...args));
      const begin = `${one.name.replace(/^.*[#.]/, '')}: ${name}: expected `;
      const said = error instanceof PoseError && error.code === 'ERR_ARGUMENT' && error.message.startsWith(begin);
      if (!said) problems.push(`${what}: ${error === undefined ? 'no error' : error}`);
    };
    for (const [index, { name, kind }] of one.parameters.entries()) {
      if (kind === 'any') continue;
      const shown = /^\w+$/.test(name) ? name : 'given';
      for (const [what, value, fits] of WRONG) {
        if (fits.some((fit) => kindsOf(kind).includes(fit))) continue;
        await hold(`${name} = ${what}`, right.with(index, value), shown);
      }
      if (!kindsOf(kind).includes('object') || one.name.startsWith('is')) continue;
      for (const watcher of ['signal', 'onProgress', 'onNotice', 'onEpoch']) {
        await hold(`${name}.${watcher} = 5`, right.with(index, { [watcher]: 5 }), watcher);
      }
    }
    const bare = await outcome(() => call());
    if (!kindsOf(one.parameters[0].kind).includes('?') && one.parameters[0].kind !== 'any') {
      if (!(bare instanceof PoseError)) problems.push(`no arguments: ${bare}`);
    }
    expect(problems).toEqual([]);
  });

  it.each(
    functions
      .filter(
        ({ name, parameters }) =>
          !(name in EXCEPTIONS) && !(name in FIELD_EXCEPTIONS) && parameters.some(({ fields }) => fields.length > 0),
      )
      .map((one) => [`${one.subpath} ${one.name}`, one] as const),
  )('%s answers fields of a wrong type by a PoseError', async (_, one) => {
    const call = callable(one);
    const right = one.parameters.map(({ kind }) => (kind === 'any' ? {} : RIGHT[kindsOf(kind)[0]]));
    // Writers among them write `no-such` here.
    process.chdir(folder);
    const problems: string[] = [];
    for (const [index, { name, fields }] of one.parameters.entries()) {
      for (const field of fields.filter(({ kind }) => kind !== 'any?' && kind !== 'any')) {
        const needed = fields.filter(({ kind }) => !kind.endsWith('?'));
        const others = Object.fromEntries(needed.map((other) => [other.name, RIGHT[kindsOf(other.kind)[0]]]));
        for (const [what, value, fits] of WRONG) {
          if (fits.some((fit) => kindsOf(field.kind).includes(fit))) continue;
          const error = await outcome(() => call(...right.with(index, { ...others, [field.name]: value })));
          if (!(error instanceof PoseError)) problems.push(`${name}.${field.name} = ${what}: ${error ?? 'no error'}`);
        }
      }
    }
    expect(problems).toEqual([]);
  });

  it('says what to do with a URL in place of a path', async () => {
    await expect(PoseLifter.load(pathToFileURL('/models/a b.safetensors') as never)).rejects.toThrow(
      'load: pathOrName: expected a string, got the URL file:///models/a%20b.safetensors; fileURLToPath(url) of node:url makes a path of it.',
    );
    expect(existsSync('file:')).toBe(false);
  });

  it.each([
    ['lift()', () => lifter.lift(undefined as never, undefined as never), /keypoints: expected an object, got nothing/],
    ['signal: 5', () => liftWith({ signal: 5 }), /lift: signal: expected an AbortSignal, got 5/],
    ['onProgress: 3', () => liftWith({ onProgress: 3 }), /lift: onProgress: expected a function, got 3/],
    ['flip: "no"', () => liftWith({ flip: 'no' }), /lift: flip: expected true or false, got the string 'no'/],
    ['width: "10"', () => liftWith({ width: '10' }), /width: expected a number, got the string '10'/],
    ['an item of null', () => many([null]), /liftMany: input: expected an object, got null/],
    ['nothing to go through', () => many({}), /liftMany: inputs: expected something to go through, got an object/],
    [
      'an iterator of nothing',
      () => many({ [Symbol.iterator]: () => ({ next: () => 5 }) }),
      /liftMany: step: .* got 5/,
    ],
    ['shape: 5', () => liftShape(5), /keypoints: expected a Float32Array of shape .*, got an object/],
    ['a shape of symbols', () => liftShape([Symbol('x'), 17, 2]), /got a Float32Array of shape \(Symbol\(x\), 17, 2\)/],
    ['a shape of texts', () => liftShape(['1', 17, 2]), /keypoints: expected a Float32Array of shape/],
    [
      'a signal by name',
      () => liftWith({ signal: { [Symbol.toStringTag]: 'AbortSignal' } }),
      /expected an AbortSignal/,
    ],
    ['fps: 1e300', () => liftWith({ fps: 1e300 }), /fps: expected at most \d+, got 1e\+300/],
    ['null', () => liftWith(null), /lift: options: expected an object, got null/],
    [
      'device: 3',
      () => PoseLifter.load('pstmo-s-27', { device: 3 as never }),
      /load: device: expected a string, got 3/,
    ],
  ])('for example %s', async (_, call, message) => {
    const error = await outcome(call);
    expect(error).toBeInstanceOf(PoseError);
    expect((error as Error).message).toMatch(message);
  });
});

const many = (inputs: unknown) => lifter.liftMany(inputs as never, { width: 10, height: 10 }).next();

function liftShape(shape: unknown) {
  const keypoints = { data: new Float32Array(34).fill(3), shape };
  return lifter.lift(keypoints as never, { width: 10, height: 10 });
}

function liftWith(options: object | null) {
  const keypoints = { data: new Float32Array(34).fill(3), shape: [1, 17, 2] };
  return lifter.lift(keypoints, (options && { width: 10, height: 10, ...options }) as never);
}
