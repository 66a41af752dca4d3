/** @typedef {{ op: string, shape: string, flops: number, bytes: number, narrowBytes: number }} Row */
/** @typedef {{ about: string, matmul: Record<string, number>, copies: number, l2: number, exponentials: number }} Device */

/** What one H200 gave: bf16 products of 8192 x 8192 x 8192 on random data, and copies within its memory, both measured there. */
export const H200 = {
  about: 'An H200',
  /** FLOP/s. tf32 takes half the rate of bf16 in the hardware, fp32 is the data sheet's. */
  matmul: { bf16: 788e12, tf32: 394e12, fp32: 67e12 },
  /** Bytes/s, read and written together. */
  copies: 4.3e12,
  /** Bytes/s that all multiprocessors together read from L2: an expectation, which the rates probe is to measure. */
  l2: 5.5e12,
  /** 132 multiprocessors at 1980 MHz. */
  exponentials: 16 * 132 * 1.98e9,
};

/** The same processor with slower memory: both figures measured on one as above. */
export const H100 = {
  ...H200,
  about: 'An H100',
  matmul: { ...H200.matmul, bf16: 798e12, tf32: 399e12 },
  copies: 3.0e12,
};

/** FLOPs of an attention product per exponential: 2 x the head width, and how many products there are of one set of scores. */
const PRODUCTS_OF_SCORES = { attentionForward: 2, attentionBackward: 5, attentionMaps: 1 };

/**
 * The records of a step at another batch, from those at 2 and at 3 windows: flops, bytes and every number of a shape are linear in it.
 * @param {readonly Row[]} two
 * @param {readonly Row[]} three
 * @param {number} batch
 * @returns {Row[]}
 */
export function extrapolate(two, three, batch) {
  if (two.length !== three.length) {
    throw new Error(`A step has ${two.length} ops at batch 2 and ${three.length} at batch 3.`);
  }
  const along = (a, b) => a + (batch - 2) * (b - a);
  return two.map((record, i) => {
    const other = three[i].shape.split(/\D+/).map(Number);
    let at = -1;
    const shape = record.shape.replace(/\d+/g, (number) => {
      at += 1;
      return `${along(Number(number), other[at])}`;
    });
    const of = (field) => along(record[field], three[i][field]);
    return { ...record, shape, flops: of('flops'), bytes: of('bytes'), narrowBytes: of('narrowBytes') };
  });
}

/**
 * One row for each op and shape, in the order in which they first come.
 * @param {readonly Row[]} records
 * @returns {(Row & { count: number })[]}
 */
export function gather(records) {
  const rows = new Map();
  for (const { op, shape, flops, bytes, narrowBytes } of records) {
    const key = `${op} ${shape}`;
    const row = rows.get(key) ?? { op, shape, count: 0, flops: 0, bytes: 0, narrowBytes: 0 };
    const sums = { flops: row.flops + flops, bytes: row.bytes + bytes, narrowBytes: row.narrowBytes + narrowBytes };
    rows.set(key, { ...row, count: row.count + 1, ...sums });
  }
  return [...rows.values()];
}

/**
 * Seconds that each bound allows at the least, and the longest of them.
 * @param {Pick<Row, 'op' | 'flops' | 'bytes'>} row
 * @param {'fp32' | 'tf32' | 'bf16'} precision
 * @param {number} headWidth
 * @param {Device} device
 */
export function expectedTime({ op, flops, bytes }, precision, headWidth, device = H200) {
  const arithmetic = flops / device.matmul[precision];
  const memory = bytes / device.copies;
  const exps = op in PRODUCTS_OF_SCORES ? flops / PRODUCTS_OF_SCORES[op] / (2 * headWidth) : 0;
  const exponentials = exps / device.exponentials;
  return { arithmetic, memory, exponentials, expected: Math.max(arithmetic, memory, exponentials) };
}
