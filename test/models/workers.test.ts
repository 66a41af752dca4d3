import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** PSTMO_LONG=1 asks for as many as docs/testing.md names. */
const times = process.env.PSTMO_LONG === '1' ? 2000 : 100;

describe('worker threads', () => {
  it('may be terminated at any instant of loading, lifting, streaming, training and closing', {
    timeout: 1_800_000,
  }, () => {
    const script = fileURLToPath(new URL('./terminate-workers.mjs', import.meta.url));
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script, String(times), '1'], {
      encoding: 'utf8',
    });
    expect({ status, signal, stdout, stderr }).toEqual({
      ...{ status: 0, signal: null },
      ...{ stdout: `${times} terminated\n`, stderr: '' },
    });
  });
});
