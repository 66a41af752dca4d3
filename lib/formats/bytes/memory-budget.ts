import { PoseError } from '../../base/pose-error.js';
import { availableMemory } from '../../base/system/node.js';

/** What one reader takes at most for an array, a member or a storage, unless `limitBytes` says otherwise. */
export const DEFAULT_LIMIT_BYTES = 4_000_000_000;

export interface ReadOptions {
  /** How messages name bytes that came without a path. */
  where?: string;
  /** Largest array, member or storage in bytes; a larger one throws `ERR_LIMIT` before memory is taken. Default 4 GB. */
  limitBytes?: number;
}

/** Below this no one asks how much memory there is. */
const SMALL_BYTES = 64_000_000;

/** Throws `ERR_LIMIT` when `bytes` is over `limitBytes`, or over the memory that the process can still take. */
export function checkLimit(where: string, what: string, bytes: number, limitBytes = DEFAULT_LIMIT_BYTES): void {
  if (bytes > limitBytes) {
    throw new PoseError('ERR_LIMIT', `${where}: ${what} takes ${bytes} bytes, over the limit of ${limitBytes}.`);
  }
  if (bytes > SMALL_BYTES && bytes > availableMemory()) {
    throw new PoseError(
      'ERR_LIMIT',
      `${where}: ${what} takes ${bytes} bytes, and ${availableMemory()} bytes of memory are left here.`,
    );
  }
}

const BASE_ALLOWANCE_BYTES = 40_000_000;

/**
 * Counts the memory that small parts of a file (list items, names, strings) turn into, so that a short file cannot
 * fill the machine: 40 MB, and a few times the bytes that the file really has.
 */
export class MemoryBudget {
  private readonly where: string;
  private readonly allowed: number;
  private taken = 0;

  constructor(where: string, backedBytes: number, times = 2) {
    this.where = where;
    this.allowed = BASE_ALLOWANCE_BYTES + times * backedBytes;
  }

  /** Bytes that were taken and not given back. */
  get spent(): number {
    return this.taken;
  }

  giveBack(bytes: number): void {
    this.taken -= bytes;
  }

  /** Takes an estimate of `bytes`; throws `ERR_LIMIT` when the file asks for more than its own size explains. */
  spend(bytes: number): void {
    this.taken += bytes;
    if (!(this.taken <= this.allowed)) {
      throw new PoseError('ERR_LIMIT', `${this.where}: its content would take far more memory than the file is large.`);
    }
  }
}
