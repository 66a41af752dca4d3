import { titleOf } from '../sides/sides.mjs';
import { goalRows, reached } from './goals.mjs';
import { machineLine, markdownTable } from './report.mjs';

/** Three digits or more. */
export function figure(value) {
  return value === undefined ? '' : value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

const spread = (of) => (of ? `${figure(of.median)} (${figure(of.least)} to ${figure(of.greatest)})` : '');
const percent = (share) => (share === undefined ? '' : `${(100 * share).toFixed(0)}%`);
const megabytes = (bytes) => (bytes === undefined ? '' : (bytes / 1e6).toFixed(0));

export const networkName = ({ frames, layers }) => `N = ${frames}${layers === 4 ? ' full' : ''}`;
const lineName = (row) => `${networkName(row)}, ${row.precision}: ${titleOf(row.side)}`;

/** The whole report of a run, as Markdown. */
export function benchReport(results) {
  const { about, peaks, rows, missing } = results;
  const of = (section) => rows.filter((row) => row.section === section);
  const peak = Object.entries(peaks).map(([precision, value]) => `${precision} ${value.toFixed(0)}`);
  const parts = [
    `# Speed${about.complete ? '' : ' (part of a run)'}`,
    `${machineLine(about)}, on ${about.date}. ${about.threads} threads each, ${about.rounds} rounds; a turn of about ${about.seconds} s (longer where one
step takes longer). Fused multiply-adds in registers, the largest of the run: ${peak.join(', ')} GFLOP/s. ${about.parts ? `Measured in ${about.parts} runs of parts, one after the other, in all` : 'The run took'} ${about.minutes} minutes.`,
    `One process a side, all in turns, so that what happens to the machine happens to all of them; medians, least and greatest in brackets;
ratios are taken round by round. The share of the limit counts the operations that are needed and no others, at the peak above.
Memory is what the whole process had resident at most while it worked, runtime and data included. bench/README.md says how each side is set up.`,
    section('Windows a second', windowsNote, windowsTable(of('windows'))),
    section('A whole video, every frame', videoNote(of('video')), videoTable(of('video'))),
    section('Many short clips', clipsNote(of('clips')), clipsTable(of('clips'))),
    section('A live video', streamNote, streamTable(of('stream'))),
    section('What each fold is worth', foldsNote, foldsTable(of('folds'))),
    section('Training, Stage II', trainingNote(of('training')), trainingTable(of('training'))),
    section('Process start to the first pose', startNote, startTable(of('start'))),
    section('JavaScript around it', 'Benchmark.js.', javascriptTable(of('javascript'))),
    section('Goals', 'Ratios to OpenVINO, in training to PyTorch.', goalsTable(rows)),
    missing.length === 0
      ? ''
      : `## Not measured\n\n${missing.map(({ what, reason }) => `- ${what}: ${reason}`).join('\n')}`,
  ];
  return parts.filter(Boolean).join('\n\n');
}

const section = (title, note, table) => (table ? `## ${title}\n\n${note}\n\n${table}` : '');

const windowsNote = `P-STMO-S (3 layers; full: 4), d = 256, h = 512. Windows (B, N, 17, 2) lie ready, the middle frame's pose comes out, no mirrored pass;
copying both is included on our side and in ONNX Runtime, OpenVINO and PyTorch work in place. A batch is what is handed over at once. In bold the best.`;

function windowsTable(rows) {
  if (rows.length === 0) {
    return '';
  }
  const batches = [...new Set(rows.map(({ batch }) => batch))].sort((a, b) => a - b);
  const to = titleOf(rows.find(({ ratioTo }) => ratioTo)?.ratioTo ?? '');
  const against = to ? [`times ${to}, one window`, `times ${to}, best batch`] : [];
  const titles = [
    '',
    ...batches.map((batch) => `batch ${batch}`),
    'one window, ms',
    ...against,
    'share of limit',
    'peak MB',
  ];
  const sides = rows.filter(({ best }) => best);
  const lines = sides.map((best) => {
    const own = rows.filter((row) => lineName(row) === lineName(best));
    const at = (batch) => own.find((row) => row.batch === batch);
    const single = at(1);
    return [
      lineName(best),
      ...batches.map((batch) => (batch === best.batch ? `**${spread(best)}**` : figure(at(batch)?.median))),
      single ? figure(1000 / single.median) : '',
      ...(to ? [spread(single?.ratio), spread(best.bestRatio)] : []),
      percent(best.share),
      megabytes(best.peakResidentBytes),
    ];
  });
  return markdownTable(titles, lines);
}

const videoNote = (
  rows,
) => `P-STMO-S, ${rows[0]?.videoFrames.toLocaleString('en')} frames, stride 1, keypoints copied in and poses out. Ours lifts the video, a piece of it in each round where all would
take too long; the other lifts a window a frame, ready made, and twice as many with the mirrored pass, in its best batch. The limit counts what a video needs when
neighbouring windows share what they can.`;

function videoTable(rows) {
  if (rows.length === 0) {
    return '';
  }
  const to = titleOf(rows.find(({ ratioTo }) => ratioTo)?.ratioTo ?? '');
  const titles = ['', 'frames/s', to ? `times ${to}` : 'ratio', 'share of limit', 'frames lifted', 'peak MB'];
  const lines = rows.map((row) => [
    `${lineName(row)}${row.flip ? ', mirrored mean' : ''}`,
    spread(row),
    spread(row.ratio),
    percent(row.share),
    row.lifted === undefined ? '' : String(row.lifted),
    megabytes(row.peakResidentBytes),
  ]);
  return markdownTable(titles, lines);
}

const clipsNote = (rows) =>
  `Clips of ${rows[0]?.clipFrames} frames through \`liftMany\`, in pixels, beside the same frames as one video; no mirrored pass.`;

function clipsTable(rows) {
  const clips = rows.filter(({ joined }) => !joined);
  const videoOf = (row) => rows.find((other) => other.joined && lineName(other) === lineName(row));
  const lines = clips.map((row) => [
    lineName(row),
    spread(row),
    spread(videoOf(row)),
    spread(row.ratio),
    String(row.lifted / row.clipFrames),
  ]);
  return lines.length
    ? markdownTable(['', 'clips, frames/s', 'one video, frames/s', 'ratio', 'clips lifted'], lines)
    : '';
}

const streamNote =
  'One core; milliseconds from handing a frame over until its own pose is there, no look-ahead, no mirrored pass, frame after frame.';

function streamTable(rows) {
  const lines = rows.map((row) => [lineName(row), figure(row.p50), figure(row.p99), String(row.pushed)]);
  return lines.length ? markdownTable(['', 'half within, ms', '99 of 100 within, ms', 'frames'], lines) : '';
}

const foldsNote = 'The compiled lifter on a whole video with one thing left out at a time, in turns.';

function foldsTable(rows) {
  const lines = rows.map((row) => [
    `${networkName(row)}, ${row.precision}: without ${row.without}`,
    spread(row),
    spread(row.ratio),
  ]);
  return lines.length ? markdownTable(['', 'frames/s', 'of all folds'], lines) : '';
}

const trainingNote = (
  rows,
) => `Batch ${rows[0]?.batch}, dropout 0.1: forward, loss, backward, Adam with amsgrad. Ours gathers and mirrors its windows as well; PyTorch's batch lies ready.
bf16: ours keeps float32 weights, sums and statistics, PyTorch its CPU autocast.`;

function trainingTable(rows) {
  const lines = rows.map((row) => [
    lineName(row),
    spread(row),
    spread(row.ratio),
    percent(row.share),
    megabytes(row.peakResidentBytes),
  ]);
  return lines.length ? markdownTable(['', 'samples/s', 'times PyTorch', 'share of limit', 'peak MB'], lines) : '';
}

const startNote = 'A fresh process, its runtime included, until one N = 243 pose is there; files lie in memory. fp32.';

function startTable(rows) {
  const lines = rows.map((row) => [row.name, spread(row), spread(row.ratio)]);
  const to = titleOf(rows.find(({ ratioTo }) => ratioTo)?.ratioTo ?? '');
  return lines.length ? markdownTable(['', 'ms', to ? `times faster than ${to}` : 'ratio'], lines) : '';
}

/** A time with the unit that suits it. */
export function timeText(seconds) {
  const [unit, factor] = [
    ['s', 1],
    ['ms', 1e3],
    ['µs', 1e6],
    ['ns', 1e9],
  ].find(([, f]) => seconds * f >= 1) ?? ['ns', 1e9];
  return `${figure(seconds * factor)} ${unit}`;
}

function javascriptTable(rows) {
  const lines = rows.map(({ name, seconds, relativeErrorPercent, samples }) => [
    name,
    timeText(seconds),
    `${relativeErrorPercent.toFixed(1)}%`,
    String(samples),
  ]);
  return lines.length ? markdownTable(['', 'mean', 'error (95%)', 'samples'], lines) : '';
}

function goalsTable(rows) {
  const goals = goalRows(rows);
  if (goals.every(({ value }) => value === undefined)) {
    return '';
  }
  const lines = goals.map((one) => [one.what, String(one.must), String(one.goal), figure(one.value), reached(one)]);
  return markdownTable(['', 'must', 'goal', 'measured', 'reached'], lines);
}
