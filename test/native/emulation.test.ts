import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const native = fileURLToPath(new URL('../../native/', import.meta.url));
const program = fileURLToPath(new URL('../../build/emulated/emulation-cases', import.meta.url));

/** The CUDA sources and headers of these rooms, by their path under native/; probes ask a device and are none. */
function sourcesOf(...rooms: string[]): string[] {
  return rooms
    .flatMap((room) =>
      readdirSync(join(native, room), { recursive: true, encoding: 'utf8' }).map((name) => join(room, name)),
    )
    .filter((file) => /\.(cu|h)$/.test(file) && !file.includes('/probes/'))
    .sort();
}

const said: Record<string, RegExp> = {
  rightByBarrier: /^passes$/,
  rightByWarp: /^passes$/,
  noBarrier: /(with no barrier between|what no lane has written) .*, at emulation-cases\.cpp:\d+/,
  noBarrierBeforeNextWrite: /with no barrier between/,
  noSyncWarp: /with no barrier between|what no lane has written/,
  writeAfterSeveralReads: /writes what was read by .* with no barrier between/,
  differentBarriers: /stand at different barriers/,
  barrierAfterSomeEnded: /barrier after some lanes of the block have ended|deadlock/,
  halfAWarp: /a warp collective waits for lane \d+, which is not there|deadlock/,
  waitForEachOther:
    /deadlock: lane \d+ waits at emulation-cases\.cpp:\d+ .*, lane \d+ waits at emulation-cases\.cpp:\d+ .*; 32 of 64 lanes have ended/,
  maskWithoutItself: /a lane calls a warp collective whose mask leaves it out/,
  differentMasks: /lanes of one warp collective give different masks|whose mask leaves it out/,
  readBeforeWritten: /reads what no lane has written/,
  outsideAnArray: /writes element 64 of 64/,
  beyondAnAllocation: /beyond the end of an allocation of 256 bytes/,
  beforeAnAllocation: /wrote 4 bytes before the begin of an allocation of 256 bytes/,
  computedBeyond: /beyond the end of an allocation of 256 bytes/,
  copiedBeyond: /beyond the end of an allocation of 256 bytes/,
  rightByCopies: /^passes$/,
  copyWithoutBarrier: /with no barrier between|what no lane has written/,
  copyReadTooEarly: /read a copy that has not landed/,
  copyOverWhatIsRead: /with no barrier between/,
  copyFromOddAddress: /copies from an address that is no multiple of 16/,
  copyToOddColumn: /takes four words at once from column 2/,
};

describe('the CUDA sources', () => {
  it('name instructions in ptx.h alone, where each has its twin on the host', () => {
    const naming = sourcesOf('cuda', 'inference/cuda').filter((file) =>
      /\basm\b|cp\.async|memcpy_async|__pipeline/.test(readFileSync(join(native, file), 'utf8')),
    );
    expect(naming).toEqual(['cuda/device/ptx.h']);
  });
});

describe.skipIf(!existsSync(program))('the emulated device (needs `npm run build:emulated`)', () => {
  it.each(['1', '2', '3'])('lets right kernels pass and stops each wrong one, with lanes in order %s', (seed) => {
    const env = { ...process.env, PSTMO_EMULATION_SEED: seed };
    const lines = execFileSync(program, { encoding: 'utf8', env }).trim().split('\n');
    const verdicts = new Map(lines.map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]));
    expect([...verdicts.keys()]).toEqual(Object.keys(said));
    for (const [name, pattern] of Object.entries(said)) expect(verdicts.get(name), name).toMatch(pattern);
  });
});
