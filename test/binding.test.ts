import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { PoseError } from '../lib/base/pose-error.js';
import { createNativeModel, machine, runOp } from '../lib/binding.js';
import { filledModel, nativeConfig } from './helpers/native-model.js';
import { pattern } from './helpers/pattern.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const native = require('node-gyp-build')(root) as Record<string, unknown> & { NativeModel: { prototype: object } };

/** What binding.d.ts declares: names of functions and classes, and each class's methods and fields. */
function declared(): { functions: string[]; classes: Map<string, { methods: string[]; fields: string[] }> } {
  const text = ts.sys.readFile(`${root}/binding.d.ts`)!;
  const source = ts.createSourceFile('binding.d.ts', text, ts.ScriptTarget.Latest);
  const functions: string[] = [];
  const classes = new Map<string, { methods: string[]; fields: string[] }>();
  for (const statement of source.statements) {
    if (ts.isFunctionDeclaration(statement)) functions.push(statement.name!.text);
    if (!ts.isClassDeclaration(statement)) continue;
    const names = (kind: ts.SyntaxKind) =>
      statement.members.filter((member) => member.kind === kind).map((member) => (member.name as ts.Identifier).text);
    classes.set(statement.name!.text, {
      methods: names(ts.SyntaxKind.MethodDeclaration),
      fields: names(ts.SyntaxKind.PropertyDeclaration),
    });
  }
  return { functions, classes };
}

describe('binding.d.ts', () => {
  const { functions, classes } = declared();

  it('names exactly what the addon exports', () => {
    expect(Object.keys(native).sort()).toEqual([...functions, ...classes.keys()].sort());
    for (const name of functions) expect(native[name], name).toBeTypeOf('function');
  });

  it('names exactly the members of each class', () => {
    expect([...classes.keys()]).toEqual(['NativeModel']);
    const { methods, fields } = classes.get('NativeModel')!;
    const members = Object.entries(Object.getOwnPropertyDescriptors(native.NativeModel.prototype));
    const real = members.filter(([name]) => name !== 'constructor');
    expect(
      real
        .filter(([, { get }]) => !get)
        .map(([name]) => name)
        .sort(),
    ).toEqual([...methods].sort());
    expect(
      real
        .filter(([, { get }]) => get)
        .map(([name]) => name)
        .sort(),
    ).toEqual([...fields].sort());
  });
});

/** The PoseError that a call throws or rejects with. */
async function errorOf(run: () => unknown): Promise<PoseError> {
  try {
    await run();
  } catch (error) {
    expect(error).toBeInstanceOf(PoseError);
    return error as PoseError;
  }
  throw new Error('No error came.');
}

const window = { keypoints: pattern('input', 1, 27, 17, 2).data, batch: 1 };

