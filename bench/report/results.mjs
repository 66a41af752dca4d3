import { ratios, summary } from '../measure/rounds.mjs';

/** Whom a row of each section is compared with: the first of these sides that was measured beside it. */
const BASELINES = {
  windows: ['openvino', 'onnxruntime'],
  video: ['openvino', 'onnxruntime'],
  training: ['pytorch'],
  start: ['openvino', 'onnxruntime'],
};

/**
 * Measured rows with what is worked out of them: median, least and greatest; `limit`, what the run's peak of multiply-adds would
 * give if nothing but the needed operations took time, and the `share` of it; and `ratio` to `ratioTo`, round by round. Of the
 * batch sizes of one side, `best` marks the fastest; its `bestRatio` compares it with the fastest of the other side.
 */
export function assess(rows, peaks) {
  const summed = rows.map((row) => ({ ...row, ...summaryOf(row), ...limitOf(row, peaks[row.precision]) }));
  const marked = summed.map((row) => ({ ...row, ...(row.section === 'windows' && { best: isBest(row, summed) }) }));
  return marked.map((row) => ({ ...row, ...ratioOf(row, marked) }));
}

function summaryOf({ rates, milliseconds }) {
  const values = rates ?? milliseconds;
  return values ? summary(values) : {};
}

function limitOf({ rates, flops }, peak) {
  if (!rates || !flops || !peak) {
    return {};
  }
  const limit = (1e9 * peak) / flops;
  return { limit, share: summary(rates).median / limit };
}

/** What rows must have in common to be compared. */
const KEYS = ['section', 'frames', 'layers', 'precision', 'flip'];

function alike(a, b, keys = KEYS) {
  return keys.every((key) => a[key] === b[key]);
}

function isBest(row, rows) {
  const own = rows.filter((other) => alike(row, other) && other.side === row.side);
  return row.median === Math.max(...own.map(({ median }) => median));
}

function ratioOf(row, rows) {
  if (row.section === 'clips') {
    const video = rows.find((other) => alike(row, other) && other.side === row.side && other.joined);
    return row.joined || !video ? {} : { ratio: ratios(row.rates, video.rates), ratioTo: 'one video' };
  }
  if (row.section === 'folds') {
    const whole = rows.find((other) => alike(row, other) && other.without === 'nothing');
    return whole ? { ratio: ratios(row.rates, whole.rates), ratioTo: 'all folds' } : {};
  }
  const beside = rows.filter((other) => alike(row, other));
  const side = BASELINES[row.section]?.find((name) => beside.some((other) => other.side === name));
  const theirs = beside.filter((other) => other.side === side);
  if (side === undefined || side === row.side) {
    return {};
  }
  if (row.milliseconds) {
    return { ratio: ratios(theirs[0].milliseconds, row.milliseconds), ratioTo: side };
  }
  const same = theirs.find(({ batch }) => row.section !== 'windows' || batch === row.batch);
  const best = theirs.find((other) => other.best);
  return {
    ratioTo: side,
    ...(same && { ratio: ratios(row.rates, same.rates) }),
    ...(row.best && best && { bestRatio: ratios(row.rates, best.rates) }),
  };
}
