import { rowOf } from '../measure/bench.mjs';
import { warmUp } from '../measure/rounds.mjs';
import { windowFlops } from '../measure/work.mjs';

/** A step that takes longer is left out: it would tell no more than the smaller batches, and take minutes. */
const LONGEST_STEP_SECONDS = 3;
/** Turns of one window at a time are so many times as long: what else a machine does weighs most on those. */
const ONE_WINDOW = 3;

const label = (frames, layers, precision) => `windows N=${frames}${layers === 4 ? ' full' : ' S'} ${precision}`;

/**
 * Windows that lie ready, middle frame's pose out, at each batch size: every side's process holds all sizes, the smaller ones warmed up
 * first, so that the peak of memory is that of the size.
 */
export async function measureWindows(bench, networks) {
  for (const { frames, layers, batches, rounds } of networks) {
    for (const precision of bench.precisions) {
      const what = label(frames, layers, precision);
      if (bench.wants(what)) {
        await measureNetwork(bench, what, { frames, layers, precision, batches, rounds });
      }
    }
  }
}

async function measureNetwork(bench, what, { frames, layers, precision, batches, rounds }) {
  bench.progress(what);
  const { files, config, pose } = await bench.model(frames, layers);
  const request = { task: 'windows', files, frames, layers, precision, expected: pose };
  const wanted = bench.sidesFor(precision).map((side) => ({
    side,
    requests: batches.map((batch) => ({ ...request, batch, itemsAStep: batch })),
  }));
  await bench.withCells(what, wanted, async (opened) => {
    const cells = await warmCells(bench, opened);
    await bench.interleave(cells, { rounds });
    const fields = { section: 'windows', unit: 'windows/s', frames, layers, precision, flops: windowFlops(config) };
    for (const cell of cells.filter(({ rates }) => rates?.length > 0)) {
      bench.rows.push(rowOf(cell, { ...fields, batch: cell.request.batch }));
    }
  });
}

/** Cells of one runner come smallest batch first: what one takes tells whether the next is too long. */
async function warmCells(bench, opened) {
  const kept = [];
  for (const cell of opened) {
    const last = kept.at(-1)?.runner === cell.runner ? kept.at(-1) : undefined;
    const expected = last ? (last.stepSeconds / last.itemsAStep) * cell.itemsAStep : 0;
    if (!bench.stopping && expected < LONGEST_STEP_SECONDS) {
      await warmUp(cell, bench.flags.seconds * (cell.request.batch === 1 ? ONE_WINDOW : 1));
      kept.push(cell);
    }
  }
  return kept;
}
