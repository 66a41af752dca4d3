interface Row {
  op: string;
  shape: string;
  flops: number;
  bytes: number;
  narrowBytes: number;
}
export const DEVICE: { products: Record<string, number>; copies: number; l2: number; exponentials: number };
export function extrapolate(two: readonly Row[], three: readonly Row[], batch: number): Row[];
export function gather(records: readonly Row[]): (Row & { count: number })[];
export function expectedTime(
  row: Pick<Row, 'op' | 'flops' | 'bytes'>,
  precision: 'fp32' | 'tf32' | 'bf16',
  headWidth: number,
): { arithmetic: number; memory: number; exponentials: number; expected: number };
