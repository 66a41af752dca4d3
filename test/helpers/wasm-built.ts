import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Whether there is a WebAssembly module to test; says so once where there is none. */
export const wasmBuilt: boolean = existsSync(fileURLToPath(new URL('../../build/wasm/pstmo.wasm', import.meta.url)));
if (!wasmBuilt)
  console.log('No WebAssembly module: its tests are skipped (apt-get install emscripten, npm run build:wasm).');
