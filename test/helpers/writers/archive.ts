import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Unpacks members of a `.tar.xz` into a fresh folder, runs `use` on it, and removes it. */
export async function withArchive(path: string, members: readonly string[], use: (folder: string) => Promise<void>) {
  const folder = mkdtempSync(join(tmpdir(), 'pstmo-archive-'));
  try {
    execFileSync('tar', ['-xJf', path, '-C', folder, ...members]);
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
