import { PoseError } from '../../base/pose-error.js';
import { dirname, existsSync, mkdirSync, statSync } from '../../base/system/node.js';

/** Whether there is a folder of that name. */
export function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

/** Whether a folder, not a file, is there; throws `ERR_FILE` where neither can be read. */
export function isReadableFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (cause) {
    throw new PoseError('ERR_FILE', `${path}: cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

/**
 * Makes a folder and those above it; throws `ERR_FILE` that names the one that cannot be. Not Node's own recursive making,
 * which never ends where the system denies that a folder can be (below `/proc`).
 */
export function makeFolder(path: string): void {
  if (isFolder(path)) return;
  if (existsSync(path)) throw new PoseError('ERR_FILE', `${path}: expected a folder, got a file; name another.`);
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (cause) {
    if (isFolder(path)) return;
    throw new PoseError('ERR_FILE', `${path}: the folder cannot be made: ${(cause as Error).message}.`, { cause });
  }
}
