import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { it } from 'vitest';

const root = process.env.PSTMO_DATA ?? resolve(fileURLToPath(new URL('../../../shared/data', import.meta.url)));

/** Where a file or folder of the real data lies, or undefined where it is absent (see `PSTMO_DATA`). */
export function dataPath(relative: string): string | undefined {
  const path = join(root, relative);
  return existsSync(path) ? path : undefined;
}

/** A test that needs `relative` from the real data; skipped, with the reason in its name, where it is absent. */
export function itWithData(name: string, relative: string, run: (path: string) => Promise<void> | void): void {
  const path = dataPath(relative);
  if (path === undefined) it.skip(`${name} (skipped: no ${relative} at ${root}; set PSTMO_DATA)`, () => undefined);
  else it(name, () => run(path), 120_000);
}
