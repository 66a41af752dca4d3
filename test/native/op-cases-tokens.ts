import type { OpCase } from './op-case.js';
import { all, doubles, FORWARD, floats, input } from './op-case.js';
import { plus } from './reference.js';

/** Sums of rows of dY (B, outTokens, channels) that go to each of `length` rows of a table, on top of `before`. */
function scattered(
  dY: Float32Array,
  before: Float32Array,
  rowOf: (token: number) => number,
  outTokens: number,
): Float64Array {
  const sums = doubles(before);
  const channels = before.length / Math.round(before.length / channelsOf(dY, outTokens));
  dY.forEach((value, i) => {
    const token = Math.floor(i / channels) % outTokens;
    sums[rowOf(token) * channels + (i % channels)] += value;
  });
  return sums;
}

const BATCH = 3;
const channelsOf = (values: Float32Array, tokens: number) => values.length / (BATCH * tokens);

interface PositionShape {
  tokens: number;
  channels: number;
  rows?: number[];
  tableRows?: number[];
  tableLength: number;
}

const POSITIONS: (PositionShape & { about: string })[] = [
  { about: 'positions', tokens: 9, channels: 35, tableLength: 12 },
  {
    about: 'visible frames and their positions',
    tokens: 9,
    channels: 35,
    rows: [1, 4, 8],
    tableRows: [1, 4, 8],
    tableLength: 9,
  },
  { about: 'gather', tokens: 27, channels: 64, rows: [13], tableLength: 0 },
];

function positionCases({
  about,
  tokens,
  channels,
  rows,
  tableRows,
  tableLength,
}: PositionShape & { about: string }): OpCase[] {
  const outTokens = rows?.length ?? tokens;
  const x = input('x', BATCH, tokens, channels);
  const table = input('table', tableLength, channels);
  const dY = input('dY', BATCH, outTokens, channels);
  const dTable = input('dTable', tableLength, channels);
  const rowOf = (token: number) => rows?.[token] ?? token;
  const tableRowOf = (token: number) => tableRows?.[token] ?? token;
  const attributes = { batch: BATCH, tokens, outTokens, channels, tableLength };
  const lists = {
    ...(rows && { rows: Int32Array.from(rows) }),
    ...(tableRows && { tableRows: Int32Array.from(tableRows) }),
  };
  return [
    {
      op: 'positionsForward',
      about,
      attributes,
      arrays: () => ({ x, ...lists, ...(tableLength && { table }), y: new Float32Array(BATCH * outTokens * channels) }),
      expected: () => {
        const y = new Float64Array(BATCH * outTokens * channels);
        y.forEach((_, i) => {
          const [token, window, c] = [
            Math.floor(i / channels) % outTokens,
            Math.floor(i / (channels * outTokens)),
            i % channels,
          ];
          const position = tableLength ? table[tableRowOf(token) * channels + c] : 0;
          y[i] = x[(window * tokens + rowOf(token)) * channels + c] + position;
        });
        return all({ y });
      },
      tolerance: FORWARD,
    },
    {
      op: 'positionsBackward',
      about,
      attributes,
      arrays: () => ({
        dY,
        ...lists,
        dX: new Float32Array(BATCH * tokens * channels).fill(9),
        ...(tableLength && { dTable: floats(dTable) }),
      }),
      expected: () => {
        const dX = new Float64Array(BATCH * tokens * channels);
        dY.forEach((value, i) => {
          const [token, window, c] = [
            Math.floor(i / channels) % outTokens,
            Math.floor(i / (channels * outTokens)),
            i % channels,
          ];
          dX[(window * tokens + rowOf(token)) * channels + c] += value;
        });
        if (!tableLength) return all({ dX });
        return all({ dX, dTable: scattered(dY, dTable, tableRowOf, outTokens) });
      },
      tolerance: FORWARD,
    },
  ];
}

