interface PlanRow {
  op: string;
  shape: string;
  flops: number;
  bytes: number;
  l2: number;
  exponentials: number;
  exact: boolean;
}
export function planKernels(model: { frames: number; layers?: number }, windows: number, frames: number): PlanRow[];
export function planTime(
  row: PlanRow,
  device: { products: Record<string, number>; copies: number; l2: number; exponentials: number },
): { arithmetic: number; memory: number; l2: number; exponentials: number; expected: number };
