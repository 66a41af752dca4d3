import { mkdtempSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, vi } from 'vitest';
import { writeAtomically } from '../../lib/formats/files/atomic-file.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const calls = vi.hoisted(() => [] as string[]);
vi.mock('../../lib/base/system/node.js', async (original) => {
  const system = await original<typeof import('../../lib/base/system/node.js')>();
  return {
    ...system,
    fsyncSync: (descriptor: number) => {
      calls.push(`sync ${readlinkSync(`/proc/self/fd/${descriptor}`)}`);
      system.fsyncSync(descriptor);
    },
    renameSync: (from: string, to: string) => {
      calls.push(`rename ${from} ${to}`);
      system.renameSync(from, to);
    },
  };
});

const root = temporaryFolder();

describe.skipIf(process.platform !== 'linux')('a file written atomically (Linux: /proc names the descriptors)', () => {
  it('is flushed before it is renamed, and its folder after', () => {
    const folder = mkdtempSync(join(root, 'sync-'));
    const path = join(folder, 'poses.npz');
    writeAtomically(path, (append) => append(Buffer.from('new')));
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(calls).toHaveLength(3);
    const [, temporary] = calls[1].split(' ');
    expect(dirname(temporary)).toBe(folder);
    expect(basename(temporary)).toMatch(/^poses\.npz\..*\.tmp$/);
    expect(calls).toEqual([`sync ${temporary}`, `rename ${temporary} ${path}`, `sync ${folder}`]);
  });
});

describe('temporary names', () => {
  it('of threads of one process differ', async () => {
    const code = `
      const { parentPort } = require('node:worker_threads');
      import(${JSON.stringify(new URL('../../dist/formats/files/temporary-file.js', import.meta.url).href)}).then(
        ({ temporaryName }) => parentPort.postMessage(Array.from({ length: 500 }, () => temporaryName('x'))),
      );`;
    const lists = await Promise.all(
      Array.from(
        { length: 4 },
        () =>
          new Promise<string[]>((done, fail) => {
            const worker = new Worker(code, { eval: true });
            worker.once('message', done);
            worker.once('error', fail);
          }),
      ),
    );
    expect(new Set(lists.flat()).size).toBe(2000);
  });
});
