import { InvalidArgumentError, Option } from 'commander';
import type { PixelCamera } from '../keypoints/camera.js';
import type { DeviceOption } from '../networks/device.js';
import { skeletonByName } from '../skeletons/skeletons.js';

/** Parsers of option values; what they refuse is a usage error that names the option. */

/** An option whose values add up where it is given again; any other that takes a value is refused the second time. */
export class RepeatableOption extends Option {}

/** One value after the other. */
export function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      const end = most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : `of at least ${least}`;
      throw new InvalidArgumentError(`Expected a whole number ${end}.`);
    }
    return value;
  };
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0) || !Number.isFinite(value)) {
    throw new InvalidArgumentError('Expected a positive number.');
  }
  return value;
}

export function numberFromZero(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0) || !Number.isFinite(value)) {
    throw new InvalidArgumentError('Expected a number of at least 0.');
  }
  return value;
}

/** A share of what was, above 0 and at most 1. */
export function factor(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) {
    throw new InvalidArgumentError('Expected a number above 0 and at most 1.');
  }
  return value;
}

/** Slowest and fastest video that is lifted, frames a second. */
export const frameRates = { least: 1, most: 10_000 };

export function frameRate(text: string): number {
  const value = Number(text);
  if (!(value >= frameRates.least && value <= frameRates.most)) {
    throw new InvalidArgumentError(`Expected frames a second, from ${frameRates.least} to ${frameRates.most}.`);
  }
  return value;
}

/** The name of a layout. */
export function layoutName(text: string): string {
  try {
    return skeletonByName(text).name;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** The name of a file with one of the endings. */
export function fileEnding(...endings: string[]): (text: string) => string {
  return (text) => {
    if (!endings.some((ending) => text.toLowerCase().endsWith(ending) && text.length > ending.length)) {
      throw new InvalidArgumentError(`Expected a name that ends in ${endings.join(' or ')}.`);
    }
    return text;
  };
}

/** "1920x1080" */
export function imageSize(text: string): { width: number; height: number } {
  const match = /^(\d{1,6})x(\d{1,6})$/i.exec(text);
  const [width, height] = match ? [Number(match[1]), Number(match[2])] : [0, 0];
  if (width < 1 || height < 1) {
    throw new InvalidArgumentError('Expected WIDTHxHEIGHT in pixels, for example 1920x1080.');
  }
  return { width, height };
}

/** "fx,fy,cx,cy" and up to five numbers of the lens. */
export function camera(text: string): PixelCamera {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [fx, fy, cx, cy, ...distortion] = numbers;
  if (numbers.length < 4 || numbers.length > 9 || !numbers.every(Number.isFinite) || fx <= 0 || fy <= 0) {
    throw new InvalidArgumentError('Expected fx,fy,cx,cy in pixels, then up to k1,k2,p1,p2,k3.');
  }
  return { fx, fy, cx, cy, distortion };
}

/** A filter in time and its settings. */
export type Smoothing =
  | { kind: 'none' }
  | { kind: 'one-euro'; cutoff: number; beta: number | undefined }
  | { kind: 'savitzky-golay'; window: number; degree: number };

/** "none", "one-euro", "one-euro:1.5:0.01", "savitzky-golay", "savitzky-golay:9:2" */
export function smoothing(text: string): Smoothing {
  const [kind, ...settings] = text.split(':');
  const [first, second] = settings.map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (settings.length <= 2 && settings.every((_, at) => Number.isFinite([first, second][at]))) {
    if (kind === 'none' && settings.length === 0) return { kind };
    const [cutoff, beta] = [first ?? 1.5, second];
    if (kind === 'one-euro' && cutoff > 0 && (beta ?? 0) >= 0) return { kind, cutoff, beta };
    const [window, degree] = [first ?? 7, second ?? 2];
    const whole = Number.isInteger(window) && Number.isInteger(degree);
    if (kind === 'savitzky-golay' && whole && window % 2 === 1 && degree >= 0 && degree < window) {
      return { kind, window, degree };
    }
  }
  throw new InvalidArgumentError(
    'Expected none, one-euro[:<cut-off in Hz>[:<beta>]] or savitzky-golay[:<odd window>[:<degree>]].',
  );
}

/** "a,b,c" */
export function list(text: string): string[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.some((part) => part === '')) {
    throw new InvalidArgumentError('Expected names separated by commas.');
  }
  return parts;
}

/** "3=7,9", again and again: `{ '3': ['7', '9'] }`. */
export function mergedIds(text: string, before: Record<string, string[]> = {}): Record<string, string[]> {
  const [id, others, ...more] = text.split('=').map((part) => part.trim());
  if (!id || !others || more.length > 0) {
    throw new InvalidArgumentError('Expected <id>=<id>[,<id>...], for example 3=7,9.');
  }
  return { ...before, [id]: [...(Object.hasOwn(before, id) ? before[id] : []), ...list(others)] };
}

function device(text: string): DeviceOption {
  if (!/^(auto|cpu|wasm|cuda(:(\d{1,3}|all))?)$/.test(text)) {
    throw new InvalidArgumentError('Expected auto, cpu, wasm, cuda, cuda:<number> or cuda:all.');
  }
  return text as DeviceOption;
}

export function deviceOption(): Option {
  const devices = 'auto, cpu, wasm (WebAssembly), cuda, cuda:<number> or, for lifting, cuda:all (every GPU)';
  return new Option('--device <device>', devices).default('auto').argParser(device);
}

export function precisionOption(): Option {
  return new Option('--precision <precision>', 'of matrix products').choices(['fp32', 'tf32', 'bf16']).default('fp32');
}

export function compiledOption(): Option {
  return new Option(
    '--compiled <choice>',
    'lift by the compiled lifter: on, off, or auto (where it can; on a GPU once it has passed a self-test)',
  )
    .choices(['auto', 'on', 'off'])
    .default('auto');
}

export function matmulOption(): Option {
  return new Option(
    '--matmul <choice>',
    'what multiplies matrices on a GPU: auto, cublaslt, own, or the path of a cuBLASLt',
  ).default('auto');
}

export function threadsOption(): Option {
  return new Option('--threads <count>', '0: as many as this process may use')
    .default(0)
    .argParser(wholeNumber(0, 1024));
}
