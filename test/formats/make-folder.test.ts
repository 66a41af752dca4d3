import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeFolder } from '../../lib/formats/files/make-folder.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();

describe('making a folder', () => {
  it('makes those above it too, and is content with what is there', () => {
    const deep = join(folder, 'a', 'b', 'c');
    makeFolder(deep);
    makeFolder(deep);
    expect(existsSync(deep)).toBe(true);
  });

  it('names the file that stands in the way', () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'x');
    expect(() => makeFolder(file)).toThrow(`${file}: expected a folder, got a file`);
    expect(() => makeFolder(join(file, 'below', 'it'))).toThrow(`${file}: expected a folder, got a file`);
  });

  it('ends where the system has no folders to make', { timeout: 5000 }, () => {
    if (!existsSync('/proc/self')) {
      console.log('skipped: this system has no /proc');
      return;
    }
    expect(() => makeFolder('/proc/no/such')).toThrow('/proc/no: the folder cannot be made: ENOENT');
  });
});
