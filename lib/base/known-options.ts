import { PoseError } from './pose-error.js';

/** Refuses options that nobody reads; throws `ERR_ARGUMENT` that names them and those that there are. */
export function checkKnownOptions(where: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${where}: unknown option ${unknown.join(', ')}; known are ${known.join(', ')}.`,
    );
  }
}
