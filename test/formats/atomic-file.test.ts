import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { processSpace } from '../../lib/base/system/node.js';
import { writeAtomically } from '../../lib/formats/files/atomic-file.js';
import { removeDeadTemporaries, temporaryName } from '../../lib/formats/files/temporary-file.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const root = temporaryFolder();
const folderOf = (name: string) => mkdtempSync(join(root, `${name}-`));
const put = (path: string, text: string) => writeAtomically(path, (append) => append(Buffer.from(text)));
/** The number of a process that has ended. */
const GONE = 2 ** 22 - 3;
const OTHER_SPACE = '00000000';

describe('a file written atomically', () => {
  it('leaves the old one and no temporary file where writing fails', () => {
    const folder = folderOf('fails');
    const path = join(folder, 'poses.npz');
    put(path, 'old');
    expect(() =>
      writeAtomically(path, (append) => {
        append(Buffer.from('half'));
        throw new Error('stopped');
      }),
    ).toThrow('stopped');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['poses.npz']);
  });

  it('keeps the mode of the file that it replaces', () => {
    const path = join(folderOf('mode'), 'poses.npz');
    put(path, 'old');
    for (const mode of [0o600, 0o640, 0o666]) {
      chmodSync(path, mode);
      put(path, 'new');
      expect(statSync(path).mode & 0o777).toBe(mode);
    }
  });

  it('replaces the target of a link and keeps the link', () => {
    const folder = folderOf('link');
    const target = join(folderOf('elsewhere'), 'target.npz');
    put(target, 'old');
    symlinkSync(target, join(folder, 'poses.npz'));
    put(join(folder, 'poses.npz'), 'new');
    expect(readFileSync(target, 'utf8')).toBe('new');
    expect(readdirSync(folder, { withFileTypes: true })[0].isSymbolicLink()).toBe(true);
  });

  it('never opens what already has the temporary name', () => {
    const folder = folderOf('planted');
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'mine');
    const random = globalThis.crypto.getRandomValues;
    globalThis.crypto.getRandomValues = ((bytes: Uint8Array) => bytes.fill(7)) as typeof random;
    try {
      symlinkSync(victim, temporaryName(join(folder, 'poses.npz')));
      expect(() => put(join(folder, 'poses.npz'), 'new')).toThrow('EEXIST');
    } finally {
      globalThis.crypto.getRandomValues = random;
    }
    expect(readFileSync(victim, 'utf8')).toBe('mine');
  });

  it('has a name that no other write of any thread or process takes', () => {
    const names = new Set(Array.from({ length: 1000 }, () => temporaryName('x')));
    expect(names.size).toBe(1000);
    for (const name of names) {
      expect(name).toMatch(new RegExp(`^x\\.${processSpace()}-${process.pid}-[0-9a-f]{12}\\.tmp$`));
    }
  });
});

describe('temporary files of dead processes', () => {
  const setUp = (name: string) => {
    const folder = folderOf(name);
    const file = (entry: string, ageHours = 0) => {
      writeFileSync(join(folder, entry), 'x');
      const then = Date.now() / 1000 - ageHours * 3600;
      utimesSync(join(folder, entry), then, then);
    };
    return { folder, file };
  };

  it('are removed, and those of live ones and other files stay', () => {
    const { folder, file } = setUp('dead');
    const space = processSpace();
    file(`a.npz.${space}-${GONE}-0123456789ab.tmp`);
    file(`b.npz.${space}-${process.pid}-0123456789ab.tmp`, 100);
    file(`c.npz.${space}-${process.ppid}-0123456789ab.tmp`, 100);
    file(`d.npz.${OTHER_SPACE}-${process.pid}-0123456789ab.tmp`, 2);
    file(`e.npz.${OTHER_SPACE}-${process.pid}-0123456789ab.tmp`, 25);
    file('f.npz.77-3.tmp', 25); // the name that versions before this one gave
    file('notes.tmp', 100);
    file('g.npz', 100);
    removeDeadTemporaries(folder, () => true);
    expect(readdirSync(folder).map((name) => name[0])).toEqual(['b', 'c', 'd', 'g', 'n']);
  });

  it('are left where they are not of the named files', () => {
    const { folder, file } = setUp('names');
    file(`log.jsonl.${processSpace()}-${GONE}-0123456789ab.tmp`);
    file(`poses.npz.${processSpace()}-${GONE}-0123456789ab.tmp`);
    removeDeadTemporaries(folder, (name) => name === 'log.jsonl');
    expect(readdirSync(folder).map((name) => name.split('.')[0])).toEqual(['poses']);
    rmSync(folder, { recursive: true });
  });
});
