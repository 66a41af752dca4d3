import { checkArguments } from '../base/check-arguments.js';
import { ByteCursor } from '../formats/bytes/byte-cursor.js';
import { formatError, printable, unsupportedError } from '../formats/format-error.js';
import type { MarkerMotion } from './marker-motion.js';

const BLOCK = 512;
const metresIn: Readonly<Record<string, number>> = { m: 1, cm: 0.01, mm: 0.001 };

/** How a processor writes numbers. */
interface ByteOrder {
  little: boolean;
  /** Floats of a VAX: the halves change places, and the value is four times what IEEE's reading gives. */
  vax: boolean;
}

/** By the number that the parameter section begins with. */
const byteOrders: Readonly<Record<number, ByteOrder>> = {
  84: { little: true, vax: false },
  85: { little: true, vax: true },
  86: { little: false, vax: false },
};

interface Parameter {
  /** -1: letters, else bytes a number. */
  type: number;
  dimensions: readonly number[];
  body: Uint8Array;
}

/**
 * Reads the points of a C3D file, floats or 16-bit numbers in the byte order of Intel, DEC or SGI, with y up: a file that says its
 * screen's upward axis is +Z is turned. Analogue channels are skipped; a point whose residual is negative has no place (NaN). Throws
 * `ERR_FORMAT` with the offset, `ERR_UNSUPPORTED` for another processor.
 */
export function parseC3d(bytes: Uint8Array, where: string): MarkerMotion {
  checkArguments('parseC3d', { bytes, where }, 'Uint8Array', 'text');
  const cursor = new ByteCursor(bytes, where);
  const parameterBlock = cursor.uint8();
  if (cursor.uint8() !== 0x50) throw formatError(where, 1, 'the mark 0x50 of a C3D file', 'another byte');
  const { order, parameters } = parametersOf(bytes, where, (parameterBlock - 1) * BLOCK);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at: number) => view.getUint16(at, order.little);
  const [points, analogue, firstFrame, lastFrame] = [word(2), word(4), word(6), word(8)];
  const [headerScale, dataBlock, headerRate] = [float(view, 12, order), word(16), float(view, 20, order)];

  const numbers = (name: string) => numbersOf(parameters.get(name), order);
  const number = (name: string) => numbers(`POINT:${name}`)[0];
  // Two words, low and high, where the header's one has no room.
  const [startLow, startHigh = 0] = numbers('TRIAL:ACTUAL_START_FIELD');
  const first = startLow === undefined ? firstFrame : startLow + 65_536 * startHigh;
  const scale = number('SCALE') ?? headerScale;
  const fps = number('RATE') ?? headerRate;
  const unit = textsOf(parameters.get('POINT:UNITS'))[0]?.toLowerCase() || 'mm';
  const metres = Object.hasOwn(metresIn, unit) ? metresIn[unit] : undefined;
  const frames = longFrames(numbers) ?? number('FRAMES') ?? lastFrame - firstFrame + 1;
  if (points === 0 || !(frames > 0 && Number.isInteger(frames)))
    throw formatError(where, 2, 'points and frames', `${points} and ${frames}`);
  if (!(fps > 0 && Number.isFinite(fps))) throw formatError(where, 20, 'a frame rate', String(fps));
  if (metres === undefined) throw formatError(where, undefined, 'POINT:UNITS of m, cm or mm', printable(unit));
  if (!Number.isFinite(scale)) throw formatError(where, 12, 'a scale', String(scale));

  const real = scale < 0;
  const size = real ? 4 : 2;
  const row = (4 * points + analogue) * size;
  const start = (dataBlock - 1) * BLOCK;
  if (dataBlock < 2 || start + row * frames > bytes.length) {
    const got = `${bytes.length} bytes`;
    throw formatError(where, 16, `${frames} frames of ${row} bytes from block ${dataBlock} on`, got);
  }
  const value = (at: number) => (real ? float(view, at, order) : view.getInt16(at, order.little) * scale);
  const upZ = textsOf(parameters.get('POINT:Y_SCREEN'))[0] === '+Z';
  const axes = upZ ? [1, 2, 0] : [0, 1, 2];
  const positions = new Float32Array(frames * points * 3);
  for (let frame = 0; frame < frames; frame++) {
    for (let point = 0; point < points; point++) {
      const at = start + frame * row + 4 * size * point;
      const there = (real ? float(view, at + 12, order) : view.getInt16(at + 6, order.little)) >= 0;
      for (let axis = 0; axis < 3; axis++) {
        positions[(frame * points + point) * 3 + axis] = there ? metres * value(at + size * axes[axis]) : Number.NaN;
      }
    }
  }
  // A parameter has room for 255 rows: the labels of more points go on in LABELS2.
  const labels = ['', 2, 3, 4].flatMap((part) => textsOf(parameters.get(`POINT:LABELS${part}`)));
  const markers = Array.from({ length: points }, (_, point) => labels[point] || `point ${point + 1}`);
  return { positions, frames, markers, fps, start: Math.max(0, first - 1) };
}

