/** Writes ONNX files (a protocol buffer of a graph of operators), as far as small networks of the tests need it. */

type Shape = readonly (number | string)[];

export interface OnnxGraph {
  inputs: Readonly<Record<string, Shape>>;
  outputs: Readonly<Record<string, Shape>>;
  constants: Readonly<Record<string, { data: readonly number[]; shape: readonly number[] }>>;
  /** Operator, names of what goes in, name of what comes out, whole numbers and lists of them. */
  nodes: readonly {
    op: string;
    in: readonly string[];
    out: string;
    attributes?: Readonly<Record<string, number | readonly number[]>>;
  }[];
}

const operatorSet = 11;
const float32 = 1;
const integer = 2;
const integers = 7;

/** The bytes of an ONNX file. */
export function onnxFile({ inputs, outputs, constants, nodes }: OnnxGraph): Buffer {
  const graph = [
    ...nodes.map((node) => bytes(1, nodeOf(node))),
    text(2, 'made by the tests'),
    ...Object.entries(constants).map(([name, { data, shape }]) => bytes(5, constantOf(name, data, shape))),
    ...Object.entries(inputs).map(([name, shape]) => bytes(11, declared(name, shape))),
    ...Object.entries(outputs).map(([name, shape]) => bytes(12, declared(name, shape))),
  ];
  return Buffer.concat([number(1, 6), bytes(7, Buffer.concat(graph)), bytes(8, number(2, operatorSet))]);
}

function nodeOf({ op, in: from, out, attributes = {} }: OnnxGraph['nodes'][number]): Buffer {
  const list = Object.entries(attributes).map(([name, value]) => {
    const values = typeof value === 'number' ? [number(3, value)] : value.map((one) => number(8, one));
    const kind = number(20, typeof value === 'number' ? integer : integers);
    return bytes(5, Buffer.concat([text(1, name), ...values, kind]));
  });
  return Buffer.concat([...from.map((name) => text(1, name)), text(2, out), text(4, op), ...list]);
}

function constantOf(name: string, data: readonly number[], shape: readonly number[]): Buffer {
  const raw = Buffer.from(Float32Array.from(data).buffer);
  return Buffer.concat([...shape.map((size) => number(1, size)), number(2, float32), text(8, name), bytes(9, raw)]);
}

function declared(name: string, shape: Shape): Buffer {
  const sizes = shape.map((size) => bytes(1, typeof size === 'number' ? number(1, size) : text(2, size)));
  const type = Buffer.concat([number(1, float32), bytes(2, Buffer.concat(sizes))]);
  return Buffer.concat([text(1, name), bytes(2, bytes(1, type))]);
}

function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value));
}

function bytes(field: number, content: Buffer): Buffer {
  return Buffer.concat([varint(BigInt(field * 8 + 2)), varint(BigInt(content.length)), content]);
}

function number(field: number, value: number): Buffer {
  return Buffer.concat([varint(BigInt(field * 8)), varint(BigInt.asUintN(64, BigInt(value)))]);
}

function varint(value: bigint): Buffer {
  const digits: number[] = [];
  for (let rest = value; digits.length === 0 || rest > 0n; rest >>= 7n)
    digits.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
  return Buffer.from(digits);
}
