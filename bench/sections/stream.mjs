import { percentile } from '../measure/rounds.mjs';

/** A live video on one core: milliseconds from handing a frame over until the newest frame's pose is there (no look-ahead). */
export async function measureStream(bench, { networks, rounds, framesARound }) {
  for (const { frames, layers } of networks) {
    for (const precision of bench.precisions) {
      const what = `stream N=${frames} S ${precision}`;
      if (bench.wants(what)) {
        bench.progress(what);
        await measureNetwork(bench, what, { frames, layers, precision, rounds, framesARound });
      }
    }
  }
}

async function measureNetwork(bench, what, { frames, layers, precision, rounds, framesARound }) {
  const { files } = await bench.model(frames, layers);
  const request = { task: 'stream', files, frames, layers, precision, threads: 1, itemsAStep: 1 };
  const wanted = bench.sidesFor(precision, ['compiled']).map((side) => ({ side, requests: [request] }));
  await bench.withCells(what, wanted, async ([cell]) => {
    const milliseconds = [];
    // The first turn fills the window and the caches.
    for (let round = -1; cell && round < rounds && !bench.stopping; round++) {
      const answer = await cell.runner.ask({ steps: framesARound });
      milliseconds.push(...(round < 0 ? [] : answer.milliseconds));
    }
    if (milliseconds.length > 0) {
      const fields = {
        section: 'stream',
        unit: 'ms',
        frames,
        layers,
        precision,
        threads: 1,
        lookahead: 0,
        flip: false,
      };
      const { name, device } = cell.about;
      const [p50, p99] = [0.5, 0.99].map((share) => percentile(milliseconds, share));
      bench.rows.push({ ...fields, side: 'compiled', name, device, pushed: milliseconds.length, p50, p99 });
    }
  });
}
