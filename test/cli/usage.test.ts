import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { RepeatableOption } from '../../lib/cli/parse.js';
import { makeProgram } from '../../lib/cli/program.js';
import { bundledModels } from '../../lib/networks/bundled.js';
import { runHere } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();

describe('wrong usage ends with exit code 2 and says what was meant', () => {
  it.each<[string, string[], RegExp]>([
    ['a flag with a letter missing', ['lift', 'a.npz', '--devce', 'cpu'], /--devce.*\n.*Did you mean --device/],
    ['a command with letters swapped', ['lfit'], /Did you mean lift/],
    ['a flag of another command', ['models', '--epochs', '3'], /unknown option '--epochs'/],
    ['a choice that there is not', ['evaluate', 'm', 'd', '--split', 'tests'], /train, validation, test/],
    ['a size that is none', ['lift', 'a.npz', '--size', '1920'], /WIDTHxHEIGHT/],
    ['a device that is none', ['lift', 'a.npz', '--device', 'gpu'], /auto, cpu, wasm, cuda/],
    ['a number that is none', ['finetune', 'd', '--out', 'o', '--epochs', 'many'], /--epochs.*whole number/],
    ['half an epoch', ['finetune', 'd', '--out', 'o', '--epochs', '0.5'], /whole number/],
    ['a missing argument', ['convert', 'only-one'], /missing required argument 'out'/],
    ['a missing option', ['pretrain', 'd'], /required option '--out/],
    ['two schedules', ['finetune', 'd', '--out', 'o', '--decay', '0.9', '--cosine', '1e-5'], /cannot be used with/],
    ['an unknown preset', ['complexity', '--model', 'pstmo-xl'], /pstmo-s-cpn, pstmo-s-gt/],
    ['an unknown field', ['complexity', '--set', 'depth=3'], /depth[\s\S]*Fields: .*layers/],
    ['a field without a value', ['complexity', '--set', 'layers'], /<field>=<value>/],
    ['noise that is none', ['complexity', '--noise', 'salt'], /gaussian:<sigma>/],
    ['an ending that is not written', ['convert', 'a.pth', 'b.onnx'], /\.safetensors or \.npz, got \.onnx/],
    ['feet held without a path', ['lift', 'a.npz', '--lock-feet'], /--lock-feet: expected --trajectory and --world/],
    ['a rig for arrays', ['lift', 'a.npz', '--rig', 'h36m'], /--rig h36m: expected --out with a \.bvh or \.glb/],
    ['a focal length for nothing', ['lift', 'a.npz', '--focal', '900'], /--focal: expected --trajectory/],
    ['an ending that lift does not write', ['lift', 'a.npz', '--out', 'a.mp4'], /\.npz.*got \.mp4/],
    ['no name to write to', ['lift', 'a.npz', '--out', ''], /--out: expected the name/],
    ['a rate that no video has', ['lift', 'a.npz', '--fps', '1e9'], /--fps.*from 1 to 10000/],
    ['more threads than any machine', ['lift', 'a.npz', '--threads', '5000'], /--threads.*from 0 to 1024/],
    ['a layout that is none', ['lift', 'a.npz', '--layout', 'coco17'], /did you mean coco-17/],
    ['a data set of another ending', ['prepare', 'mocap', 'm', '--out', 'x.npz'], /--out.*ends in \.safetensors/],
    ['3DHP of nothing', ['prepare', 'mpi-inf-3dhp', '--out', 'x.safetensors'], /expected --train, --test or both/],
    ['a rate of learning that grows', ['finetune', 'd', '--out', 'o', '--decay', '2'], /--decay.*at most 1/],
    ['refining from nothing', ['finetune', 'd', '--out', 'o', '--refine'], /--refine: expected --from/],
    ['details of a table', ['evaluate', 'm', 'd', '--details'], /--details: expected --json/],
    ['frames that no network has', ['complexity', '--frames', '28'], /frames: expected one of 9\|27.*got 28/],
    ['heads that do not divide', ['complexity', '--set', 'heads=7'], /width 256 must be a multiple of heads 7/],
    ['a preset that is none', ['convert', 'a.pth', 'b.npz', '--preset', 'x'], /--preset.*pstmo-s-cpn/],
    ['one file for several', ['lift', 'a.npz', 'b.npz', '--out', 'c.npz'], /several files are lifted/],
  ])('%s', async (_, args, message) => {
    const { code, out, err } = await runHere(args);
    expect(err).toMatch(message);
    expect(code).toBe(2);
    expect(out).toBe('');
  });

  it('and help and version with 0', async () => {
    const help = await runHere(['lift', '--help']);
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toContain('--no-flip');
    const version = await runHere(['--version']);
    expect(version.code).toBe(0);
    expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('what cannot be done ends with exit code 1', () => {
  const empty = join(folder, 'empty.safetensors');
  const text = join(folder, 'text.safetensors');
  const bundled = bundledModels()[0].path;
  writeFileSync(empty, '');
  writeFileSync(text, 'not a data set at all, nor anything else');

  it.each<[string, string[], RegExp]>([
    ['a data set that is not there', ['finetune', join(folder, 'no'), '--out', join(folder, 'o1')], /no.*cannot be/],
    ['an empty data set', ['finetune', empty, '--out', join(folder, 'o2')], /empty\.safetensors/],
    ['a data set that is text', ['evaluate', text, text], /text\.safetensors/],
    ['a model that is not there', ['convert', join(folder, 'none'), join(folder, 'a.npz')], /no such file/],
    ['an empty file', ['inspect', empty], /empty\.safetensors: the file is empty/],
    ['an unknown file', ['inspect', text], /text\.safetensors: expected/],
    [
      'motion capture that is not there',
      ['prepare', 'mocap', join(folder, 'm'), '--out', 'x.safetensors'],
      /m cannot be read/,
    ],
    [
      'a camera file that is not there',
      ['lift', 'a.npz', '--world', join(folder, 'c.json')],
      /expected "stance" or a JSON/,
    ],
    ['an empty model', ['convert', empty, 'a.npz'], /the file is empty/],
    ['a model as data set', ['pretrain', bundled, '--out', join(folder, 'o3')], /is no data set.*pstmo prepare/],
    [
      'depths that the weights have not',
      ['convert', bundled, join(folder, 'a.npz'), '--set', 'layers=4'],
      /layers\.3.* and \d+ more/,
    ],
    ['a folder that there is not', ['convert', bundled, join(folder, 'no', 'a.npz')], /there is no folder .*no\./],
    [
      'arrays as data set',
      ['prepare', 'human36m', '--positions3d', text, '--positions2d', text, '--out', 'x.safetensors'],
      /zip archive \(npz\), got "not a da"/,
    ],
    ['a GPU that is not built in', ['evaluate', empty, empty, '--device', 'cuda:99'], /./],
  ])('%s', async (_, args, message) => {
    const { code, err } = await runHere(args);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/\n +at /);
    expect(code).toBe(1);
  });
});

describe('what a machine reads', () => {
  it.each([['models'], ['complexity'], ['doctor']])('%s --json prints JSON and nothing else', async (command) => {
    const { code, out } = await runHere([command, '--json']);
    expect(code).toBe(0);
    expect(() => JSON.parse(out)).not.toThrow();
  });

  it('complexity counts what Table 6 counts', async () => {
    const { out } = await runHere(['complexity', '--json']);
    const rows = JSON.parse(out) as { name: string; paperFlops: number; parameters: number }[];
    const row = rows.find(({ name }) => name === 'P-STMO, N = 243');
    expect(row).toMatchObject({ parameters: 7_009_382 });
    expect(Math.round(row!.paperFlops / 1e6)).toBe(1737);
    const deeper = await runHere(['complexity', '--frames', '27', '--set', 'masking.joints=7', '--set', 'stage=1']);
    expect(deeper.out).toMatch(/decoder/);
  });

  it('doctor says the processor, the threads and why there is no GPU', async () => {
    const { out } = await runHere(['doctor']);
    expect(out).toMatch(/CPU: .*portable.*\d+ threads; \d+ GFLOP\/s/);
    expect(out).toMatch(/GPU: .+/);
    expect(out).toMatch(/Self-test: passed .*compiled within \d\.\de-[678] of op by op/);
  });
});

/** Every command that takes flags, with the words that name it. */
function commands(of: Command, words: string[] = []): [words: string[], command: Command][] {
  const inside = of.commands.flatMap((command) => commands(command, [...words, command.name()]));
  return [[words, of], ...inside];
}

describe('a flag that is given twice', () => {
  const unused = { out: () => {}, err: () => {}, live: false, signal: new AbortController().signal, exitCode: 0 };
  const flags = commands(makeProgram(unused)).flatMap(([words, command]) =>
    command.options.map((option) => ({ words, option, name: [...words, option.long].join(' ') })),
  );
  const valued = flags.filter(({ option }) => !option.isBoolean() && !option.negate);
  const values = [
    '1',
    '0.5',
    '64',
    'coco-17',
    'a.html',
    'a.safetensors',
    '640x480',
    '9,9,3,3',
    'none',
    'layers=4',
    'pstmo-s-gt',
    'cpu',
  ];

  /** The first value that the flag takes. */
  function takenValue(option: Option): string {
    const { argChoices, parseArg } = option;
    const taken = [...(argChoices ?? []), ...values].find((value) => {
      try {
        parseArg?.(value, undefined);
        return true;
      } catch {
        return false;
      }
    });
    if (taken === undefined)
      throw new Error(`${option.flags}: expected one of this test's values to be taken; add one.`);
    return taken;
  }

  it('is looked for in every command', () => {
    expect(flags.length).toBeGreaterThan(150);
    const repeatable = valued.filter(({ option }) => option instanceof RepeatableOption).map(({ name }) => name);
    expect(repeatable.sort()).toEqual(
      [
        ...['complexity --set', 'convert --set', 'finetune --set', 'lift --merge-ids', 'lift --out'],
        ...['plot attention --merge-ids', 'pretrain --set', 'profile --set', 'view --truth'],
      ].sort(),
    );
  });

  it.each(valued.filter(({ option }) => !(option instanceof RepeatableOption)))(
    '$name is refused, whatever it says',
    async ({ words, option }) => {
      const value = takenValue(option);
      for (const second of [value, `${option.long}=${value}`]) {
        const again = second.startsWith('--') ? [second] : [option.long!, second];
        // The flag that there is not keeps the command from running where this check fails.
        const { code, out, err } = await runHere([...words, option.long!, value, ...again, '--nonsense']);
        expect({ code, out }).toEqual({ code: 2, out: '' });
        expect(err).toMatch(/^error: option '.*': expected once.*, got it again\.\n/);
        expect(err).toContain(option.flags);
      }
    },
  );

  it('counts in each call by itself, and under its old name too', async () => {
    for (let call = 0; call < 2; call++) {
      expect((await runHere(['lift', 'a.npz', '--compiled', 'off', '--rig', 'h36m'])).err).toMatch(/--rig h36m/);
    }
    expect((await runHere(['lift', 'a.npz', '--plan', 'off', '--compiled', 'on'])).err).toMatch(/--compiled.*once/);
  });

  it('is all right where it takes no value', async () => {
    expect((await runHere(['models', '--json', '--json'])).code).toBe(0);
  });
});
