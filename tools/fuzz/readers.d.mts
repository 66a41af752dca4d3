/** Imports a module of the package by its path under `lib/`, without ending. */
export type LoadModule = (name: string) => Promise<unknown>;

export interface FuzzReader {
  name: string;
  extension: string;
  kinds?: string[];
  seeds: Uint8Array[];
  /** Makes a mutant by the file's structure, instead of by its bytes. */
  mutant?(dice: { below(count: number): number; pick<T>(items: readonly T[]): T }): Buffer;
  read(file: string): unknown;
}

export function fuzzReaders(load: LoadModule): Promise<FuzzReader[]>;