describe('a native model', () => {
  it('says what the machine has', () => {
    const found = machine();
    expect(found.isas).toContain('portable');
    expect(found.threads).toBeGreaterThan(0);
    expect(found.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(found.cuda.reason).not.toBe('');
  });

  it('refuses wrong configurations and options by name', async () => {
    const options = { device: 'cpu', precision: 'fp32', threads: 1 } as const;
    const wrong = (overrides: object) => errorOf(() => createNativeModel({ ...nativeConfig(), ...overrides }, options));
    expect(await wrong({ frames: 2.5 })).toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringMatching(/frames.*2\.5/),
    });
    expect(await wrong({ backbone: 'cnn' })).toMatchObject({ message: expect.stringMatching(/backbone.*mlp.*"cnn"/) });
    expect(await wrong({ colour: 1 })).toMatchObject({ message: expect.stringMatching(/unknown option colour/) });
    expect(await wrong({ mirrorInput: new Int32Array(17).fill(17) })).toMatchObject({ code: 'ERR_ARGUMENT' });
    expect(await wrong({ heads: 7 })).toMatchObject({ code: 'ERR_CONFIG' });
    const gpu = () => createNativeModel(nativeConfig(), { ...options, device: 'cuda:0' });
    if (!machine().cuda.built) expect(await errorOf(gpu)).toMatchObject({ code: 'ERR_NO_CUDA' });
    const tf32 = () => createNativeModel(nativeConfig(), { ...options, precision: 'tf32' });
    expect(await errorOf(tf32)).toMatchObject({ code: 'ERR_UNSUPPORTED' });
  });

  it('refuses arrays of another length or type before anything runs', async () => {
    const model = await filledModel();
    const wrong: [string, () => Promise<unknown>][] = [
      ['keypoints', () => model.forward({ ...window, batch: 2 })],
      ['keypoints', () => model.forward({ ...window, keypoints: new Float64Array(918) as unknown as Float32Array })],
      ['roots', () => model.forward({ ...window, roots: new Float32Array(3) })],
      ['targets', () => model.gradients(window, 0, 0)],
      ['Stage 1', () => model.reconstruct(window)],
      ['no tensor', () => model.read('value', 'nothing')],
      ['state', () => model.read('values' as 'value', 'fcn.1.bias')],
      ['fcn.1.bias', () => model.write('value', 'fcn.1.bias', new Float32Array(50))],
      ['lengths', () => model.setSequences({ keypoints: new Float32Array(34 * 5), lengths: Int32Array.of(2, 4) })],
      [
        'count',
        () => model.lift({ keypoints: new Float32Array(34 * 5), stride: 1, flip: true, first: 3, count: 3, batch: 0 }),
      ],
      ['layer', () => model.attention(window, 'tem', -1)],
      ['module', () => model.attention(window, 'sem' as 'tem', 0)],
      ['step', () => model.adamStep(1e-3, 0)],
      [
        'control',
        () =>
          model.lift(
            { keypoints: new Float32Array(34), stride: 1, flip: true, first: 0, count: 1, batch: 0 },
            new Int32Array(2),
          ),
      ],
    ];
    for (const [part, call] of wrong) {
      expect((await errorOf(call)).message).toContain(part);
    }
    await model.close();
  });

  it('runs overlapping calls in the order in which they came', async () => {
    const model = await filledModel();
    const before = model.forward(window);
    const writing = model.write('value', 'fcn.1.bias', new Float32Array(51).fill(5));
    const after = model.forward(window);
    await writing;
    expect((await after).single[0] - (await before).single[0]).toBeGreaterThan(4);
    await model.close();
  });

  it('stops a job when control says so, and counts what is done', async () => {
    const model = await filledModel();
    const control = new Int32Array(new SharedArrayBuffer(8));
    const keypoints = pattern('video', 4000, 17, 2).data;
    const job = model.lift({ keypoints, stride: 1, flip: true, first: 0, count: 4000, batch: 4 }, control);
    while (Atomics.load(control, 1) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    Atomics.store(control, 0, 1);
    expect(await errorOf(() => job)).toMatchObject({ code: 'ERR_ABORTED' });
    expect(control[1]).toBeGreaterThan(0);
    expect(control[1]).toBeLessThan(4000);
    await model.close();
  });

  it('reports its memory to the collector, which takes forgotten ones', async () => {
    let collected = 0;
    const registry = new FinalizationRegistry(() => {
      collected++;
    });
    for (let i = 0; i < 30; i++) {
      // 26 MB each, next to nothing of it on JavaScript's heap: without the report the collector would see no reason to run.
      const config = nativeConfig({ frames: 243, width: 256, hidden: 512 });
      const model = createNativeModel(config, { device: 'cpu', precision: 'fp32', threads: 1 });
      registry.register(model, undefined);
      // A model takes memory for its weights when it has some.
      await model.write('value', 'fcn.1.bias', new Float32Array(51));
    }
    expect(collected).toBeGreaterThan(5);
  });

  it('frees its memory with close(), which ends what runs and what waits', async () => {
    const model = await filledModel();
    expect(model.memoryBytes).toBeGreaterThan(1e6);
    const keypoints = pattern('video', 4000, 17, 2).data;
    const request = { keypoints, stride: 1, flip: true, first: 0, count: 4000, batch: 4 };
    const running = errorOf(() => model.lift(request));
    const waiting = errorOf(() => model.forward(window));
    await Promise.all([model.close(), model.close()]);
    expect(await running).toMatchObject({ code: 'ERR_CLOSED' });
    expect(await waiting).toMatchObject({ code: 'ERR_CLOSED' });
    expect(model.memoryBytes).toBe(0);
    expect(await errorOf(() => model.forward(window))).toMatchObject({ code: 'ERR_CLOSED' });
    await model.close();
  });
});

