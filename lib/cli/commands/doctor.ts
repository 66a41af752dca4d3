import { Command } from 'commander';
import { withOldProperties } from '../../base/old-names.js';
import { packageVersion } from '../../base/package-version.js';
import { PoseError } from '../../base/pose-error.js';
import { createRandom } from '../../base/random.js';
import { createNativeModel, cudaDevice, cudaMatmul, machine, measurePeak, runOp } from '../../binding.js';
import { bundledModels } from '../../networks/bundled.js';
import { parseModelConfig } from '../../networks/config.js';
import { nativeConfig } from '../../networks/native-config.js';
import { type Io, print } from '../io.js';
import { type NativeFile, nativeFile, nativeFileText } from '../native-file.js';

const PEAK_SECONDS = 0.3;
const FRAMES = 60;
const TEST_NETWORK = { frames: 27, width: 64, hidden: 128 } as const;
/** The rows of a training batch of the paper: 160 windows of 243 frames. */
const MATMUL_ROWS = 160 * 243;

/** What the doctor finds. */
interface Findings {
  version: string;
  node: string;
  platform: string;
  nativeFile: NativeFile;
  native: ReturnType<typeof machine>;
  /** Each GPU of the machine; `lifting`: how it lifts a small network, null where it cannot be used. */
  gpus: { device: `cuda:${number}`; found: boolean; reason: string; lifting: string | null }[];
  /** What multiplies matrices on the first GPU that can be used, and GFLOP/s in fp32 of a feed-forward layer (256 to 512 columns); null without one. */
  gpuMatmul: { using: string; gflops: { auto: number; own: number } } | null;
  /** Fused multiply-adds on all threads. */
  peakGflops: { fp32: number; bf16: number | null };
  /** How far the compiled lifter's poses are from those op by op: the norm of the difference, relative. */
  selfTest: { device: string; frames: number; framesPerSecond: number; compiledError: number };
  models: string[];
}

export function doctorCommand(io: Io): Command {
  return new Command('doctor')
    .description('what this machine offers, and a one-second self-test')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const file = nativeFile();
      const platform = `${process.platform} ${process.arch}`;
      const native = machineOr(() => io.err(`${nativeFileText(file, platform)}\n`));
      const findings: Findings = {
        version: packageVersion(),
        node: process.version,
        platform,
        nativeFile: file,
        native,
        gpus: await gpusOf(native.cuda.devices),
        gpuMatmul: native.cuda.found ? gpuMatmul(native.cuda.device) : null,
        peakGflops: {
          fp32: await measurePeak(native.threads, 'fp32', PEAK_SECONDS),
          bf16: native.bf16 ? await measurePeak(native.threads, 'bf16', PEAK_SECONDS) : null,
        },
        selfTest: await selfTest(),
        models: bundledModels().map(({ name }) => name),
      };
      const printed = withOldProperties('doctor', findings);
      printed.selfTest = withOldProperties('selfTest', findings.selfTest);
      print(io, json, printed, () => text(findings));
    });
}

/** What serves; where nothing does, what was found until then is said before the error. */
function machineOr(tell: () => void): ReturnType<typeof machine> {
  try {
    return machine();
  } catch (error) {
    tell();
    throw error;
  }
}

async function gpusOf(count: number): Promise<Findings['gpus']> {
  const gpus: Findings['gpus'] = [];
  for (let number = 0; number < count; number++) {
    const { found, reason } = cudaDevice(number);
    const device = `cuda:${number}` as const;
    gpus.push({ device, found, reason, lifting: found ? await liftingOn(device) : null });
  }
  return gpus;
}

/** How a GPU lifts where nothing else is asked for: what the self-test of the compiled lifter says there. */
async function liftingOn(device: `cuda:${number}`): Promise<string> {
  const network = createNativeModel(nativeConfig(parseModelConfig(TEST_NETWORK)), {
    ...{ device, precision: 'fp32', threads: 1 },
  });
  try {
    await network.initialize(1);
    const problem = await network.prepareLifter();
    return problem === '' ? 'compiled, which passed its self-test' : `op by op, because ${problem}`;
  } finally {
    await network.close();
  }
}

