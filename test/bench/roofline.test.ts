import { expect, it } from 'vitest';
import { expectedTime, extrapolate, gather, H100, H200 } from '../../bench/studies/roofline/expected-time.mjs';
import { kernelTime, lifterKernels } from '../../bench/studies/roofline/lifter-kernels.mjs';
import { parseModelConfig } from '../../lib/networks/config.js';
import { stepRecords } from '../../lib/profiling/profile.js';

it('a step at any batch follows from those of 2 and 3 windows', async () => {
  const config = parseModelConfig({ frames: 9, width: 64, hidden: 128 });
  const at = (batch: number) => stepRecords({ config, device: 'cpu', batch, training: true });
  const [two, three, seven] = [await at(2), await at(3), await at(7)];
  const plain = (rows: { op: string; shape: string; flops: number; bytes: number; narrowBytes: number }[]) =>
    rows
      // A copy of samples or masks is no op.
      .filter(({ op }) => !op.startsWith('copy'))
      .map(({ op, shape, flops, bytes, narrowBytes }) => ({ op, shape, flops, bytes, narrowBytes }));
  expect(plain(extrapolate(two, three, 7))).toEqual(plain(seven));
  // Two bytes of what lies between the operations of a branch; the residual stream, the sums and the parameters keep four.
  const norm = seven.find(({ op, shape }) => op === 'layerNormForward' && shape === '63 x 64')!;
  expect(norm.bytes - norm.narrowBytes).toBe(2 * 63 * 64);
});

it('the longest of arithmetic, memory and exponentials is expected', () => {
  const times = (op: string, flops: number, bytes: number) => expectedTime({ op, flops, bytes }, 'bf16', 32);
  const { bf16 } = H200.matmul;
  expect(times('linearForward', bf16, 0)).toMatchObject({ arithmetic: 1, memory: 0, exponentials: 0, expected: 1 });
  expect(times('layerNormForward', 0, 2 * H200.copies)).toMatchObject({ memory: 2, expected: 2 });
  expect(expectedTime({ op: '', flops: 0, bytes: H100.copies }, 'bf16', 32, H100).expected).toBe(1);
  // Two products of 2 x 32 FLOPs for each exponential.
  expect(times('attentionForward', 128 * H200.exponentials, 0).exponentials).toBeCloseTo(1);
  const row = { op: 'a', shape: '1', flops: 2, bytes: 3, narrowBytes: 2 };
  expect(gather([row, row])).toEqual([{ ...row, count: 2, flops: 4, bytes: 6, narrowBytes: 4 }]);
});

it("the compiled lifter's kernels do the work of a window, and of a video no frame's twice", () => {
  const flops = (rows: { flops: number }[]) => rows.reduce((sum, row) => sum + row.flops, 0);
  // 1721.5 MFLOP a window without the heads of every frame; of the spatial encoder 327 of them.
  const windows = flops(lifterKernels({ frames: 243 }, 10, 2430)) / 10;
  expect(Math.abs(windows / 1721.5e6 - 1)).toBeLessThan(0.01);
  const video = flops(lifterKernels({ frames: 243 }, 1000, 1242)) / 1000;
  // The first layer's Q, K and V once a frame, too; of 1,242 frames for 1,000 windows.
  expect(Math.abs(video / 1300.8e6 - 1)).toBeLessThan(0.01);
  const row = {
    op: '',
    shape: '',
    flops: 0,
    bytes: 0,
    l2: 3 * H200.l2,
    exponentials: H200.exponentials,
    exact: false,
  };
  expect(kernelTime(row, H200)).toEqual({ arithmetic: 0, memory: 0, l2: 3, exponentials: 1, expected: 3 });
});
