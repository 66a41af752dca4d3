import { ByteCursor } from '../formats/bytes/byte-cursor.js';
import { formatError, printable, unsupportedError } from '../formats/format-error.js';
import type { MarkerMotion } from './marker-motion.js';

const BLOCK = 512;
const INTEL = 84;
const metresIn: Readonly<Record<string, number>> = { m: 1, cm: 0.01, mm: 0.001 };

interface Parameter {
  /** -1: letters, else bytes a number. */
  type: number;
  dimensions: readonly number[];
  body: Uint8Array;
}

/**
 * Reads the points of a C3D file, little-endian floats or 16-bit numbers, with y up: a file that says its screen's upward axis is +Z is
 * turned. Analogue channels are skipped; a point whose residual is negative has no place (NaN). Throws `ERR_FORMAT` with the offset,
 * `ERR_UNSUPPORTED` for the byte orders of DEC and MIPS.
 */
export function parseC3d(bytes: Uint8Array, where: string): MarkerMotion {
  const cursor = new ByteCursor(bytes, where);
  const parameterBlock = cursor.uint8();
  if (cursor.uint8() !== 0x50) throw formatError(where, 1, 'the mark 0x50 of a C3D file', 'another byte');
  const parameters = parametersOf(bytes, where, (parameterBlock - 1) * BLOCK);
  const header = new ByteCursor(bytes.subarray(2, BLOCK), where, 2);
  const points = header.uint16();
  const analogue = header.uint16();
  const [first, last] = [header.uint16(), header.uint16()];
  header.bytes(2);
  const [headerScale, dataBlock] = [float(header), header.uint16()];
  header.bytes(2);
  const headerRate = float(header);

  const number = (name: string) => numbersOf(parameters.get(`POINT:${name}`))[0];
  const scale = number('SCALE') ?? headerScale;
  const fps = number('RATE') ?? headerRate;
  const unit = textsOf(parameters.get('POINT:UNITS'))[0] || 'mm';
  const metres = metresIn[unit];
  const frames = number('FRAMES') ?? last - first + 1;
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
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const value = (at: number) => (real ? view.getFloat32(at, true) : view.getInt16(at, true) * scale);
  const upZ = textsOf(parameters.get('POINT:Y_SCREEN'))[0] === '+Z';
  const axes = upZ ? [1, 2, 0] : [0, 1, 2];
  const positions = new Float32Array(frames * points * 3);
  for (let frame = 0; frame < frames; frame++) {
    for (let point = 0; point < points; point++) {
      const at = start + frame * row + 4 * size * point;
      const there = (real ? view.getFloat32(at + 12, true) : view.getInt16(at + 6, true)) >= 0;
      for (let axis = 0; axis < 3; axis++) {
        positions[(frame * points + point) * 3 + axis] = there ? metres * value(at + size * axes[axis]) : Number.NaN;
      }
    }
  }
  const labels = textsOf(parameters.get('POINT:LABELS'));
  const markers = Array.from({ length: points }, (_, point) => labels[point] || `point ${point + 1}`);
  return { positions, frames, markers, fps };
}

/** The parameters by `GROUP:NAME`. */
function parametersOf(bytes: Uint8Array, where: string, start: number): Map<string, Parameter> {
  if (start < BLOCK || start + BLOCK > bytes.length) {
    throw formatError(where, 0, 'a block of parameters', `${bytes.length} bytes and block ${start / BLOCK + 1}`);
  }
  const cursor = new ByteCursor(bytes.subarray(start), where, start);
  cursor.bytes(3);
  const processor = cursor.uint8();
  if (processor !== INTEL) {
    throw unsupportedError(
      where,
      `a C3D file in the byte order of processor ${processor}; little-endian (${INTEL}) is read`,
    );
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
    const next = cursor.uint16();
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
  return new Map(found.map(([group, name, parameter]) => [`${groups.get(group) ?? group}:${name}`, parameter]));
}

function numbersOf(parameter: Parameter | undefined): number[] {
  if (parameter === undefined || (parameter.type !== 2 && parameter.type !== 4)) return [];
  const { body, type } = parameter;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return Array.from({ length: body.length / type }, (_, i) =>
    type === 2 ? view.getUint16(2 * i, true) : view.getFloat32(4 * i, true),
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

function float(cursor: ByteCursor): number {
  const bytes = cursor.bytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
}
