import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { processSpace } from '../../lib/base/system/node.js';
import { runCommandLine } from '../../lib/cli/program.js';
import { removeDeadLocks } from '../../lib/formats/files/file-lock.js';
import { writeNpz } from '../../lib/formats/numpy/npz-writer.js';
import { runCli, runHere } from '../helpers/cli.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const inputs = join(folder, 'inputs');
const model = join(folder, 'small.safetensors');
const names = ['a', 'b', 'c', 'd', 'e', 'f'];
const options = ['--size', '1920x1080', '--fps', '50', '--model', model, '--threads', '1'];
const sides = ['left', 'right'];
const paired = ['shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle'].flatMap((joint) =>
  sides.map((side) => `${side} ${joint}`),
);
const own = {
  name: 'tracker-13',
  joints: ['nose', ...paired],
  map: { ...Object.fromEntries(paired.map((joint) => [joint, joint])), neck: 'nose', head: 'nose' },
};
/** Writes the six inputs, of so many joints. */
function writeInputs(joints: number): void {
  for (const [seed, name] of names.entries()) {
    const data = Float32Array.from({ length: 20 * joints * 2 }, (_, at) => 500 + 200 * Math.sin(at * 0.7 + seed));
    writeNpz(join(inputs, `${name}.npz`), { keypoints: { data, shape: [20, joints, 2] } });
  }
}

beforeAll(async () => {
  await writeSmallModel(model, { outputUnit: 'm' });
  mkdirSync(inputs);
  writeInputs(17);
});

const outFolder = (name: string) => mkdtempSync(join(folder, `${name}-`));
const contents = (out: string) =>
  Object.fromEntries(
    readdirSync(out)
      .sort()
      .map((name) => [name, readFileSync(join(out, name))]),
  );
/** Lifts the folder and gives the names of what was lifted, not skipped. */
async function lift(out: string, layout = 'coco-17') {
  const args = ['lift', inputs, ...options, '--layout', layout, '--out', out, '--json'];
  const { code, out: text, err } = await runHere(args);
  expect(code, err).toBe(0);
  const { files } = JSON.parse(text) as { files: { input: string; skipped?: boolean }[] };
  return { again: files.filter(({ skipped }) => !skipped).map(({ input }) => input.slice(-5, -4)), err };
}

