import { readFileSync } from 'node:fs';
import { nativeBuild } from '../binding.js';

/** The native build as the doctor shows it. */
export interface NativeFile {
  /** This system's C library, as "glibc 2.36" or "musl"; null where the system has neither. */
  libc: string | null;
  /** The file that was tried, and the oldest C library it runs on; null where there is none. */
  tried: string | null;
  needs: string | null;
  /** Why it does not serve; null where it does. */
  problem: string | null;
  serves: 'native' | 'wasm';
}

/** What {@link nativeBuild} found, with the C libraries beside it. */
export function nativeFile(): NativeFile {
  const { path, problem } = nativeBuild();
  return {
    libc: systemLibc(),
    tried: path ?? null,
    needs: path === undefined ? null : neededLibc(path),
    problem: problem ?? null,
    serves: problem === undefined ? 'native' : 'wasm',
  };
}

function systemLibc(): string | null {
  if (process.platform !== 'linux') return null;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined ? 'musl' : `glibc ${header.glibcVersionRuntime}`;
}

/** The newest symbol version of glibc that a file names. */
function neededLibc(path: string): string | null {
  const minors = new Set(readFileSync(path, 'latin1').match(/GLIBC_2\.\d+/g));
  const numbers = Array.from(minors, (version) => Number(version.slice('GLIBC_2.'.length)));
  return numbers.length === 0 ? null : `glibc 2.${numbers.reduce((a, b) => Math.max(a, b))}`;
}

/** Two lines for people. */
export function nativeFileText({ libc, tried, needs, problem, serves }: NativeFile, platform: string): string {
  const runs = needs === null ? '' : `, for ${needs} and newer`;
  return [
    `Platform: ${platform}${libc === null ? '' : `, ${libc}`}`,
    `Native build: ${tried === null ? 'none for this platform' : `${tried}${runs}`}`,
    ...(serves === 'native' ? [] : [`Serves in its place: WebAssembly, since ${problem}`]),
  ].join('\n');
}
