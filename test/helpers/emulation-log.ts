import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the emulated device and its cuBLASLt did while `run` was under way: a line for each copy, recording, replay and product. */
export async function emulationLog<Result>(run: () => Result | Promise<Result>): Promise<[Result, string[]]> {
  const file = join(tmpdir(), `pstmo-emulation-${process.pid}.log`);
  rmSync(file, { force: true });
  process.env.PSTMO_EMULATION_LOG = file;
  try {
    const result = await run();
    return [result, existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []];
  } finally {
    delete process.env.PSTMO_EMULATION_LOG;
    rmSync(file, { force: true });
  }
}

/** Runs `run` with variables of the environment set, and sets them back. */
export async function withEnvironment<Result>(
  variables: Record<string, string>,
  run: () => Result | Promise<Result>,
): Promise<Result> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    return await run();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) {
        delete process.env[name];
      } else {
        process.env[name] = value;
      }
    }
  }
}
