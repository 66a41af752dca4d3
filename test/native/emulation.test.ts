import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('../../build/emulated/emulation-cases', import.meta.url));

const said: Record<string, RegExp> = {
  rightByBarrier: /^passes$/,
  rightByWarp: /^passes$/,
  noBarrier: /with no barrier between .*, at emulation-cases\.cpp:\d+/,
  noBarrierBeforeNextWrite: /with no barrier between/,
  noSyncWarp: /with no barrier between/,
  writeAfterSeveralReads: /writes what was read by .* with no barrier between/,
  differentBarriers: /stand at different barriers/,
  barrierAfterSomeEnded: /barrier after some lanes of the block have ended|deadlock/,
  halfAWarp: /a warp collective waits for lane \d+, which is not there|deadlock/,
  outsideAnArray: /writes element 64 of 64/,
  beyondAnAllocation: /beyond the end of an allocation of 256 bytes/,
  computedBeyond: /beyond the end of an allocation of 256 bytes/,
  copiedBeyond: /beyond the end of an allocation of 256 bytes/,
};

describe.skipIf(!existsSync(program))('the emulated device (needs `npm run build:emulated`)', () => {
  it.each(['1', '2', '3'])('lets right kernels pass and stops each wrong one, with lanes in order %s', (seed) => {
    const env = { ...process.env, PSTMO_EMULATION_SEED: seed };
    const lines = execFileSync(program, { encoding: 'utf8', env }).trim().split('\n');
    const verdicts = new Map(lines.map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]));
    expect([...verdicts.keys()]).toEqual(Object.keys(said));
    for (const [name, pattern] of Object.entries(said)) expect(verdicts.get(name), name).toMatch(pattern);
  });
});