/** Frames beyond what 16 bits count: as a real number, or as the first and last field of two words each; else undefined. */
function longFrames(numbers: (name: string) => number[]): number | undefined {
  const [long] = numbers('POINT:LONG_FRAMES');
  if (long > 65_535) return long;
  const [start, end] = ['START', 'END'].map((name) => {
    const [low, high = 0] = numbers(`TRIAL:ACTUAL_${name}_FIELD`);
    return low === undefined ? undefined : low + 65_536 * high;
  });
  const frames = start === undefined || end === undefined ? 0 : end - start + 1;
  return frames > 65_535 ? frames : undefined;
}

/** The parameters by `GROUP:NAME`, and the file's byte order. */
function parametersOf(
  bytes: Uint8Array,
  where: string,
  start: number,
): { order: ByteOrder; parameters: Map<string, Parameter> } {
  if (start < BLOCK || start + BLOCK > bytes.length) {
    throw formatError(where, 0, 'a block of parameters', `${bytes.length} bytes and block ${start / BLOCK + 1}`);
  }
  const cursor = new ByteCursor(bytes.subarray(start), where, start);
  cursor.bytes(3);
  const processor = cursor.uint8();
  const order = byteOrders[processor];
  if (order === undefined) {
    const known = Object.keys(byteOrders).join(', ');
    throw unsupportedError(where, `a C3D file in the byte order of processor ${processor}; ${known} are read`);
  }
  const groups = new Map<number, string>();
  const found: [group: number, name: string, parameter: Parameter][] = [];
  for (;;) {
    // A negative length of the name is a locked parameter's.
    const length = Math.abs((cursor.uint8() << 24) >> 24);
    const group = (cursor.uint8() << 24) >> 24;
    if (length === 0) break;
    const name = cursor.latin1(length).toUpperCase();
    const from = cursor.position;
    const [low, high] = order.little ? [0, 1] : [1, 0];
    const pointer = cursor.bytes(2);
    const next = pointer[low] + 256 * pointer[high];
    if (group < 0) groups.set(-group, name);
    else {
      const type = (cursor.uint8() << 24) >> 24;
      const rank = cursor.uint8();
      if (rank > 7) throw cursor.error('a parameter of 7 dimensions at most', String(rank));
      const dimensions = [...cursor.bytes(rank)];
      const count = dimensions.reduce((product, one) => product * one, 1);
      found.push([group, name, { type, dimensions, body: cursor.bytes(count * Math.abs(type)) }]);
    }
    if (next === 0) break;
    const skip = from + next - cursor.position;
    if (skip < 0) throw cursor.error('parameters one after the other', `a step of ${next} bytes`);
    cursor.bytes(skip);
  }
  const named = found.map(([group, name, one]) => [`${groups.get(group) ?? group}:${name}`, one] as const);
  return { order, parameters: new Map(named) };
}

function numbersOf(parameter: Parameter | undefined, order: ByteOrder): number[] {
  if (parameter === undefined || (parameter.type !== 2 && parameter.type !== 4)) return [];
  const { body, type } = parameter;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return Array.from({ length: body.length / type }, (_, i) =>
    type === 2 ? view.getUint16(2 * i, order.little) : float(view, 4 * i, order),
  );
}

/** Rows of letters, without the blanks that fill them. */
function textsOf(parameter: Parameter | undefined): string[] {
  if (parameter === undefined || parameter.type !== -1) return [];
  const [width = 1] = parameter.dimensions;
  if (width === 0) return [];
  const cursor = new ByteCursor(parameter.body, 'C3D');
  return Array.from({ length: parameter.body.length / width }, () => cursor.latin1(width).trim());
}

function float(view: DataView, at: number, { little, vax }: ByteOrder): number {
  if (!vax) return view.getFloat32(at, little);
  const swapped = new DataView(new ArrayBuffer(4));
  swapped.setUint16(0, view.getUint16(at, true));
  swapped.setUint16(2, view.getUint16(at + 2, true));
  return swapped.getFloat32(0) / 4;
}
