#!/usr/bin/env node
// Joins what several runs of parts measured (`npm run bench -- --only <pattern> --out <folder>`) into one report; of a row that two
// of them have, the later file's counts. Ratios are within a run as ever; the peak is the largest of all.
//   node bench/report/join.mjs part.json part.json ... [--out folder]
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFlags } from '../measure/flags.mjs';
import { writeResults } from './report.mjs';
import { assess } from './results.mjs';
import { shareFigure } from './share-figure.mjs';
import { benchReport } from './tables.mjs';

const flags = readFlags('node bench/report/join.mjs part.json part.json ...', { out: '' });
const parts = flags.positionals.map((path) => JSON.parse(readFileSync(path, 'utf8')));

/** What was measured in turns. */
const groupOf = ({ section, frames, layers, precision }) => [section, frames, layers, precision].join(' ');

const groups = new Map();
for (const { rows } of parts) {
  for (const key of new Set(rows.map(groupOf))) {
    groups.set(
      key,
      rows.filter((row) => groupOf(row) === key),
    );
  }
}
const peaks = {};
for (const part of parts) {
  for (const [precision, peak] of Object.entries(part.peaks)) {
    peaks[precision] = Math.max(peaks[precision] ?? 0, peak);
  }
}
const sum = (values) => Number(values.reduce((total, value) => total + value, 0).toFixed(1));
const about = {
  ...parts[0].about,
  complete: true,
  parts: parts.length,
  minutes: sum(parts.map((part) => part.about.minutes)),
};
about.rounds = Math.min(...parts.map((part) => part.about.rounds));
const results = {
  about,
  peaks,
  rows: assess([...groups.values()].flat(), peaks),
  missing: parts.flatMap(({ missing }) => missing),
};
const folder = flags.out || fileURLToPath(new URL('../results', import.meta.url));
mkdirSync(folder, { recursive: true });
const picture = shareFigure(results);
if (picture) writeFileSync(join(folder, 'bench.svg'), picture);
writeResults('bench', results, benchReport(results), { folder });
