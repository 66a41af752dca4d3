import { createNativeModel, opCost, runOp } from '../../dist/binding.js';
import { parseModelConfig } from '../../dist/networks/config.js';
import { nativeConfig } from '../../dist/networks/native-config.js';
import { matmulCases } from '../measure/model-matmuls.mjs';
import { windowFlops } from '../measure/work.mjs';
import { randomKeypoints } from '../sides/model-files.mjs';

/** 10 windows of 27 frames: one run takes a millisecond or two, which mostly passes without another process in between. */
const ROWS = 270;
const RUNS = 3;
/** The windows that one core takes through the compiled lifter at once. */
const WINDOWS = [
  [27, 9],
  [81, 3],
  [243, 1],
];

/**
 * What the gate measures on one thread: matrix products by themselves, and windows through the compiled lifter. `open(precision)` gives `turn`, which
 * runs it and answers seconds a run, and `close`.
 */
export const gateCases = [
  ...matmulCases(ROWS).map(({ shape, part, op, attributes, tensors }) => ({
    name: `${shape}, ${part}`,
    flops: opCost(op, tensors, attributes).flops,
    open: async (precision) => ({
      turn: async () => runOp({ device: 'cpu', precision, threads: 1, isa: 'auto' }, op, tensors, attributes, RUNS),
      close: async () => {},
    }),
  })),
  ...WINDOWS.map(([frames, batch]) => compiledCase(parseModelConfig({ frames }), batch)),
];

function compiledCase(config, batch) {
  return {
    name: `compiled, N = ${config.frames}: ${batch} windows`,
    flops: batch * windowFlops(config),
    open: async (precision) => {
      const model = createNativeModel(nativeConfig(config), { device: 'cpu', precision, threads: 1 });
      await model.initialize(0);
      const keypoints = randomKeypoints(batch * config.frames);
      await model.liftWindows({ keypoints, batch });
      const turn = async () => {
        const start = performance.now();
        await model.liftWindows({ keypoints, batch });
        return (performance.now() - start) / 1000;
      };
      return { turn, close: () => model.close() };
    },
  };
}
