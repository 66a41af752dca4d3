import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, extname, join, normalize, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = resolve(fileURLToPath(new URL('..', import.meta.url)));

/** What each room of `lib` may import of ours. A room is a folder, or a file that stands by itself. */
const libRooms: Record<string, readonly string[]> = {
  base: [],
  formats: ['base'],
  skeletons: ['base'],
  keypoints: ['base', 'skeletons', 'formats'],
  metrics: ['base', 'skeletons'],
  motion: ['base', 'skeletons'],
  export: ['base', 'skeletons', 'formats', 'keypoints', 'motion'],
  figures: ['base', 'skeletons', 'export'],
  video: ['base', 'keypoints'],
  datasets: ['base', 'formats', 'skeletons', 'keypoints', 'motion', 'export'],
  wasm: ['base'],
  binding: ['base', 'wasm'],
  networks: ['base', 'formats', 'skeletons', 'binding'],
  models: ['base', 'skeletons', 'keypoints', 'networks', 'binding'],
  profiling: ['base', 'skeletons', 'networks', 'models', 'binding'],
  evaluation: ['base', 'skeletons', 'keypoints', 'metrics', 'motion', 'datasets', 'networks', 'models'],
  training: ['base', 'formats', 'datasets', 'networks', 'models', 'binding'],
};
const belowIndex = Object.keys(libRooms);
libRooms['when-called'] = ['training', 'evaluation'];
libRooms.index = [...belowIndex, 'when-called'];
libRooms.viewer = belowIndex.filter(
  (room) => !['binding', 'wasm', 'profiling', 'evaluation', 'training'].includes(room),
);
libRooms.cli = [...belowIndex, 'index', 'viewer'];

/** What each room of `native` may include of ours. `cpu` and `cuda` never meet; only `binding` sees every room; `wasm` stands in for Node around it. */
const nativeRooms: Record<string, readonly string[]> = {
  core: [],
  ops: ['core'],
  cpu: ['ops', 'core'],
  cuda: ['ops', 'core'],
  emulation: ['core', 'ops', 'cuda'],
  network: ['ops', 'core'],
  inference: ['core', 'ops', 'cpu', 'cuda'],
  binding: ['core', 'ops', 'cpu', 'cuda', 'network', 'inference'],
  wasm: ['core', 'network', 'binding'],
};

/** Rooms that compute and nothing else: no files, no processes, no clock. */
const pureRooms = ['skeletons', 'metrics', 'motion', 'figures'];

const maximumLines = (file: string) => (file.startsWith('native/') ? 600 : 400);

function filesUnder(folder: string, extensions: readonly string[]): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((name) => extensions.includes(extname(name)) && statSync(join(root, name)).isFile())
    .filter((name) => !name.includes('fixtures'))
    .sort();
}

function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** `lib/formats/numpy/npy.ts` and `lib/formats/npy.js` are in `formats`, `lib/base/tensor.ts` in `tensor`. */
function roomOf(file: string): string {
  const [, room] = normalize(file).split('/');
  return room.replace(/(\.d)?\.[a-z]+$/, '');
}

function importsOf(file: string): string[] {
  const pattern = /(?<!['"\w.])(?:from|import)\s*\(?\s*(['"])([^'"\s]+)\1/g;
  return [...textOf(file).matchAll(pattern)].map((match) => match[2]);
}

