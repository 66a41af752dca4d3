import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../lib/base/tensor.js';
import { readNpz } from '../../lib/formats/numpy/npz.js';
import { relativeError } from '../helpers/native-model.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { wasmBuilt } from '../helpers/wasm-built.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = temporaryFolder();
const clip = ['lift', join(root, 'examples/walking.json'), '--size', '1920x1080', '--fps', '50', '--quiet'];

/** The command line where no native build is found; with `path`, where it is that file. */
function hidden(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { ...process.env, PSTMO_PREBUILD: join(folder, 'nothing') };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, 'dist/cli/main.js'), ...args], { env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}

describe.skipIf(!wasmBuilt)('the command line without a native build', () => {
  it('lifts the bundled clip as with one, and says once that WebAssembly serves and how much slower', async () => {
    const [here, there] = [join(folder, 'native.npz'), join(folder, 'wasm.npz')];
    const { code, err } = await hidden(...clip, '--out', there);
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(err.match(/PSTMO_WASM/g)).toHaveLength(1);
    expect(err).toMatch(/no native build for .*: WebAssembly lifts in its place, .* slower/);
    await new Promise((resolve, reject) => {
      execFile(process.execPath, [join(root, 'dist/cli/main.js'), ...clip, '--out', here], (error) =>
        error ? reject(error) : resolve(undefined),
      );
    });
    const [wasm, native] = [there, here].map((path) => (readNpz(path).get('poses') as Tensor<Float32Array>).data);
    expect(relativeError(wasm, native)).toBeLessThan(1e-5);
  });

  it('has a doctor that says what was tried, why it does not serve and what does', async () => {
    const { code, out } = await hidden('doctor');
    expect({ code, out }).toMatchObject({ code: 0 });
    expect(out).toMatch(/^Platform: \w+ \w+/m);
    expect(out).toMatch(/^Native build: none for this platform$/m);
    expect(out).toMatch(/^Serves in its place: WebAssembly, since pstmo has no native build/m);
    expect(out).toMatch(/Self-test: passed .*WebAssembly SIMD128, \d+ workers?/);
    const found = JSON.parse((await hidden('doctor', '--json')).out) as { nativeFile: object };
    expect(found.nativeFile).toMatchObject({ tried: null, serves: 'wasm' });
  });

  it('refuses a GPU and training by their codes', async () => {
    const gpu = await hidden(...clip, '--out', join(folder, 'gpu.npz'), '--device', 'cuda');
    expect(gpu.code).not.toBe(0);
    expect(gpu.err).toMatch(/ERR_NO_CUDA|NVIDIA GPU/);
    const training = await hidden('finetune', 'nothing.npz', '--out', join(folder, 'trained'));
    expect(training.code).not.toBe(0);
    expect(training.err).toMatch(/WebAssembly does not train, and nothing else can here \(pstmo has no native build/);
    const bf16 = await hidden(...clip, '--out', join(folder, 'bf16.npz'), '--precision', 'bf16');
    expect(bf16.code).not.toBe(0);
  });
});
