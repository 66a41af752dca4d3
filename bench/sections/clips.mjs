import { rowOf } from '../measure/bench.mjs';
import { videoFlops } from '../measure/work.mjs';

/** Many short clips through `liftMany` beside the same frames as one video, in turns; both in pixels through the package's own door. */
export async function measureClips(bench, { frames, layers, clips, clipFrames, rounds, pieceSeconds }) {
  for (const precision of bench.precisions) {
    const what = `clips N=${frames} S ${precision}`;
    if (!bench.wants(what)) {
      continue;
    }
    bench.progress(what);
    const { files, config } = await bench.model(frames, layers);
    const piece = { seconds: pieceSeconds, most: Math.floor((clips * clipFrames) / rounds) };
    const request = { task: 'clips', files, frames, layers, precision, clipFrames, piece };
    const requests = [false, true].map((joined) => ({ ...request, joined }));
    const wanted = bench.sidesFor(precision, ['compiled']).map((side) => ({ side, requests }));
    await bench.withCells(what, wanted, async (cells) => {
      for (const cell of cells) {
        cell.steps = 1;
      }
      await bench.interleave(cells, { rounds });
      const fields = { section: 'clips', unit: 'frames/s', frames, layers, precision, clipFrames, flip: false };
      for (const cell of cells.filter(({ rates }) => rates?.length > 0)) {
        const lifted = cell.itemsAStep * cell.rates.length;
        bench.rows.push(rowOf(cell, { ...fields, lifted, joined: cell.request.joined, flops: videoFlops(config) }));
      }
    });
  }
}