function includesOf(file: string): string[] {
  return [...textOf(file).matchAll(/^\s*#\s*include\s*([<"][^>"]+)[>"]/gm)].map((match) => match[1]);
}

/** The arrows from `file` that its room may not have, as `file -> target`. */
function wrongArrows(file: string, targets: readonly string[], rooms: Record<string, readonly string[]>): string[] {
  const room = roomOf(file);
  if (!(room in rooms)) return [`${file} lies in no known room`];
  return targets
    .filter((target) => roomOf(target) !== room && !rooms[room].includes(roomOf(target)))
    .map((target) => `${file} -> ${target}`);
}

/** Calls that take lists as long as a video is: `Math.max(...list)`, `list.push(...more)`, `String.fromCharCode(...bytes)`. */
const listCalls = /^(Math\.(max|min)(\.apply)?|.*\.(push|unshift|splice|fromCharCode|fromCodePoint)(\.apply)?)$/s;

function spreadsIn(file: string): string[] {
  const source = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && listCalls.test(node.expression.getText())) {
      const applied = /\.apply$/.test(node.expression.getText()) && node.arguments.length > 1;
      if (applied || node.arguments.some(ts.isSpreadElement)) found.push(`${file}: ${node.getText().slice(0, 80)}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const libFiles = filesUnder('lib', ['.ts']);
const nativeFiles = filesUnder('native', ['.h', '.cpp', '.cu', '.cuh', '.inl']);

describe('lib', () => {
  it('imports downwards only', () => {
    expect(libFiles.length).toBeGreaterThan(0);
    const wrong = libFiles.flatMap((file) => {
      const targets = importsOf(file)
        .filter((name) => name.startsWith('.'))
        .map((name) => join(dirname(file), name));
      const outside = targets.filter((target) => !target.startsWith('lib/') && target !== 'binding.js');
      const inside = targets.filter((target) => target.startsWith('lib/'));
      return [...outside.map((target) => `${file} -> ${target}`), ...wrongArrows(file, inside, libRooms)];
    });
    expect(wrong).toEqual([]);
  });

  it('has no circle of imports', () => {
    const targets = new Map(
      libFiles.map((file) => [
        file,
        importsOf(file)
          .filter((name) => name.startsWith('.'))
          .map((name) => join(dirname(file), name).replace(/\.js$/, '.ts')),
      ]),
    );
    const done = new Set<string>();
    const circleFrom = (file: string, path: readonly string[]): string | undefined => {
      if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(' -> ');
      if (done.has(file)) return undefined;
      const found = (targets.get(file) ?? []).map((target) => circleFrom(target, [...path, file])).find(Boolean);
      done.add(file);
      return found;
    };
    expect(libFiles.map((file) => circleFrom(file, [])).filter(Boolean)).toEqual([]);
  });

  it('loads the native addon in binding.ts alone, and knows its types where a model is held', () => {
    const loaders = libFiles.filter((file) => /node-gyp-build|\.node['"`]/.test(textOf(file)));
    expect(loaders.filter((file) => file !== 'lib/binding.ts')).toEqual([]);
    const strangers = libFiles
      .filter((file) => importsOf(file).some((name) => join(dirname(file), name) === 'binding.js'))
      .filter((file) => !['binding', 'wasm', 'networks', 'models', 'profiling', 'training'].includes(roomOf(file)));
    expect(strangers).toEqual([]);
  });

  it('imports packages that are installed with it', () => {
    const manifest = JSON.parse(textOf('package.json')) as { dependencies: Record<string, string> };
    const known = [...Object.keys(manifest.dependencies), ...builtinModules.map((name) => `node:${name}`)];
    const unknown = libFiles.flatMap((file) =>
      importsOf(file)
        // The viewer's page is bundled, with what it imports in it.
        .filter((name) => !(file.startsWith('lib/viewer/page/') && name.startsWith('three')))
        .filter((name) => !name.startsWith('.') && !known.some((one) => name === one || name.startsWith(`${one}/`)))
        .map((name) => `${file} -> ${name}`),
    );
    expect(unknown).toEqual([]);
  });

  it('spreads no list of unknown length into the arguments of a call', () => {
    // The stack holds some hundred thousand arguments: a list with an entry a frame breaks it. lib/base/lists.ts does it.
    expect(libFiles.flatMap(spreadsIn)).toEqual([]);
  });

  it('keeps the pure rooms free of the system', () => {
    const impure = libFiles
      .filter((file) => pureRooms.includes(roomOf(file)))
      .flatMap((file) => importsOf(file).map((name) => `${file} -> ${name}`))
      .filter((arrow) => !arrow.includes('-> .'));
    expect(impure).toEqual([]);
  });
});

describe('native', () => {
  it('includes downwards only', () => {
    expect(nativeFiles.length).toBeGreaterThan(0);
    const wrong = nativeFiles.flatMap((file) => {
      const targets = includesOf(file)
        .filter((name) => /^"|^<device\//.test(name))
        // The include path chooses between native/cuda/device and its twins.
        .map((name) => join(name.startsWith('<') ? 'native/cuda' : dirname(file), name.slice(1)));
      return wrongArrows(file, targets, nativeRooms);
    });
    expect(wrong).toEqual([]);
  });

  it('speaks Node-API in binding, and in wasm, which answers it', () => {
    const rooms = ['binding', 'wasm'];
    const others = nativeFiles.filter(
      (file) => !rooms.includes(roomOf(file)) && /napi/i.test(includesOf(file).join(' ')),
    );
    expect(others).toEqual([]);
  });
});

describe('every file', () => {
  const code = [
    ...libFiles,
    ...nativeFiles,
    ...['test', 'bench', 'tools', 'examples'].flatMap((folder) =>
      filesUnder(folder, ['.ts', '.mjs', '.py', '.sh', '.cpp']),
    ),
  ];
  const prose = [...filesUnder('docs', ['.md']), ...filesUnder('models', ['.md']), ...filesUnder('bench', ['.md'])];

  it('has at most 400 lines, 600 in native', () => {
    const long = code
      .map((file) => ({ file, lines: textOf(file).split('\n').length - 1 }))
      .filter(({ file, lines }) => lines > maximumLines(file));
    expect(long).toEqual([]);
  });

  it('names no path or host of the machine it was written on', () => {
    const machine = /(?<![\w.)}\]])\/(?:home|root|work|Users)\/|registry\.npmjs|files\.pythonhosted/;
    const naming = [
      ...code,
      ...prose,
      'README.md',
      'CONTRIBUTING.md',
      'CHANGELOG.md',
      'SECURITY.md',
      'CMakeLists.txt',
      'package.json',
      '.ci/run',
    ]
      .filter((file) => existsSync(join(root, file)) && machine.test(textOf(file)))
      .map((file) => relative('.', file));
    expect(naming).toEqual([]);
  });
});