function gpuMatmul(number: number): Findings['gpuMatmul'] {
  const speed = (matmul: string) => matmulSpeed(`cuda:${number}`, matmul);
  return { using: cudaMatmul(number), gflops: { auto: speed('auto'), own: speed('own') } };
}

/** GFLOP/s of a matrix product on a GPU, of as many rows as it multiplies in a tenth of a second, up to a training batch. */
function matmulSpeed(gpu: `cuda:${number}`, matmul: string): number {
  const [inside, outside] = [256, 512];
  const random = createRandom('doctor');
  const values = (count: number) => Float32Array.from({ length: count }, () => random.uniform(-0.5, 0.5));
  const weight = values(outside * inside);
  const seconds = (rows: number, repeats: number) => {
    const tensors = { x: values(rows * inside), weight, y: new Float32Array(rows * outside) };
    const device = { device: gpu, precision: 'fp32', threads: 0, isa: 'auto', matmul } as const;
    return runOp(device, 'linearForward', tensors, { rows, in: inside, out: outside }, repeats);
  };
  const few = 32;
  const rows = Math.min(MATMUL_ROWS, Math.max(few, Math.floor((0.1 * few) / seconds(few, 5))));
  return (2e-9 * rows * inside * outside) / seconds(rows, rows === MATMUL_ROWS ? 20 : 1);
}

/** What two runs that should agree to rounding may differ by. */
const COMPILED_TOLERANCE = 1e-4;

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
 * out alike from the compiled lifter and op by op.
 */
async function selfTest(): Promise<Findings['selfTest']> {
  const config = parseModelConfig(TEST_NETWORK);
  const common = { device: 'cpu', precision: 'fp32', threads: 0 } as const;
  const network = createNativeModel(nativeConfig(config), common);
  const opByOp = createNativeModel(nativeConfig(config), { ...common, compiled: 'off' });
  try {
    await network.initialize(1);
    await opByOp.initialize(1);
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
    const compiledError = relativeDifference(first, await opByOp.lift(request));
    if (!(compiledError < COMPILED_TOLERANCE)) {
      throw new PoseError(
        'ERR_NATIVE',
        `The self-test failed: the compiled lifter is ${compiledError.toExponential(1)} from the network op by op.`,
      );
    }
    return { device: network.device, frames: FRAMES, framesPerSecond: FRAMES / seconds, compiledError };
  } finally {
    await network.close();
    await opByOp.close();
  }
}

function text(findings: Findings): string {
  const { native, gpus, gpuMatmul, peakGflops, selfTest: test, models } = findings;
  const bf16 =
    peakGflops.bf16 === null ? 'no bf16 matrix products on this processor' : `${peakGflops.bf16.toFixed(0)} in bf16`;
  return [
    `pstmo ${findings.version} (native ${native.version}), Node ${findings.node}`,
    nativeFileText(findings.nativeFile, findings.platform),
    `CPU: ${native.isas.join(', ')}; ${native.threads} threads; ${peakGflops.fp32.toFixed(0)} GFLOP/s in fp32, ${bf16}`,
    ...(gpus.length === 0 ? [`GPU: none. ${native.cuda.reason}`] : gpus.map(gpuText)),
    ...(gpuMatmul === null ? [] : [matmulText(gpuMatmul)]),
    `Self-test: passed (a small random network, ${test.frames} frames, ${test.framesPerSecond.toFixed(0)} frames/s, ${test.device}; compiled within ${test.compiledError.toExponential(1)} of op by op)`,
    `Models: ${models.join(', ') || 'none bundled'}`,
  ].join('\n');
}

function gpuText({ device, found, reason, lifting }: Findings['gpus'][number]): string {
  return `GPU ${device}: ${found ? `${reason} It lifts ${lifting}.` : `not usable. ${reason}`}`;
}

function matmulText({ using, gflops }: NonNullable<Findings['gpuMatmul']>): string {
  const own = using.startsWith('own') ? '' : `; own kernels ${gflops.own.toPrecision(3)}`;
  return `Matrix products on the GPU: ${using}, ${gflops.auto.toPrecision(3)} GFLOP/s in fp32${own}`;
}
