import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { alignedRows } from '../../lib/base/text-table.js';
import { makeProgram } from '../../lib/cli/program.js';
import { ProgressLine } from '../../lib/cli/progress-line.js';
import { runHere } from '../helpers/cli.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
/** Clears the screen, writes another title, goes back, begins a line and turns the letters that follow. */
const hostile = 'a\u001b[2J\u001b]0;title\u0007\rb\nPWNED\u009b31m\u202ecod';
const model = join(folder, `${hostile}.safetensors`);
const clip = join(folder, `${hostile}.json`);

beforeAll(async () => {
  await writeSmallModel(model);
  copyFileSync('examples/walking.json', clip);
});

/** What a terminal would obey, line breaks apart. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to find
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

describe('names with control characters are shown, not obeyed', () => {
  const cases: Record<string, string[][]> = {
    lift: [
      [clip, '--model', model, '--size', '1920x1080', '--out', join(folder, `${hostile}.npz`), '--device', 'cpu'],
      [join(folder, `${hostile}.bvh`)],
      [clip, '--model', model, '--layout', hostile],
    ],
    view: [[clip, '--model', model, '--size', '1920x1080', '--out', join(folder, `${hostile}.html`)], [hostile]],
    pretrain: [[hostile, '--out', join(folder, hostile)]],
    finetune: [[hostile, '--out', join(folder, hostile), '--set', `${hostile}=1`]],
    evaluate: [
      [model, hostile],
      [hostile, hostile, '--device', hostile],
    ],
    prepare: [['mocap', hostile, '--out', join(folder, `${hostile}.safetensors`)]],
    convert: [
      [model, join(folder, `${hostile}.npz`)],
      [hostile, hostile],
    ],
    inspect: [[model], [clip], [hostile]],
    plot: [
      ['errors', hostile],
      ['training', hostile],
    ],
    complexity: [['--preset', hostile], [hostile]],
    profile: [[hostile]],
    models: [[hostile]],
    doctor: [[hostile]],
    completion: [[hostile]],
  };

  it('of every command', () => {
    const io = { out: () => {}, err: () => {}, live: false, signal: new AbortController().signal, exitCode: 0 };
    const names = makeProgram(io).commands.map((command) => command.name());
    expect(Object.keys(cases).sort()).toEqual(names.sort());
  });

  for (const [command, calls] of Object.entries(cases)) {
    it.each(calls.map((args, index) => [index, args] as const))(`${command}, call %d`, async (_, args) => {
      const { out, err } = await runHere([command, ...args]);
      expect(out + err).not.toMatch(OBEYED);
      expect(out + err).not.toMatch(/^PWNED/m);
      expect((out + err).length).toBeGreaterThan(0);
    });
  }

  it('in the line of progress and in tables', () => {
    let drawn = '';
    const io = { out: () => {}, err: (text: string) => (drawn += text), live: true, exitCode: 0 };
    new ProgressLine({ ...io, signal: new AbortController().signal }).update(() => hostile);
    expect(drawn.replace('\r\u001b[2K', '')).not.toMatch(OBEYED);
    expect(drawn).toContain('\\u001b[2J');
    expect(alignedRows([['name'], [hostile]]).join('\n')).not.toMatch(/^PWNED/m);
  });
});
