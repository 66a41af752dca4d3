import type { MachineInfo, NativeOptions, PrecisionName } from '../../binding.js';
import { availableThreads, syncInstance, wasmModule } from './module.js';
import { WasmModel } from './wasm-model.js';
import { WasmWorker } from './workers.js';

type Binding = typeof import('../../binding.js');

const call = <Result>(name: string, ...values: readonly unknown[]): Result =>
  syncInstance().call('call', 0, name, ...values) as Result;

/** The module knows no other device than its own processor. */
const inside = <Device extends { device: NativeOptions['device'] }>(device: Device): Device =>
  device?.device === 'wasm' ? { ...device, device: 'cpu' } : device;

/** WebAssembly in the shape of the addon: see binding.d.ts. */
export const wasmBinding: Binding = {
  NativeModel: WasmModel,
  machine: () => ({ ...call<MachineInfo>('machine'), threads: availableThreads() }),
  cudaDevice: (device) => call('cudaDevice', device),
  cudaMatmul: (device) => call('cudaMatmul', device),
  /** Each thread is a worker here. */
  async measurePeak(threads: number, precision: PrecisionName | 'copy', seconds: number, device = 'cpu') {
    const workers = Array.from({ length: threads || availableThreads() }, () => new WasmWorker(wasmModule()));
    try {
      const where = device === 'wasm' ? 'cpu' : device;
      const peaks = workers.map((worker) => worker.call('call', 0, 'measurePeak', 1, precision, seconds, where));
      return ((await Promise.all(peaks)) as number[]).reduce((sum, peak) => sum + peak, 0);
    } finally {
      await Promise.all(workers.map((worker) => worker.stop(new Error('done'))));
    }
  },
  runOp: (device, ...rest) => call('runOp', inside(device), ...rest),
  opCost: (...values) => call('opCost', ...values),
  describeOps: () => call('describeOps'),
};
