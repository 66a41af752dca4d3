import type { FuzzReader, LoadModule } from './readers.mjs';

/** What mutating needs beside the seeds. */
export interface FuzzTools {
  hostilePickles: Uint8Array[];
  canary: string;
}

export function randomFrom(text: string): () => number;
export function fuzzTools(load: LoadModule, canary: string): Promise<FuzzTools>;
export function mutantOf(
  reader: FuzzReader,
  seeds: readonly Uint8Array[],
  index: number,
  seed: string,
  tools: FuzzTools,
): Buffer;
