import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { processSpace } from '../../lib/base/system/node.js';
import { FileLock } from '../../lib/formats/files/file-lock.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const root = temporaryFolder();
const setUp = () => {
  const folder = mkdtempSync(join(root, 'lock-'));
  return { folder, path: join(folder, 'training.lock') };
};
/** The number of a process that has ended. */
const gone = () => spawnSync(process.execPath, ['-e', '']).pid;
const holder = (about: object) =>
  `${JSON.stringify({ token: 'aa-1-bb', space: processSpace(), pid: process.pid, host: 'other', since: '2026', ...about })}\n`;

function put(path: string, text: string, ageSeconds = 0): void {
  writeFileSync(path, text);
  const then = Date.now() / 1000 - ageSeconds;
  utimesSync(path, then, then);
}

describe('a lock file', () => {
  it('is held by one, names it to others, and leaves nothing behind', () => {
    const { folder, path } = setUp();
    const lock = FileLock.take(path);
    expect(() => FileLock.take(path)).toThrow(
      expect.objectContaining({
        code: 'ERR_LOCKED',
        message: expect.stringContaining(`${path}: held by process ${process.pid} on ${hostname()} since 20`),
      }),
    );
    lock.check();
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
    FileLock.take(path).release();
  });

  it.each([
    ['of a process of this machine that is gone', () => holder({ pid: gone() }), 0],
    ['of another machine that was not renewed for five minutes', () => holder({ space: '00000000' }), 301],
    ['of a live process that was not renewed for five minutes', () => holder({}), 301],
    ['that is damaged and five minutes old', () => '{"tok', 301],
  ])('%s is taken over', (_, text, age) => {
    const { folder, path } = setUp();
    put(path, text(), age);
    const lock = FileLock.take(path);
    lock.check();
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['of a live process', () => holder({}), 299],
    [
      'of another machine, where a process of that number is nothing to us',
      () => holder({ space: '00000000', pid: 1 }),
      299,
    ],
    ['that is damaged', () => '', 299],
  ])('%s is left', (_, text, age) => {
    const { path } = setUp();
    put(path, text(), age);
    expect(() => FileLock.take(path)).toThrow(/held by/);
    expect(readFileSync(path, 'utf8')).toBe(text());
  });

  it('is renewed every 30 seconds', () => {
    const { path } = setUp();
    vi.useFakeTimers();
    try {
      const lock = FileLock.take(path);
      put(path, readFileSync(path, 'utf8'), 299);
      vi.advanceTimersByTime(30_000);
      expect(() => FileLock.take(path)).toThrow(/last renewed [01] s ago/);
      lock.release();
    } finally {
      vi.useRealTimers();
    }
  });

  it('that another took over is noticed, and not released for it', () => {
    const { path } = setUp();
    const lock = FileLock.take(path);
    put(path, readFileSync(path, 'utf8'), 301);
    const next = FileLock.take(path);
    expect(() => lock.check()).toThrow(/taken over by process .*; nothing more is written here/);
    lock.release();
    next.check();
    next.release();
  });

  it('is waited for, and the waiting can be stopped', async () => {
    const { path } = setUp();
    const lock = FileLock.take(path);
    const stop = new AbortController();
    const stopped = FileLock.wait(path, { signal: stop.signal });
    stop.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    const waiting = FileLock.wait(path);
    lock.release();
    (await waiting).release();
  });

  it('is not written through a link, and a folder that cannot be written is named', () => {
    const { path } = setUp();
    expect(() => FileLock.take(join(path, 'none', 'x.lock'))).toThrow(
      expect.objectContaining({ code: 'ERR_FILE', message: expect.stringContaining('the lock cannot be written') }),
    );
  });
});

describe('a lock that many processes want', () => {
  it('lets one in at a time, also where holders are killed', async () => {
    const { folder } = setUp();
    writeFileSync(join(folder, 'count'), '0');
    const script = fileURLToPath(new URL('./file-lock-race.mjs', import.meta.url));
    const run = (how: string) =>
      new Promise<void>((done) => {
        spawn(process.execPath, [script, folder, '20', how], { stdio: 'inherit' }).once('close', () => done());
      });
    await Promise.all(['die', 'die', 'die', 'live', 'live', 'live'].map(run));
    expect(readFileSync(join(folder, 'count'), 'utf8')).toBe('120');
    // The last to hold it was a live one or a killed one.
    FileLock.take(join(folder, 'count.lock')).release();
    expect(readdirSync(folder)).toEqual(['count']);
  });
});
