import { rowOf } from '../measure/bench.mjs';
import { median } from '../measure/rounds.mjs';
import { videoFlops } from '../measure/work.mjs';
import { OWN } from '../sides/sides.mjs';

const USUAL_BATCH = 16;

/**
 * A whole video at stride 1: ours lifts it frame by frame and shares work between windows, the baseline lifts one window a frame, two
 * with the mirrored pass. Ours takes a turn in a piece of the video of about `pieceSeconds`, at most a round's share of it, the other
 * in batches of the size that was its best.
 */
export async function measureVideo(bench, { networks, videoFrames, rounds, pieceSeconds }) {
  for (const { frames, layers } of networks) {
    for (const precision of bench.precisions) {
      const what = `video N=${frames} S ${precision}`;
      if (bench.wants(what)) {
        bench.progress(what);
        await measurePrecision(bench, what, { frames, layers, precision, videoFrames, rounds, pieceSeconds });
      }
    }
  }
}

async function measurePrecision(bench, what, { frames, layers, precision, videoFrames, rounds, pieceSeconds }) {
  const { files, config, pose } = await bench.model(frames, layers);
  const common = { files, frames, layers, precision };
  const piece = { seconds: pieceSeconds, most: Math.floor(videoFrames / rounds) };
  const among = bench.sidesFor(precision);
  const baseline = ['openvino', 'onnxruntime'].find((name) => among.some(({ side }) => side === name));
  const wanted = bench.sidesFor(precision, [...OWN, baseline]).map((side) => {
    if (OWN.includes(side.side)) {
      return { side, requests: [false, true].map((flip) => ({ ...common, task: 'video', videoFrames, flip, piece })) };
    }
    const batch = bestBatch(bench.rows, { ...common, side: side.side });
    return { side, requests: [{ ...common, task: 'windows', batch, itemsAStep: batch, expected: pose }] };
  });
  await bench.withCells(what, wanted, async (cells) => {
    for (const cell of cells.filter(({ side }) => OWN.includes(side))) {
      cell.steps = 1;
    }
    await bench.interleave(cells, { rounds });
    const fields = { section: 'video', unit: 'frames/s', frames, layers, precision, videoFrames };
    for (const cell of cells.filter(({ rates }) => rates?.length > 0)) {
      bench.rows.push(...rowsOf(cell, fields, videoFlops(config)));
    }
  });
}

/** The batch at which a side lifted the network's windows fastest in this run. */
function bestBatch(rows, { side, frames, layers, precision }) {
  const own = rows
    .filter((row) => row.section === 'windows' && row.side === side && row.precision === precision)
    .filter((row) => row.frames === frames && row.layers === layers)
    .sort((a, b) => median(b.rates) - median(a.rates));
  return own[0]?.batch ?? USUAL_BATCH;
}

/** Ours measured each pass; the others need one window a frame, two with the mirrored pass. */
function rowsOf(cell, fields, flops) {
  if (OWN.includes(cell.side)) {
    const { flip } = cell.request;
    return [
      rowOf(cell, { ...fields, flip, flops: (flip ? 2 : 1) * flops, lifted: cell.itemsAStep * cell.rates.length }),
    ];
  }
  return [false, true].map((flip) => {
    const passes = flip ? 2 : 1;
    const row = rowOf(cell, { ...fields, flip, flops: passes * flops, batch: cell.request.batch });
    return { ...row, rates: row.rates.map((rate) => rate / passes) };
  });
}
