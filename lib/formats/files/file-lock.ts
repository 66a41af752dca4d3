import { throwIfAborted } from '../../base/abort.js';
import { parseJsonText } from '../../base/json-text.js';
import { PoseError } from '../../base/pose-error.js';
import {
  closeSync,
  fstatSync,
  hostname,
  isRunning,
  join,
  linkSync,
  openSync,
  pid,
  processSpace,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from '../../base/system/node.js';
import { fileKind } from './file-kind.js';
import { temporaryName } from './temporary-file.js';

/** A holder writes its lock again this often; one that did not for {@link STALE_MS} is taken for dead. */
const RENEW_MS = 30_000;
const STALE_MS = 300_000;
/** How long a lock that is waited for is left alone before the next try. */
const RETRY_MS = 25;
const NOTICE_MS = 3_000;

/** The content of a lock file: who holds it. */
interface Holder {
  /** Of one taking of the lock. */
  token: string;
  /** {@link processSpace} and number of the process. */
  space: string;
  pid: number;
  host: string;
  /** ISO 8601. */
  since: string;
}

/** A lock file as it was found. */
interface Found {
  holder: Holder | undefined;
  /** By the clock of the file system. */
  renewedMs: number;
}

/**
 * A file that one thread at a time holds, also among hosts that share a file system. It works by `link` alone, which is
 * atomic on NFS too: the file appears with its content or not at all. Ages are differences of the file system's own times,
 * so that the hosts' clocks need not agree. Each lock is removed under a file named by its token, so that nobody who saw a
 * dead holder removes the lock of the next one.
 */
export class FileLock {
  readonly path: string;
  private readonly text: string;
  private readonly token: string;
  private readonly timer: ReturnType<typeof setInterval>;

  private constructor(path: string, holder: Holder) {
    this.path = path;
    this.token = holder.token;
    this.text = textOf(holder);
    this.timer = setInterval(() => this.renew(), RENEW_MS);
    this.timer.unref?.();
  }

  /** Takes the lock; throws `ERR_LOCKED`, which says who holds it. A lock of a dead process is taken over. */
  static take(path: string): FileLock {
    const holder = newHolder();
    // Each round but the last ended since another thread was faster: a few are enough.
    for (let round = 0; ; round++) {
      const { made, nowMs } = create(path, textOf(holder));
      if (made) return new FileLock(path, holder);
      const found = read(path);
      if (!found) continue;
      if (!isDead(found, nowMs)) throw lockedError(path, found, nowMs);
      if (round >= 1000) throw lockedError(path, found, nowMs);
      remove(path, found.holder?.token ?? 'unreadable');
    }
  }

  /** {@link take}, again and again until it is free. `notice` is told once when that lasts. */
  static async wait(
    path: string,
    options: { signal?: AbortSignal | undefined; notice?: ((text: string) => void) | undefined } = {},
  ): Promise<FileLock> {
    const start = performance.now();
    for (let told = false; ; ) {
      try {
        return FileLock.take(path);
      } catch (error) {
        if (!(error instanceof PoseError && error.code === 'ERR_LOCKED')) throw error;
        if (!told && performance.now() - start > NOTICE_MS) {
          options.notice?.(`Waiting: ${error.message}`);
          told = true;
        }
      }
      await new Promise((done) => setTimeout(done, RETRY_MS * (0.5 + Math.random())));
      throwIfAborted(options.signal);
    }
  }

  /** Throws `ERR_LOCKED` where another process has taken the lock over: this one was suspended for more than five minutes. */
  check(): void {
    const found = read(this.path);
    if (found?.holder?.token === this.token) return;
    const who = found ? whoText(found) : 'somebody';
    throw new PoseError(
      'ERR_LOCKED',
      `${this.path}: taken over by ${who}, since this process had not renewed it for ${STALE_MS / 60_000} minutes; ` +
        'nothing more is written here.',
    );
  }

  release(): void {
    clearInterval(this.timer);
    remove(this.path, this.token);
  }

  private renew(): void {
    try {
      this.check();
      // The same bytes again: a reader sees them whole at any time.
      const descriptor = openSync(this.path, 'r+');
      try {
        writeSync(descriptor, new TextEncoder().encode(this.text), 0, undefined, 0);
      } finally {
        closeSync(descriptor);
      }
    } catch {
      // Whoever holds it learns of a lost lock from check(); a file system that is away for a while may come back.
    }
  }
}

/** A lock file's name, and that of the file under which it is removed. */
const LOCK = /\.lock(\.[\w-]+\.gone)?$/;

/** The name of the file that a lock is for, or the name itself where it is no lock's. */
export function lockedName(name: string): string {
  return name.replace(LOCK, '');
}

/** Removes from `folder` the locks of processes of this machine that are gone, of files that `concerns` names. */
export function removeDeadLocks(folder: string, concerns: (name: string) => boolean): void {
  for (const entry of readdirSync(folder)) {
    const match = LOCK.exec(entry);
    if (!match || !concerns(lockedName(entry))) continue;
    const path = join(folder, entry);
    try {
      const found = read(path);
      if (!found?.holder || !isDead(found, found.renewedMs)) continue;
      if (match[1]) rmSync(path, { force: true });
      else remove(path, found.holder.token);
    } catch {
      // Whoever needs the lock is told why it cannot be had: a folder in its place, another user's file.
    }
  }
}

function newHolder(): Holder {
  const token = temporaryName('').slice(1, -'.tmp'.length);
  return { token, space: processSpace(), pid, host: hostname(), since: new Date().toISOString() };
}

function textOf(holder: Holder): string {
  return `${JSON.stringify(holder)}\n`;
}

/** Makes a file of that content, unless there is one. `nowMs`: the file system's time. */
function create(path: string, text: string): { made: boolean; nowMs: number } {
  const temporary = temporaryName(path);
  try {
    const nowMs = writeNew(temporary, text);
    try {
      linkSync(temporary, path);
      return { made: true, nowMs };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Over NFS a repeated request answers that it exists although the first one made it.
      if (code === 'EEXIST') return { made: statSync(temporary).nlink === 2, nowMs };
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code ?? '')) throw error;
    }
    // A file system without hard links.
    try {
      writeNew(path, text);
      return { made: true, nowMs };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return { made: false, nowMs };
      throw error;
    }
  } catch (cause) {
    const text = `${path}: the lock cannot be written: ${(cause as Error).message}.`;
    throw new PoseError('ERR_FILE', text, { cause });
  } finally {
    rmSync(temporary, { force: true });
  }
}

