import { writeFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';

/** A real matrix (rows, columns), row-major here, or a column of cells. */
export type MatInput = { data: ArrayLike<number>; rows: number; columns: number } | { cells: MatInput[] };

const INT8 = 1;
const INT32 = 5;
const UINT32 = 6;
const DOUBLE = 9;
const MATRIX = 14;
const COMPRESSED = 15;
const CELL_CLASS = 1;
const DOUBLE_CLASS = 6;

/** Writes a MATLAB 5 file, its variables compressed as MATLAB does by default. */
export function writeMat5(path: string, variables: Record<string, MatInput>): void {
  const header = Buffer.alloc(128, 0x20);
  header.write('MATLAB 5.0 MAT-file, written by a test', 0, 'latin1');
  header.fill(0, 116, 124);
  header.writeUInt16LE(0x0100, 124);
  header.write('IM', 126, 'latin1');
  const packed = Object.entries(variables).map(([name, value]) => {
    const bytes = deflateSync(matrix(name, value));
    const tag = Buffer.alloc(8);
    tag.writeUInt32LE(COMPRESSED, 0);
    tag.writeUInt32LE(bytes.length, 4);
    return Buffer.concat([tag, bytes]);
  });
  writeFileSync(path, Buffer.concat([header, ...packed]));
}

function matrix(name: string, value: MatInput): Buffer {
  const isCell = 'cells' in value;
  const flags = Buffer.alloc(8);
  flags.writeUInt32LE(isCell ? CELL_CLASS : DOUBLE_CLASS, 0);
  const shape = Buffer.alloc(8);
  shape.writeInt32LE(isCell ? value.cells.length : value.rows, 0);
  shape.writeInt32LE(isCell ? 1 : value.columns, 4);
  const content = isCell ? value.cells.map((cell) => matrix('', cell)) : [element(DOUBLE, columnMajor(value))];
  const body = [element(UINT32, flags), element(INT32, shape), element(INT8, Buffer.from(name, 'latin1')), ...content];
  return element(MATRIX, Buffer.concat(body));
}

function columnMajor({ data, rows, columns }: Exclude<MatInput, { cells: MatInput[] }>): Buffer {
  const out = Buffer.alloc(rows * columns * 8);
  for (let column = 0, at = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++, at += 8) out.writeDoubleLE(data[row * columns + column], at);
  }
  return out;
}

/** A tagged element, padded to a multiple of 8 bytes. */
function element(type: number, data: Uint8Array): Buffer {
  const out = Buffer.alloc(8 + Math.ceil(data.length / 8) * 8);
  out.writeUInt32LE(type, 0);
  out.writeUInt32LE(data.length, 4);
  out.set(data, 8);
  return out;
}
