import { Command } from 'commander';
import { createNativeModel, cudaProducts, machine, measurePeak } from '../binding.js';
import { bundledModels } from '../models/bundled.js';
import { parseModelConfig } from '../models/config.js';
import { nativeConfig } from '../models/native-config.js';
import { PoseError } from '../pose-error.js';
import { createRandom } from '../random.js';
import { type Io, print } from './io.js';
import { packageVersion } from './version.js';

const PEAK_SECONDS = 0.3;
const FRAMES = 60;

/** What the doctor finds. */
interface Findings {
  version: string;
  node: string;
  platform: string;
  native: ReturnType<typeof machine>;
  /** What multiplies on the GPU; null without one. */
  gpuProducts: string | null;
  /** Fused multiply-adds on all threads. */
  peakGflops: { fp32: number; bf16: number | null };
  selfTest: { device: string; frames: number; framesPerSecond: number };
  models: string[];
}

export function doctorCommand(io: Io): Command {
  return new Command('doctor')
    .description('what this machine offers, and a one-second self-test')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const native = machine();
      const findings: Findings = {
        version: packageVersion(),
        node: process.version,
        platform: `${process.platform} ${process.arch}`,
        native,
        gpuProducts: native.cuda.found ? cudaProducts() : null,
        peakGflops: {
          fp32: await measurePeak(native.threads, 'fp32', PEAK_SECONDS),
          bf16: native.bf16 ? await measurePeak(native.threads, 'bf16', PEAK_SECONDS) : null,
        },
        selfTest: await selfTest(),
        models: bundledModels().map(({ name }) => name),
      };
      print(io, json, findings, () => text(findings));
    });
}

/** Lifts random keypoints with a small random network and checks that the poses are numbers and come out the same twice. */
async function selfTest(): Promise<Findings['selfTest']> {
  const config = parseModelConfig({ frames: 27, width: 64, hidden: 128 });
  const network = createNativeModel(nativeConfig(config), { device: 'cpu', precision: 'fp32', threads: 0 });
  try {
    await network.initialize(1);
    const random = createRandom('doctor');
    const keypoints = Float32Array.from({ length: FRAMES * 17 * 2 }, () => random.uniform(-0.5, 0.5));
    const request = { keypoints, stride: 1, flip: true, first: 0, count: FRAMES, batch: 0 };
    const first = await network.lift(request);
    const start = performance.now();
    const second = await network.lift(request);
    const seconds = (performance.now() - start) / 1000;
    if (first.some((value, i) => !Number.isFinite(value) || value !== second[i])) {
      throw new PoseError(
        'ERR_NATIVE',
        'The self-test failed: two runs of one network gave other poses, or no numbers.',
      );
    }
    return { device: network.device, frames: FRAMES, framesPerSecond: FRAMES / seconds };
  } finally {
    await network.close();
  }
}

function text(findings: Findings): string {
  const { native, gpuProducts, peakGflops, selfTest: test, models } = findings;
  const bf16 =
    peakGflops.bf16 === null ? 'no bf16 products on this processor' : `${peakGflops.bf16.toFixed(0)} in bf16`;
  return [
    `pstmo ${findings.version} (native ${native.version}), Node ${findings.node}, ${findings.platform}`,
    `CPU: ${native.isas.join(', ')}; ${native.threads} threads; ${peakGflops.fp32.toFixed(0)} GFLOP/s in fp32, ${bf16}`,
    `GPU: ${native.cuda.found ? '' : 'none. '}${native.cuda.reason}`,
    ...(gpuProducts === null ? [] : [`Products on the GPU: ${gpuProducts}`]),
    `Self-test: passed (a small random network, ${test.frames} frames, ${test.framesPerSecond.toFixed(0)} frames/s, ${test.device})`,
    `Models: ${models.join(', ') || 'none bundled'}`,
  ].join('\n');
}