function decoderInputCases(tokens: number, visible: number, channels: number): OpCase[] {
  const order = Int32Array.from({ length: tokens }, (_, i) => (i * 5 + 2) % tokens);
  const x = input('x', BATCH, visible, channels);
  const token = input('token', channels);
  const table = input('table', tokens, channels);
  const dY = input('dY', BATCH, tokens, channels);
  const dToken = input('dToken', channels);
  const dTable = input('dTable', tokens, channels);
  const attributes = { batch: BATCH, tokens, visible, channels };
  const about = `${visible} of ${tokens} tokens visible`;
  return [
    {
      op: 'decoderInputForward',
      about,
      attributes,
      arrays: () => ({ x, token, table, order, y: new Float32Array(dY.length) }),
      expected: () => {
        const y = Float64Array.from({ length: dY.length }, (_, i) => {
          const [at, window, c] = [
            Math.floor(i / channels) % tokens,
            Math.floor(i / (channels * tokens)),
            i % channels,
          ];
          const own = at < visible ? x[(window * visible + at) * channels + c] : token[c];
          return own + table[order[at] * channels + c];
        });
        return all({ y });
      },
      tolerance: FORWARD,
    },
    {
      op: 'decoderInputBackward',
      about,
      attributes,
      arrays: () => ({
        dY,
        order,
        dX: new Float32Array(BATCH * visible * channels).fill(9),
        dToken: floats(dToken),
        dTable: floats(dTable),
      }),
      expected: () => {
        const dX = new Float64Array(BATCH * visible * channels);
        const sums = doubles(dToken);
        dY.forEach((value, i) => {
          const [at, window, c] = [
            Math.floor(i / channels) % tokens,
            Math.floor(i / (channels * tokens)),
            i % channels,
          ];
          if (at < visible) dX[(window * visible + at) * channels + c] = value;
          else sums[c] += value;
        });
        return all({ dX, dToken: sums, dTable: scattered(dY, dTable, (at) => order[at], tokens) });
      },
      tolerance: FORWARD,
    },
  ];
}

function jointMaskCases(frames: number, joints: number): OpCase[] {
  const x = input('x', BATCH, frames, joints, 2);
  const mask = Uint8Array.from({ length: frames * joints }, (_, i) => Number((i * 7) % 5 < 2));
  const token = input('token', 2);
  const dToken = input('dToken', 2);
  const hidden = (i: number) => mask[Math.floor(i / 2) % mask.length] === 1;
  const attributes = { batch: BATCH, frames, joints };
  return [
    {
      op: 'jointMaskForward',
      about: `${frames} frames`,
      attributes,
      arrays: () => ({ x, mask, token, y: new Float32Array(x.length) }),
      expected: () => all({ y: x.map((value, i) => (hidden(i) ? token[i % 2] : value)) }),
      tolerance: FORWARD,
    },
    {
      op: 'jointMaskBackward',
      about: `${frames} frames`,
      attributes,
      arrays: () => ({ dY: x, mask, dToken: floats(dToken) }),
      expected: () => {
        const sums = doubles(dToken);
        x.forEach((value, i) => {
          if (hidden(i)) sums[i % 2] += value;
        });
        return all({ dToken: sums });
      },
      tolerance: FORWARD,
    },
  ];
}

function addCase(count: number): OpCase {
  const x = input('x', count);
  const y = input('y', count);
  return {
    op: 'addForward',
    about: `${count}`,
    attributes: { count },
    arrays: () => ({ x, y: floats(y) }),
    expected: () => all({ y: plus(doubles(x), doubles(y)) }),
    tolerance: FORWARD,
  };
}

function concatCases(rows: number, left: number, right: number): OpCase[] {
  const a = input('a', rows, left);
  const b = input('b', rows, right);
  const dY = input('dY', rows, left + right);
  const side = (begin: number, width: number, before: Float32Array) =>
    before.map((value, i) => value + dY[Math.floor(i / width) * (left + right) + begin + (i % width)]);
  const joined = Float32Array.from({ length: dY.length }, (_, i) => {
    const [row, column] = [Math.floor(i / (left + right)), i % (left + right)];
    return column < left ? a[row * left + column] : b[row * right + column - left];
  });
  const shape = { rows, left, right };
  return [
    {
      op: 'concatForward',
      about: `${rows} x ${left} + ${right}`,
      attributes: shape,
      arrays: () => ({ a, b, y: new Float32Array(dY.length) }),
      expected: () => all({ y: joined }),
      tolerance: FORWARD,
    },
    {
      op: 'concatBackward',
      about: `${rows} x ${left} + ${right}`,
      attributes: shape,
      arrays: () => ({ dY, dA: floats(a), dB: floats(b) }),
      expected: () => all({ dA: side(0, left, a), dB: side(left, right, b) }),
      tolerance: FORWARD,
    },
  ];
}

export const tokenCases: OpCase[] = [
  ...POSITIONS.flatMap(positionCases),
  ...decoderInputCases(9, 4, 35),
  ...decoderInputCases(27, 6, 32),
  ...jointMaskCases(9, 17),
  addCase(1001),
  ...concatCases(9, 51, 20),
];