describe('runOp', () => {
  const device = { device: 'cpu', precision: 'fp32', threads: 1, isa: 'auto' } as const;
  const sum = () => ({ x: Float32Array.of(1, 2), y: Float32Array.of(3, 4) });

  it('fills arrays in place and returns seconds', () => {
    const tensors = sum();
    expect(runOp(device, 'addForward', tensors, { count: 2 })).toBeGreaterThanOrEqual(0);
    expect([...tensors.y]).toEqual([4, 6]);
  });

  it('refuses what does not fit', async () => {
    const wrong: [RegExp, () => unknown][] = [
      [/no operation nothing/, () => runOp(device, 'nothing', {}, {})],
      [/tensors\.x.*of 3, got a Float32Array of 2/, () => runOp(device, 'addForward', sum(), { count: 3 })],
      [/no array or number z/, () => runOp(device, 'addForward', { ...sum(), z: new Float32Array(1) }, { count: 2 })],
      [/attributes\.count/, () => runOp(device, 'addForward', sum(), {})],
      [/instruction set 'mmx'/, () => runOp({ ...device, isa: 'mmx' }, 'addForward', sum(), { count: 2 })],
    ];
    for (const [pattern, call] of wrong) expect((await errorOf(call)).message).toMatch(pattern);
  });
});

/** Runs a long lift in a worker thread; the worker's program answers 'running' and is then ended as `how` says. */
function endWorker(how: 'terminate' | 'exit' | 'close'): Promise<number> {
  const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { NativeModel } = require(workerData.loader)(workerData.root);
    const model = new NativeModel(workerData.config, { device: 'cpu', precision: 'fp32', threads: 2 });
    const control = new Int32Array(new SharedArrayBuffer(8));
    const keypoints = new Float32Array(4000 * 34);
    const job = model.lift({ keypoints, stride: 1, flip: true, first: 0, count: 4000, batch: 4 }, control);
    job.catch(() => {});
    model.forward({ keypoints: new Float32Array(27 * 34), batch: 1 }).catch(() => {});
    const timer = setInterval(() => {
      if (Atomics.load(control, 1) === 0) return;
      clearInterval(timer);
      parentPort.postMessage('running');
      if (workerData.how === 'exit') process.exit(3);
      if (workerData.how === 'close') model.close();
    }, 1);
  `;
  const workerData = { root, loader: require.resolve('node-gyp-build'), config: nativeConfig(), how };
  const worker = new Worker(program, { eval: true, workerData });
  return new Promise((resolve, reject) => {
    worker.on('error', reject);
    worker.on('exit', resolve);
    worker.on('message', () => {
      if (how === 'terminate') worker.terminate();
    });
  });
}

describe('an environment that ends in the middle of a job', () => {
  it.each([
    ['terminate', 1],
    ['exit', 3],
    ['close', 0],
  ] as const)('by %s leaves this one working', async (how, code) => {
    const codes = await Promise.all([endWorker(how), endWorker(how)]);
    expect(codes).toEqual([code, code]);
    const model = await filledModel();
    expect((await model.forward(window)).single).toHaveLength(51);
    await model.close();
  });

  it('does not keep the process alive, nor lets it crash', async () => {
    const { spawnSync } = await import('node:child_process');
    const program = (end: string) => `
      const { NativeModel } = require(${JSON.stringify(require.resolve('node-gyp-build'))})(${JSON.stringify(root)});
      const list = new Int32Array(17).map((_, i) => i);
      const config = { ...JSON.parse(process.argv[1]), mirrorInput: list, mirrorOutput: list };
      const model = new NativeModel(config, { device: 'cpu', precision: 'fp32', threads: 2 });
      ${end}`;
    const lift =
      'model.lift({ keypoints: new Float32Array(4000 * 34), stride: 1, flip: true, first: 0, count: 4000, batch: 4 })';
    for (const [end, code] of [
      ['', 0],
      [`${lift}.catch(() => {}); setTimeout(() => process.exit(4), 20);`, 4],
      [`${lift}.catch(() => {}); setTimeout(() => { throw new Error('on purpose'); }, 20);`, 1],
    ] as const) {
      const child = spawnSync(process.execPath, ['-e', program(end), JSON.stringify(nativeConfig())], {
        timeout: 30_000,
      });
      expect({ code: child.status, signal: child.signal }).toEqual({ code, signal: null });
    }
  });
});

describe('a Node that loads no addons', () => {
  it('is told how to load them', () => {
    const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
    const { stderr } = spawnSync(process.execPath, ['--no-addons', main, 'profile'], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(stderr).toContain('start it without --no-addons, and with --allow-addons beside --permission');
  });
});
