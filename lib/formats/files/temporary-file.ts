import { isRunning, join, pid, processSpace, readdirSync, rmSync, statSync } from '../../base/system/node.js';

const DAY_MS = 24 * 3600 * 1000;
/** `model.safetensors.1f2e3d4c-4711-0123456789ab.tmp`: the process space, the process and a random number. */
const PATTERN = /^(.+)\.(?:([0-9a-f]{8})-)?(\d+)-[0-9a-f]+\.tmp$/;

let space: string | undefined;

/**
 * A name beside `path` that no other thread, process, container or host takes: it holds the process space, the process
 * and 48 random bits.
 */
export function temporaryName(path: string): string {
  space ??= processSpace();
  const random = Array.from(globalThis.crypto.getRandomValues(new Uint8Array(6)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
  return `${path}.${space}-${pid}-${random}.tmp`;
}

/**
 * Removes from `folder` the temporary files of processes that are gone, of files that `concerns` names. A process of
 * this process space is gone when it does not run; one of another space when its file did not change for a day.
 */
export function removeDeadTemporaries(folder: string, concerns: (name: string) => boolean): void {
  space ??= processSpace();
  for (const entry of readdirSync(folder)) {
    const match = PATTERN.exec(entry);
    if (!match || !concerns(match[1])) continue;
    const path = join(folder, entry);
    const status = statSync(path, { throwIfNoEntry: false });
    if (!status?.isFile()) continue;
    const dead = match[2] === space ? !isRunning(Number(match[3])) : Date.now() - status.mtimeMs > DAY_MS;
    if (!dead) continue;
    try {
      rmSync(path, { force: true });
    } catch {
      // Another user's file, in a folder where each removes their own.
    }
  }
}
