import { Command } from 'commander';
import { packageVersion } from '../../base/package-version.js';
import { PoseError } from '../../base/pose-error.js';
import { createRandom } from '../../base/random.js';
import { createNativeModel, cudaProducts, machine, measurePeak, runOp } from '../../binding.js';
import { bundledModels } from '../../networks/bundled.js';
import { parseModelConfig } from '../../networks/config.js';
import { nativeConfig } from '../../networks/native-config.js';
import { type Io, print } from '../io.js';

const PEAK_SECONDS = 0.3;
const FRAMES = 60;
/** The rows of a training batch of the paper: 160 windows of 243 frames. */
const PRODUCT_ROWS = 160 * 243;

/** What the doctor finds. */
interface Findings {
  version: string;
  node: string;
  platform: string;
  native: ReturnType<typeof machine>;
  /** What multiplies on the GPU, and GFLOP/s in fp32 of a feed-forward product (256 to 512 columns); null without one. */
  gpuProducts: { using: string; gflops: { auto: number; own: number } } | null;
  /** Fused multiply-adds on all threads. */
  peakGflops: { fp32: number; bf16: number | null };
  /** How far the compiled plan's poses are from the graph's: the norm of the difference, relative. */
  selfTest: { device: string; frames: number; framesPerSecond: number; planError: number };
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
        gpuProducts: native.cuda.found
          ? { using: cudaProducts(), gflops: { auto: productSpeed('auto'), own: productSpeed('own') } }
          : null,
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

/** GFLOP/s of a product on the first GPU, of as many rows as it multiplies in a tenth of a second, up to a training batch. */
function productSpeed(products: string): number {
  const [inside, outside] = [256, 512];
  const random = createRandom('doctor');
  const values = (count: number) => Float32Array.from({ length: count }, () => random.uniform(-0.5, 0.5));
  const weight = values(outside * inside);
  const seconds = (rows: number, repeats: number) => {
    const tensors = { x: values(rows * inside), weight, y: new Float32Array(rows * outside) };
    const device = { device: 'cuda:0', precision: 'fp32', threads: 0, isa: 'auto', products } as const;
    return runOp(device, 'linearForward', tensors, { rows, in: inside, out: outside }, repeats);
  };
  const few = 32;
  const rows = Math.min(PRODUCT_ROWS, Math.max(few, Math.floor((0.1 * few) / seconds(few, 5))));
  return (2e-9 * rows * inside * outside) / seconds(rows, rows === PRODUCT_ROWS ? 20 : 1);
}

const GPU_PLAN =
  "Lifting on the GPU: operation by operation; by the compiled plan with plan: 'on', which is not the default before a GPU has measured it";

/** What two runs that should agree to rounding may differ by. */
const PLAN_TOLERANCE = 1e-4;

function relativeDifference(a: Float32Array, b: Float32Array): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < a.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return Math.sqrt(difference / norm);
}

/**
 * Lifts random keypoints with a small random network and checks that the poses are numbers, come out the same twice, and come
 * out alike from the compiled plan and from the network's operations one by one.
 */
async function selfTest(): Promise<Findings['selfTest']> {
  const config = parseModelConfig({ frames: 27, width: 64, hidden: 128 });
  const common = { device: 'cpu', precision: 'fp32', threads: 0 } as const;
  const network = createNativeModel(nativeConfig(config), common);
  const graph = createNativeModel(nativeConfig(config), { ...common, plan: 'off' });
  try {
    await network.initialize(1);
    await graph.initialize(1);
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
    const planError = relativeDifference(first, await graph.lift(request));
    if (!(planError < PLAN_TOLERANCE)) {
      throw new PoseError(
        'ERR_NATIVE',
        `The self-test failed: the compiled plan is ${planError.toExponential(1)} from the network's operations.`,
      );
    }
    return { device: network.device, frames: FRAMES, framesPerSecond: FRAMES / seconds, planError };
  } finally {
    await network.close();
    await graph.close();
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
    ...(gpuProducts === null ? [] : [productsText(gpuProducts), GPU_PLAN]),
    `Self-test: passed (a small random network, ${test.frames} frames, ${test.framesPerSecond.toFixed(0)} frames/s, ${test.device}; plan within ${test.planError.toExponential(1)} of the graph)`,
    `Models: ${models.join(', ') || 'none bundled'}`,
  ].join('\n');
}

function productsText({ using, gflops }: NonNullable<Findings['gpuProducts']>): string {
  const own = using.startsWith('own') ? '' : `; own kernels ${gflops.own.toPrecision(3)}`;
  return `Products on the GPU: ${using}, ${gflops.auto.toPrecision(3)} GFLOP/s in fp32${own}`;
}
