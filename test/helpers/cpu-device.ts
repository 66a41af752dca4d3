import { describe, it } from 'vitest';
import { testDevice } from './cuda-device.js';

/** Where the tests of the CPU run: natively, or in WebAssembly where PSTMO_TEST_DEVICE is `wasm`. */
export const cpuDevice: 'cpu' | 'wasm' = testDevice() === 'wasm' ? 'wasm' : 'cpu';

const trains = cpuDevice === 'cpu';
if (!trains) console.log('WebAssembly does not train: tests of gradients and training are skipped.');

/** `it` and `describe` of what trains. */
export const itTrains: typeof it | typeof it.skip = trains ? it : it.skip;
export const describeTrains: typeof describe | typeof describe.skip = trains ? describe : describe.skip;