describe('the record of a lift folder', () => {
  it('notices outputs that were cut, changed or removed, lifts them again and says so', async () => {
    const out = outFolder('outputs');
    expect((await lift(out)).again).toEqual(names);
    const whole = contents(out);
    expect((await lift(out)).again).toEqual([]);
    const place = (name: string) => join(out, `${name}-3d.npz`);
    const bytes = whole['a-3d.npz'].length;
    truncateSync(place('a'), 100);
    const flipped = Buffer.from(whole['b-3d.npz']);
    flipped[flipped.length >> 1] ^= 1;
    writeFileSync(place('b'), flipped);
    rmSync(place('c'));
    const { again, err } = await lift(out);
    expect(again).toEqual(['a', 'b', 'c']);
    expect(err).toContain(`${place('a')}: lifted again, since it had ${bytes} bytes and has 100.`);
    expect(err).toContain(`${place('b')}: lifted again, since its content changed.`);
    expect(err).toContain(`${place('c')}: lifted again, since it is missing.`);
    expect(contents(out)).toEqual(whole);
  });

  it.each([
    ['cut', (text: string) => text.slice(0, text.length / 2), /cannot be read \(.*\); everything is lifted again/],
    ['empty', () => '', /cannot be read/],
    ['another value', () => '[1, 2]', /damaged or of another version/],
    ['null', () => 'null', /damaged or of another version/],
    ['an entry of other fields', () => '{ "a-3d.npz": { "input": 5 } }', /damaged or of another version \(a-3d.npz/],
    ['an inherited name', () => '{ "__proto__": 5, "toString": {} }', /damaged or of another version/],
    [
      'the record of the version before',
      () => '{ "a-3d.npz": { "input": "x", "bytes": 1, "modified": 1, "settings": "{}", "outputs": ["a-3d.npz"] } }',
      /damaged or of another version/,
    ],
  ])('that is damaged (%s) is noticed, and everything is lifted again', async (_, damage, message) => {
    const out = outFolder('damaged');
    await lift(out);
    const whole = contents(out);
    const path = join(out, 'pstmo-lift.json');
    writeFileSync(path, damage(readFileSync(path, 'utf8')));
    const { again, err } = await lift(out);
    expect(again).toEqual(names);
    expect(err).toMatch(message);
    expect(contents(out)).toEqual(whole);
  });

  it('notices an input that changed while it was lifted', async () => {
    const out = outFolder('meanwhile');
    const changing = join(folder, 'changing');
    mkdirSync(changing);
    const write = (name: string, at: number) =>
      writeNpz(join(changing, name), { keypoints: { data: new Float32Array(680).fill(at), shape: [20, 17, 2] } });
    for (const name of ['a.npz', 'b.npz']) write(name, 300);
    const run = async (err: (text: string) => void) => {
      let printed = '';
      const print = (text: string) => {
        printed += text;
      };
      const io = { out: print, err, live: false, signal: new AbortController().signal, exitCode: 0 };
      const args = ['lift', changing, ...options, '--layout', 'coco-17', '--out', out, '--json'];
      expect(await runCommandLine(args, io)).toBe(0);
      const { files } = JSON.parse(printed) as { files: { input: string; skipped?: boolean }[] };
      return files.filter(({ skipped }) => !skipped).map(({ input }) => basename(input));
    };
    // A notice on a clip comes after it was read.
    await run((text) => {
      if (text.includes('a.npz')) write('a.npz', 700);
    });
    expect(await run(() => {})).toEqual(['a.npz']);
  });

  it.each([
    ['lock', 'a-3d.npz.lock', 'the lock cannot be read: remove it, since expected is a file, got a folder'],
    ['output', 'a-3d.npz', 'cannot be written: expected a file, got a folder'],
    ['output with something in it', 'a-3d.npz/x', 'cannot be written: expected a file, got a folder'],
  ])('fails for one file where a folder stands for its %s, and lifts the others', async (_, name, message) => {
    const out = outFolder('folder');
    mkdirSync(join(out, name), { recursive: true });
    // What is no temporary file is left alone.
    mkdirSync(join(out, 'b-3d.npz.1f2e3d4c-4711-0123456789ab.tmp'));
    const args = ['lift', inputs, ...options, '--layout', 'coco-17', '--out', out, '--json'];
    const { code, out: text, err } = await runHere(args);
    expect(code).toBe(1);
    expect(err).toContain(message);
    const { files } = JSON.parse(text) as { files: { input: string; code?: string }[] };
    expect(files.map(({ code }) => code)).toEqual(['ERR_FILE', ...names.slice(1).map(() => undefined)]);
    for (const other of names.slice(1)) expect(readdirSync(out)).toContain(`${other}-3d.npz`);
  });

  it('writes no two clips to one file', async () => {
    const out = outFolder('collision');
    const clips = join(folder, 'clips');
    mkdirSync(clips);
    const person = (track: number, x: number, frame: number) => ({
      ...{ image_id: `${frame}.jpg`, category_id: 1, score: 1, idx: track },
      keypoints: Array.from({ length: 51 }, (_, at) => (at % 3 === 2 ? 1 : x + 40 * Math.sin(at))),
    });
    const frames = Array.from({ length: 20 }, (_, frame) => frame);
    const text = (of: (frame: number) => object[]) => JSON.stringify(frames.flatMap(of));
    const two = text((frame) => [person(1, 300, frame), person(2, 1200, frame)]);
    writeFileSync(join(clips, 'walk.json'), two);
    writeFileSync(
      join(clips, 'walk-person1.json'),
      text((frame) => [person(1, 700, frame)]),
    );
    const result = await runHere(['lift', clips, ...options, '--person', 'all', '--out', out]);
    expect(result.code).toBe(1);
    expect(result.err).toMatch(
      /walk\.json: expected a file of its own .*walk-person1-3d\.npz is that of .*walk-person1\.json/,
    );
    const again = await runHere(['lift', clips, ...options, '--person', 'all', '--out', out]);
    expect(again.err).toMatch(/walk\.json: expected a file of its own/);
  });

  it('notices a changed layout file, though its size and time stay', async () => {
    const out = outFolder('layout');
    const layout = join(folder, 'layout.json');
    const put = (value: unknown) => {
      writeFileSync(layout, JSON.stringify(value));
      utimesSync(layout, 1e9, 1e9);
    };
    put(own);
    const run = () => lift(out, layout);
    writeInputs(own.joints.length);
    expect((await run()).again).toEqual(names);
    expect((await run()).again).toEqual([]);
    put({ ...own, name: 'tracker-31' });
    const { again, err } = await run();
    expect(again).toEqual(names);
    expect(err).toContain('The file of --layout changed: what was lifted with it before is lifted again.');
    expect(err.match(/--layout changed/g)).toHaveLength(1);
  });
});

describe('a folder that several processes lift into at once', () => {
  it('ends as after one: all files, one whole record, no lock and no temporary file', async () => {
    writeInputs(17);
    const [alone, together] = [outFolder('alone'), outFolder('together')];
    const file = (name: string) => join(inputs, `${name}.npz`);
    const parts = [names, names.slice(0, 3), names.slice(3), [...names].reverse()];
    const args = (part: string[], out: string) => [
      'lift',
      ...part.map(file),
      ...options,
      '--layout',
      'coco-17',
      '--out',
      out,
    ];
    const { code, err } = await runCli(args(names, alone));
    expect(code, err).toBe(0);
    const results = await Promise.all(parts.map((part) => runCli(args(part, together))));
    for (const result of results) expect(result.code, result.err).toBe(0);
    const sorted = (out: string) => {
      const { 'pstmo-lift.json': record, ...files } = contents(out);
      return { files, record: Object.entries(JSON.parse(record.toString())).sort() };
    };
    expect(sorted(together)).toEqual(sorted(alone));
  });

  it('with other settings, has a record that is true of each file', async () => {
    const out = outFolder('mixed');
    const args = (...more: string[]) => ['lift', inputs, ...options, '--layout', 'coco-17', '--out', out, ...more];
    const results = await Promise.all([
      runCli(args()),
      runCli(args('--no-flip')),
      runCli(args()),
      runCli(args('--no-flip')),
    ]);
    for (const result of results) expect(result.code, result.err).toBe(0);
    await lift(out);
    const whole = outFolder('whole');
    await lift(whole);
    expect(contents(out)).toEqual(contents(whole));
  });

  it('is cleared of the locks and temporary files of killed processes, not of those of live ones', async () => {
    const out = outFolder('killed');
    const gone = { token: 'aa-1-bb', space: processSpace(), pid: 2 ** 22 - 3, host: 'host', since: '2026' };
    const text = `${JSON.stringify(gone)}
`;
    for (const name of ['a-3d.npz.lock', 'pstmo-lift.json.lock', 'z-3d.npz.lock', 'z-3d.npz.lock.aa-1-bb.gone']) {
      writeFileSync(join(out, name), text);
    }
    writeFileSync(join(out, 'mine.lock'), text);
    const temporary = (name: string, pid: number) => `${name}.${processSpace()}-${pid}-0123456789ab.tmp`;
    const live = temporary('b-3d.npz', process.ppid);
    for (const name of ['a-3d.npz', 'pstmo-lift.json', 'a-3d.npz.lock']) {
      writeFileSync(join(out, temporary(name, gone.pid)), 'half');
    }
    writeFileSync(join(out, live), 'half');
    await lift(out);
    expect(readdirSync(out).filter((name) => /lock|gone|tmp/.test(name))).toEqual([live, 'mine.lock']);
    removeDeadLocks(out, () => true);
    expect(readdirSync(out)).not.toContain('mine.lock');
  });
});
