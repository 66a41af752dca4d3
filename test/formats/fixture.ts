import { fileURLToPath } from 'node:url';
import { PoseError } from '../../lib/base/pose-error.js';

/** Path of a file that the scripts in `test/fixtures/formats` made. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/formats/${name}`, import.meta.url));
}

/** 0, 1, 2, ... as many as a shape holds: what the scripts call `steps`. */
export function steps(...shape: number[]): number[] {
  return Array.from({ length: shape.reduce((product, length) => product * length, 1) }, (_, i) => i);
}

/** The error that a call throws; anything but a PoseError, or none, fails the test. */
export function errorOf(call: () => unknown): PoseError {
  try {
    call();
  } catch (error) {
    if (error instanceof PoseError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
