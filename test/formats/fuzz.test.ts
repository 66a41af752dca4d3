import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PoseError } from '../../lib/base/pose-error.js';
import { fuzzTools, mutantOf } from '../../tools/fuzz/mutate.mjs';
import { fuzzReaders, type LoadModule } from '../../tools/fuzz/readers.mjs';
import { temporaryFolder } from '../helpers/temporary-folder.js';

/** A fixed sample of what `npm run fuzz` does in child processes, with 2,000 files a reader. */
const SAMPLE = 40;
/** Of the processor: other tests may keep a reader waiting. */
const LIMIT_MICROSECONDS = 2_000_000;
const SEED = 'sample';

describe('mutated files', async () => {
  const load: LoadModule = (name) => import(new URL(`../../lib/${name}.ts`, import.meta.url).href);
  const folder = temporaryFolder();
  const canary = join(folder, 'canary');
  const readers = await fuzzReaders(load);
  const tools = await fuzzTools(load, canary);

  it.each(readers)('$name: each gives a result or a PoseError', async (reader) => {
    for (const [i, bytes] of reader.seeds.entries()) {
      const file = join(folder, `${reader.name}-seed-${i}.${reader.extension}`);
      writeFileSync(file, bytes);
      await reader.read(file);
    }
    let refused = 0;
    for (let index = 0; index < SAMPLE; index++) {
      const file = join(folder, `${reader.name}-${index}.${reader.extension}`);
      writeFileSync(file, mutantOf(reader, reader.seeds, index, SEED, tools));
      const start = process.cpuUsage();
      try {
        await reader.read(file);
      } catch (error) {
        expect(error, `${reader.name} ${index}`).toBeInstanceOf(PoseError);
        refused += 1;
      }
      const { user, system } = process.cpuUsage(start);
      expect(user + system, `${reader.name} ${index}: microseconds`).toBeLessThan(LIMIT_MICROSECONDS);
    }
    expect(existsSync(canary)).toBe(false);
    // A reader that takes everything looks at nothing; sniffing alone has an answer for every file.
    expect(refused > 0).toBe(reader.name !== 'sniff');
  });

  it('are the same in every run', () => {
    const [reader] = readers;
    const again = () => mutantOf(reader, reader.seeds, 7, SEED, tools);
    expect(again().equals(again())).toBe(true);
    expect(again().equals(mutantOf(reader, reader.seeds, 8, SEED, tools))).toBe(false);
  });
});