function writeNew(path: string, text: string): number {
  const descriptor = openSync(path, 'wx');
  try {
    writeSync(descriptor, new TextEncoder().encode(text));
    return fstatSync(descriptor).mtimeMs;
  } finally {
    closeSync(descriptor);
  }
}

/** The lock file that is there; undefined for none. */
function read(path: string): Found | undefined {
  let renewedMs: number;
  let text: string;
  try {
    const status = statSync(path);
    if (!status.isFile()) throw new Error(`remove it, since expected is a file, got ${fileKind(status)}`);
    renewedMs = status.mtimeMs;
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new PoseError('ERR_FILE', `${path}: the lock cannot be read: ${(cause as Error).message}.`, { cause });
  }
  try {
    const holder = parseJsonText(text) as Holder | null;
    const whole = typeof holder?.token === 'string' && /^[\w-]+$/.test(holder.token) && Number.isInteger(holder.pid);
    return { holder: whole ? holder : undefined, renewedMs };
  } catch {
    return { holder: undefined, renewedMs };
  }
}

function isDead({ holder, renewedMs }: Found, nowMs: number): boolean {
  const gone = holder?.space === processSpace() && !isRunning(holder.pid);
  return gone || nowMs - renewedMs > STALE_MS;
}

/** Removes the lock with this token, if it is there. Only one thread at a time does that for a token. */
function remove(path: string, token: string): void {
  const remover = `${path}.${token}.gone`;
  const { made, nowMs } = create(remover, textOf(newHolder()));
  if (!made) {
    const other = read(remover);
    if (!other || !isDead(other, nowMs)) return;
    // Who was removing it was killed meanwhile.
    rmSync(remover, { force: true });
    remove(path, token);
    return;
  }
  try {
    if ((read(path)?.holder?.token ?? 'unreadable') === token) rmSync(path, { force: true });
  } finally {
    rmSync(remover, { force: true });
  }
}

function whoText({ holder }: Found): string {
  return holder ? `process ${holder.pid} on ${holder.host} since ${holder.since}` : 'an unknown process';
}

function lockedError(path: string, found: Found, nowMs: number): PoseError {
  const ago = Math.max(0, Math.round((nowMs - found.renewedMs) / 1000));
  return new PoseError(
    'ERR_LOCKED',
    `${path}: held by ${whoText(found)}, last renewed ${ago} s ago. Wait until it ends, or choose another folder; ` +
      `a lock that is not renewed for ${STALE_MS / 60_000} minutes is taken over.`,
  );
}
