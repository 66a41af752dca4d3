import { parseModelConfig } from '../../dist/networks/config.js';
import { rowOf } from '../measure/bench.mjs';
import { trainingFlops } from '../measure/work.mjs';

/** Stage II steps: forward, loss, backward and Adam with amsgrad. */
export async function measureTraining(bench, { frames, batch, rounds, seconds }) {
  for (const precision of bench.precisions) {
    const what = `training N=${frames} S ${precision}`;
    if (!bench.wants(what)) {
      continue;
    }
    bench.progress(what);
    const request = { task: 'training', frames, precision, batch, itemsAStep: batch };
    const wanted = bench.sidesFor(precision, ['op-by-op', 'pytorch']).map((side) => ({ side, requests: [request] }));
    await bench.withCells(what, wanted, async (cells) => {
      await bench.interleave(cells, { rounds, seconds });
      const flops = trainingFlops(parseModelConfig({ frames }));
      const fields = { section: 'training', unit: 'samples/s', frames, layers: 3, precision, batch, flops };
      bench.rows.push(...cells.filter(({ rates }) => rates?.length > 0).map((cell) => rowOf(cell, fields)));
    });
  }
}
