#!/usr/bin/env node
// Writes the speed figures of the README between its marks, from the results of the benchmark:
//
//   node tools/docs/fill-speed.mjs [README.md] [bench/results/bench.json]
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { figure, networkName } from '../../bench/report/tables.mjs';
import { OWN, SIDES } from '../../bench/sides/sides.mjs';

const BEGIN = '<!-- speed -->';
const END = '<!-- end of speed -->';

const row = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) => [row(head), row(head.map((_, i) => (i ? '---:' : '---'))), ...rows.map(row)].join('\n');

/** The section of the README that a run of the benchmark gives; empty where there was none. */
export function speedSection(results) {
  if (results === undefined) {
    return '';
  }
  const { about, peaks, rows } = results;
  const best = rows.filter((one) => one.section === 'windows' && one.best);
  const sides = SIDES.filter(({ side }) => best.some((one) => one.side === side));
  const own = sides.some(({ side }) => side === 'compiled') ? 'compiled' : 'op-by-op';
  const to = best.find(({ side, bestRatio }) => side === own && bestRatio)?.ratioTo;
  const titles = sides.map(({ side, title }) => (OWN.includes(side) ? `pstmo, ${title}` : title));
  const toTitle = SIDES.find(({ side }) => side === to)?.title;
  const lines = groups(best).map((group) => {
    const ours = group.find(({ side }) => side === own);
    return [
      `${networkName(group[0])}, ${group[0].precision}`,
      ...sides.map(({ side }) => figure(group.find((one) => one.side === side)?.median)),
      ...(toTitle ? [figure(ours?.bestRatio?.median)] : []),
      ours?.share === undefined ? '' : `${(100 * ours.share).toFixed(0)}%`,
    ];
  });
  const head = ['windows a second', ...titles, ...(toTitle ? [`times ${toTitle}`] : []), 'of the limit'];
  const peak = Object.entries(peaks).map(([precision, value]) => `${value.toFixed(0)} in ${precision}`);
  return [
    '## Speed',
    `Windows a second: whole windows in memory, each side at its best batch, no mirrored pass; ${about.threads} threads of ${about.cpu} (${about.isa}), on ${about.date}.
One process a side, taking turns; medians of ${about.rounds} rounds. Limit: required FLOPs divided by the measured peak of fused multiply-adds
(${peak.join(' and ')} GFLOP/s). \`npm run bench\` makes [the whole table](bench/results/bench.md).`,
    table(head, lines),
    '![Share of the arithmetic limit that each side reaches](bench/results/bench.svg)',
    sentences(rows, own)
      .map((sentence) => `- ${sentence}`)
      .join('\n'),
  ]
    .filter(Boolean)
    .join('\n\n');
}

function groups(best) {
  const keys = [...new Set(best.map(({ frames, layers, precision }) => `${frames} ${layers} ${precision}`))];
  return keys.map((key) => best.filter(({ frames, layers, precision }) => `${frames} ${layers} ${precision}` === key));
}

const times = (one, other) => (one.ratio && other ? `, ${figure(one.ratio.median)} times ${other}` : '');
const titleOfBaseline = (one) => SIDES.find(({ side }) => side === one.ratioTo)?.title;

function sentences(rows, own) {
  const of = (section) => rows.filter((one) => one.section === section && one.side === own);
  const video = of('video')
    .filter(({ flip, frames }) => !flip && frames === 243)
    .map((one) => `${figure(one.median)} frames/s in ${one.precision}${times(one, titleOfBaseline(one))}`);
  const single = of('windows')
    .filter(({ batch, frames, layers }) => batch === 1 && frames === 243 && layers === 3)
    .map((one) => `${figure(1000 / one.median)} ms in ${one.precision}${times(one, titleOfBaseline(one))}`);
  const training = rows
    .filter(({ section, side }) => section === 'training' && side === 'op-by-op')
    .map((one) => `${figure(one.median)} samples/s in ${one.precision}${times(one, titleOfBaseline(one))}`);
  const [start] = of('start');
  return [
    video.length ? `A whole video at N = 243, every frame, not mirrored: ${video.join('; ')}.` : '',
    single.length ? `A single window at N = 243: ${single.join('; ')}.` : '',
    training.length
      ? `Training, Stage II, N = 27, batch ${rows.find(({ section }) => section === 'training').batch}: ${training.join('; ')}.`
      : '',
    start ? `From starting Node to the first N = 243 pose: ${figure(start.median)} ms.` : '',
  ].filter(Boolean);
}

/** `text` with `body` between its marks; throws where they are missing. */
export function fillSpeed(text, body) {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) {
    throw new Error(`Expected the marks ${BEGIN} and ${END}.`);
  }
  return `${text.slice(0, begin + BEGIN.length)}\n${body ? `\n${body}\n\n` : ''}${text.slice(end)}`;
}

/** The results in a file; undefined where there is none. */
export function readResults(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [readme = 'README.md', results = 'bench/results/bench.json'] = process.argv.slice(2);
  writeFileSync(readme, fillSpeed(readFileSync(readme, 'utf8'), speedSection(readResults(results))));
  console.log(`${readme}: ${existsSync(results) ? `figures of ${results}` : `no ${results}, no figures`}`);
}
