#!/usr/bin/env node
// Writes the figures of a model card between its marks, from the reports that `pstmo evaluate --json` printed and the logs that
// training wrote, and draws the training curves beside the card (needs the library compiled):
//
//   node tools/docs/fill-card.mjs models/pstmo-s-27.md --log stage1/log.jsonl --log stage2/log.jsonl --report evaluation.json ...
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { trainingCurves } from '../../dist/figures/index.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    log: { type: 'string', multiple: true, default: [] },
    report: { type: 'string', multiple: true, default: [] },
  },
});
const [card] = positionals;
if (!card || (values.log.length === 0 && values.report.length === 0)) {
  console.error('Usage: node tools/docs/fill-card.mjs <card.md> [--log log.jsonl ...] [--report evaluation.json ...]');
  process.exit(2);
}

const row = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) => [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
const mm = (value) => value.toFixed(1);

function reportTables(file) {
  const { model, dataset, flip, conditions } = JSON.parse(readFileSync(file, 'utf8'));
  const about = `${dataset.frames.toLocaleString('en')} frames in ${dataset.sequences} sequences (${dataset.split} split of \`${dataset.name}\`), every frame, ${flip ? 'mirrored test' : 'no mirrored pass'}, ${model.precision}.`;
  return conditions.map(({ name, methods }) => {
    const subjects = methods[0].subjects.map((subject) => subject.name);
    const rows = methods.flatMap(({ method, subjects: pooled, overall }) =>
      [
        ['MPJPE', 'mpjpeMm'],
        ['P-MPJPE', 'pMpjpeMm'],
      ].map(([label, key]) => [method, label, ...pooled.map((one) => mm(one[key])), mm(overall[key])]),
    );
    return `2D ${name}; ${about}\n\n${table(['method', 'mm', ...subjects, 'all frames'], rows)}`;
  });
}

function linesOf(file) {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function epochTable(file) {
  const epochs = linesOf(file).filter(({ kind }) => kind === 'epoch');
  const stage2 = epochs.some(({ multiple }) => multiple > 0);
  const rows = epochs.map((e) => [
    e.epoch,
    e.step,
    e.loss.toFixed(4),
    stage2 ? `${mm(e.validation)} mm` : e.validation.toFixed(4),
    Math.round(e.samplesPerSecond),
  ]);
  return `${stage2 ? 'Stage II' : 'Stage I'}\n\n${table(['epoch', 'steps', 'loss', 'validation', 'samples/s'], rows)}`;
}

const parts = [];
if (values.log.length > 0) {
  const picture = card.replace(/\.md$/, '.svg');
  writeFileSync(picture, trainingCurves(values.log.map((name) => ({ name, lines: linesOf(name) }))));
  parts.push(`![training curves](${basename(picture)})`, ...values.log.map(epochTable));
}
parts.push(...values.report.flatMap(reportTables));
const text = readFileSync(card, 'utf8');
const begin = '<!-- figures -->';
const end = '<!-- end of figures -->';
if (!text.includes(begin) || !text.includes(end)) {
  console.error(`${card}: expected the marks ${begin} and ${end}.`);
  process.exit(1);
}
writeFileSync(
  card,
  `${text.slice(0, text.indexOf(begin) + begin.length)}\n\n${parts.join('\n\n')}\n\n${text.slice(text.indexOf(end))}`,
);
console.log(`${card}: ${values.report.length} reports, ${values.log.length} logs`);
