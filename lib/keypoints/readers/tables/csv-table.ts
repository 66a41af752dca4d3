import { PoseError } from '../../../base/pose-error.js';
import { shown } from '../json/json-value.js';

/** What parts the cells of a line: a semicolon or a tab where the line has several, else a comma. */
export function delimiterOf(line: string): string {
  const counts = [';', '\t'].map((sign) => ({ sign, count: line.split(sign).length - 1 }));
  const most = counts[0].count >= counts[1].count ? counts[0] : counts[1];
  return most.count >= 2 ? most.sign : ',';
}

/** Cells of a line; blanks about them, and quotes that programs put about names, are taken off. */
export function cellsOf(line: string, delimiter = delimiterOf(line)): string[] {
  const cells = line.includes('"') ? quotedCells(line, delimiter) : line.split(delimiter);
  return cells.map((cell) => {
    const text = cell.trim();
    // Where the comma parts no cells, it may be the decimal point.
    return delimiter !== ',' && /^[+-]?\d+,\d+$/.test(text) ? text.replace(',', '.') : text;
  });
}

function quotedCells(line: string, delimiter: string): string[] {
  const cells = [''];
  let quoted = false;
  for (const letter of line) {
    if (letter === '"') quoted = !quoted;
    else if (letter === delimiter && !quoted) cells.push('');
    else cells[cells.length - 1] += letter;
  }
  return cells;
}

/** A line's cells and its number from 1. */
export interface CsvLine {
  cells: string[];
  number: number;
}

/** Lines with their numbers from 1, empty ones left out; an empty cell after a last delimiter of every line too. */
export function linesOf(text: string): CsvLine[] {
  const lines = text
    .split(/\r\n?|\n/)
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== '');
  const delimiter = delimiterOf(lines[0]?.line ?? '');
  const table = lines.map(({ line, number }) => ({ cells: cellsOf(line, delimiter), number }));
  const closed = table.length > 1 && table.every(({ cells }) => cells.length > 1 && cells[cells.length - 1] === '');
  return closed ? table.map(({ cells, number }) => ({ cells: cells.slice(0, -1), number })) : table;
}

/** Whether a cell says that there is no number. */
export function isEmptyCell(cell: string): boolean {
  return cell === '' || /^(nan|null|none|na|n\/a|-?inf(inity)?)$/i.test(cell);
}

/** A cell's number; an empty cell, or Python's nan, is `empty`. Throws `ERR_FORMAT` with line and column. */
export function cellNumber(place: string, cell: string, empty: number): number {
  if (isEmptyCell(cell)) return empty;
  const value = Number(cell);
  if (Number.isNaN(value)) throw new PoseError('ERR_FORMAT', `${place}: expected a number, got ${shown(cell)}.`);
  return value;
}

/** Throws `ERR_FORMAT` unless a line has as many cells as the header. */
export function checkWidth(where: string, { cells, number }: CsvLine, width: number): void {
  if (cells.length === width) return;
  throw new PoseError('ERR_FORMAT', `${where}: line ${number}: expected ${width} cells, got ${cells.length}.`);
}
