// Just enough of the ONNX format to write a graph: messages, fields and constants as numbered in onnx.proto.

const FLOAT = 1;
const INT64 = 7;
const ATTRIBUTE = { float: 1, int: 2, ints: 7 };
const IR_VERSION = 8;
const OPSET = 17;

function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

const number = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const bytes = (field, value) => Buffer.concat([varint((field << 3) | 2), varint(value.length), value]);
const text = (field, value) => bytes(field, Buffer.from(value));
const message = (field, ...parts) => bytes(field, Buffer.concat(parts));

function float(field, value) {
  const encoded = Buffer.alloc(4);
  encoded.writeFloatLE(value);
  return Buffer.concat([varint((field << 3) | 5), encoded]);
}

function attribute([name, value]) {
  if (Array.isArray(value)) {
    return message(5, text(1, name), ...value.map((one) => number(8, one)), number(20, ATTRIBUTE.ints));
  }
  return Number.isInteger(value)
    ? message(5, text(1, name), number(3, value), number(20, ATTRIBUTE.int))
    : message(5, text(1, name), float(2, value), number(20, ATTRIBUTE.float));
}

/** `dims`: numbers, or names of dimensions that are left open. */
function valueInfo(field, name, dims) {
  const shape = dims.map((dim) => message(1, typeof dim === 'string' ? text(2, dim) : number(1, dim)));
  return message(field, text(1, name), message(2, message(1, number(1, FLOAT), message(2, ...shape))));
}

/** A graph under construction: each method answers the name of what it adds. */
export class OnnxGraph {
  #nodes = [];
  #constants = [];
  #names = 0;

  /** A constant: a Float32Array, or a list of whole numbers. */
  constant(data, shape) {
    const name = `c${this.#names++}`;
    const values = data instanceof Float32Array ? data : BigInt64Array.from(data, BigInt);
    const type = data instanceof Float32Array ? FLOAT : INT64;
    const raw = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    const dims = (shape ?? [values.length]).map((dim) => number(1, dim));
    this.#constants.push(message(5, ...dims, number(2, type), text(8, name), bytes(9, raw)));
    return name;
  }

  /** A node with one output. */
  node(op, inputs, attributes = {}, output = `v${this.#names++}`) {
    const parts = [...inputs.map((input) => text(1, input)), text(2, output), text(3, output), text(4, op)];
    this.#nodes.push(message(1, ...parts, ...Object.entries(attributes).map(attribute)));
    return output;
  }

  /** The file. `input` and `output`: { name, dims }. */
  encode(input, output) {
    const graph = [...this.#nodes, text(2, 'graph'), ...this.#constants];
    graph.push(valueInfo(11, input.name, input.dims), valueInfo(12, output.name, output.dims));
    const opset = message(8, text(1, ''), number(2, OPSET));
    return Buffer.concat([number(1, IR_VERSION), text(2, 'pstmo'), opset, message(7, ...graph)]);
  }
}
