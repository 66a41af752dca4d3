import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url));

/** What `machineAbout` found, in one line. */
export function machineLine({ cpu, cores, isa, node, pstmo }) {
  return `${cpu}, ${cores} cores, ${isa}; Node ${node}, pstmo ${pstmo}`;
}

/** A Markdown table: column titles and rows of texts; all columns but the first are numbers. */
export function markdownTable(titles, rows) {
  const rule = titles.map((_, i) => (i === 0 ? '---' : '---:'));
  return [titles, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** "412 (398 to 420)" */
export function spreadText({ median, least, greatest }, digits = 0) {
  return `${median.toFixed(digits)} (${least.toFixed(digits)} to ${greatest.toFixed(digits)})`;
}

/** Writes `<name>.json` and `<name>.md` into `folder`, bench/results where it is empty, and prints the text, or the JSON. */
export function writeResults(name, data, text, { folder = '', json = false } = {}) {
  const base = join(folder || RESULTS, name);
  const encoded = `${JSON.stringify(data, null, 1)}\n`;
  mkdirSync(dirname(base), { recursive: true });
  writeFileSync(`${base}.json`, encoded);
  writeFileSync(`${base}.md`, `${text.trim()}\n`);
  process.stdout.write(json ? encoded : `${text.trim()}\n`);
  process.stderr.write(`Written: ${base}.md and ${base}.json\n`);
}
