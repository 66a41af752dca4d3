interface Row {
  op: string;
  shape: string;
  flops: number;
  bytes: number;
  narrowBytes: number;
}
interface Device {
  about: string;
  products: Record<string, number>;
  copies: number;
  l2: number;
  exponentials: number;
}
export const H200: Device;
export const H100: Device;
export function extrapolate(two: readonly Row[], three: readonly Row[], batch: number): Row[];
export function gather(records: readonly Row[]): (Row & { count: number })[];
export function expectedTime(
  row: Pick<Row, 'op' | 'flops' | 'bytes'>,
  precision: 'fp32' | 'tf32' | 'bf16',
  headWidth: number,
  device?: Device,
): { arithmetic: number; memory: number; exponentials: number; expected: number };
