import { PoseError } from '../base/pose-error.js';

/** `ERR_FORMAT`: file, byte offset (where one is known), what was expected, what came. */
export function formatError(where: string, offset: number | undefined, expected: string, got: string): PoseError {
  const place = offset === undefined ? where : `${where}: at byte ${offset}`;
  return new PoseError('ERR_FORMAT', `${place}: expected ${expected}, got ${got}.`);
}

/** `ERR_UNSUPPORTED`: a well-formed file that holds something that this reader does not read. */
export function unsupportedError(where: string, what: string): PoseError {
  return new PoseError('ERR_UNSUPPORTED', `${where}: ${what}.`);
}

/** Bytes from a file as they may be shown in a message: printable and short. */
export function printable(text: string, longest = 80): string {
  const shown = text.length > longest ? `${text.slice(0, longest)}...` : text;
  return JSON.stringify(shown);
}
