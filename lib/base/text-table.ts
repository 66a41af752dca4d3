import { largest } from './lists.js';
import { shownText } from './shown-text.js';

const NUMBER = /^(-?[\d.,]+|NaN|-)$/;

/** Rows (the first is the head) as lines with columns of equal width: words to the left, numbers to the right. */
export function alignedRows(cells: readonly (readonly string[])[]): string[] {
  const rows = cells.map((row) => row.map(shownText));
  const widths = rows[0].map((_, column) => largest(rows.map((row) => row[column].length)));
  const numeric = rows[0].map((_, column) => rows.slice(1).every((row) => NUMBER.test(row[column])));
  return rows.map((row) =>
    row
      .map((cell, column) => (numeric[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join('  ')
      .trimEnd(),
  );
}
