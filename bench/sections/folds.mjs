import { rowOf } from '../measure/bench.mjs';
import { videoFlops } from '../measure/work.mjs';

/** The folds (`Fold` in binding.d.ts) that a CPU has. */
const FOLDS = ['firstLayer'];

/** A video through the compiled lifter, whole and with one fold left out at a time, all in turns of one process. */
export async function measureFolds(bench, { frames, layers, videoFrames, rounds, pieceSeconds }) {
  for (const precision of bench.precisions) {
    const what = `folds N=${frames} S ${precision}`;
    if (!bench.wants(what)) {
      continue;
    }
    bench.progress(what);
    const { files, config } = await bench.model(frames, layers);
    const piece = { seconds: pieceSeconds, most: Math.floor(videoFrames / rounds) };
    const request = { task: 'video', files, frames, layers, precision, videoFrames, flip: false, piece };
    const requests = [[], ...FOLDS.map((fold) => [fold])].map((withoutFolds) => ({ ...request, withoutFolds }));
    const wanted = bench.sidesFor(precision, ['compiled']).map((side) => ({ side, requests }));
    await bench.withCells(what, wanted, async (cells) => {
      for (const cell of cells) {
        cell.steps = 1;
      }
      await bench.interleave(cells, { rounds });
      const fields = { section: 'folds', unit: 'frames/s', frames, layers, precision, flip: false };
      for (const cell of cells.filter(({ rates }) => rates?.length > 0)) {
        const without = cell.request.withoutFolds[0] ?? 'nothing';
        bench.rows.push(rowOf(cell, { ...fields, without, flops: videoFlops(config) }));
      }
    });
  }
}
