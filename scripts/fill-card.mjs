#!/usr/bin/env node
// Writes the figures of a model card between its marks, from the reports that `pstmo evaluate --json` printed and the logs that
// training wrote, and draws the training curves beside the card:
//
//   node scripts/fill-card.mjs models/pstmo-s-27.md --log stage1/log.jsonl --log stage2/log.jsonl --report evaluation.json ...
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { log: { type: 'string', multiple: true, default: [] }, report: { type: 'string', multiple: true, default: [] } },
});
const [card] = positionals;
if (!card || (values.log.length === 0 && values.report.length === 0)) {
  console.error('Usage: node scripts/fill-card.mjs <card.md> [--log log.jsonl ...] [--report evaluation.json ...]');
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

/** Polylines of the loss of every logged step, and of the validation after each epoch, one panel a log. */
function curves(logs) {
  const width = 360;
  const height = 200;
  const panels = logs.map((file, index) => {
    const lines = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
    const steps = lines.filter(({ kind }) => kind === 'step');
    const epochs = lines.filter(({ kind }) => kind === 'epoch');
    const last = Math.max(...epochs.map(({ step }) => step));
    const smooth = steps.map((_, i) => {
      const near = steps.slice(Math.max(0, i - 4), i + 1);
      return near.reduce((sum, { loss }) => sum + loss, 0) / near.length;
    });
    const top = Math.max(...smooth.slice(2)) * 1.05;
    const x = (step) => (45 + (step / last) * (width - 60)).toFixed(1);
    const y = (loss) => (height - 30 - (Math.min(loss, top) / top) * (height - 55)).toFixed(1);
    const line = smooth.map((loss, i) => `${x(steps[i].step)},${y(loss)}`).join(' ');
    const marks = epochs.map(({ step, loss }) => `<circle cx="${x(step)}" cy="${y(loss)}" r="2.5" fill="#b4441f"/>`).join('');
    const stage = steps.some(({ multiple }) => multiple > 0) ? 'Stage II' : 'Stage I';
    return `<g transform="translate(${index * width},0)" font-family="sans-serif" font-size="11" fill="#444">
<text x="45" y="16" font-size="13">${stage}: training loss</text>
<path d="M45 25V${height - 30}H${width - 15}" fill="none" stroke="#999"/>
<text x="40" y="30" text-anchor="end">${top.toFixed(2)}</text><text x="40" y="${height - 27}" text-anchor="end">0</text>
<text x="${width - 15}" y="${height - 14}" text-anchor="end">${last} steps</text>
<polyline points="${line}" fill="none" stroke="#2a6f97" stroke-width="1.2"/>${marks}
</g>`;
  });
  const total = width * panels.length;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${height}" width="${total}" height="${height}"><rect width="100%" height="100%" fill="#fff"/>\n${panels.join('\n')}\n</svg>\n`;
}

function epochTable(file) {
  const epochs = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line)).filter(({ kind }) => kind === 'epoch');
  const stage2 = epochs.some(({ multiple }) => multiple > 0);
  const rows = epochs.map((e) => [e.epoch, e.step, e.loss.toFixed(4), stage2 ? `${mm(e.validation)} mm` : e.validation.toFixed(4), Math.round(e.samplesPerSecond)]);
  return `${stage2 ? 'Stage II' : 'Stage I'}\n\n${table(['epoch', 'steps', 'loss', 'validation', 'samples/s'], rows)}`;
}

const parts = [];
if (values.log.length > 0) {
  const picture = card.replace(/\.md$/, '.svg');
  writeFileSync(picture, curves(values.log));
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
writeFileSync(card, `${text.slice(0, text.indexOf(begin) + begin.length)}\n\n${parts.join('\n\n')}\n\n${text.slice(text.indexOf(end))}`);
console.log(`${card}: ${values.report.length} reports, ${values.log.length} logs`);
