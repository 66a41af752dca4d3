import { PoseError } from '../../../base/pose-error.js';
import { lineEnd } from '../decode-text.js';
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

/**
 * The lines of a table, empty ones left out, and an empty cell after a last delimiter of every line too. They are taken
 * apart each time somebody goes through them.
 */
export class CsvTable implements Iterable<CsvLine> {
  readonly #lines: Iterable<string>;
  readonly #delimiter: string;
  /** Whether every line ends with a delimiter. */
  readonly #closed: boolean;

  constructor(text: string | Iterable<string>) {
    this.#lines = typeof text === 'string' ? text.split(lineEnd) : text;
    this.#delimiter = delimiterOf(this.#first() ?? '');
    this.#closed = this.#isClosed();
  }

  *[Symbol.iterator](): Generator<CsvLine> {
    let number = 0;
    for (const line of this.#lines) {
      number++;
      if (line.trim() === '') continue;
      const cells = cellsOf(line, this.#delimiter);
      if (this.#closed) cells.pop();
      yield { cells, number };
    }
  }

  /** The first lines, at most `count`. */
  head(count: number): CsvLine[] {
    const lines: CsvLine[] = [];
    if (count > 0) {
      for (const line of this) if (lines.push(line) === count) break;
    }
    return lines;
  }

  /** The lines after the first `count`. */
  *after(count: number): Generator<CsvLine> {
    let passed = 0;
    for (const line of this) if (passed++ >= count) yield line;
  }

  #first(): string | undefined {
    for (const line of this.#lines) if (line.trim() !== '') return line;
    return undefined;
  }

  #isClosed(): boolean {
    let lines = 0;
    for (const line of this.#lines) {
      if (line.trim() === '') continue;
      lines++;
      // Most lines tell by their last letter; a quoted cell may end with a blank.
      if (!/["\s]$/.test(line) && !line.endsWith(this.#delimiter)) return false;
      const cells = cellsOf(line, this.#delimiter);
      if (cells.length < 2 || cells[cells.length - 1] !== '') return false;
    }
    return lines > 1;
  }
}

/** Whether a cell says that there is no number. */
export function isEmptyCell(cell: string): boolean {
  return cell === '' || /^(nan|null|none|na|n\/a|-?inf(inity)?)$/i.test(cell);
}

/** A cell's number; an empty cell, or Python's nan, is `empty`. Throws `ERR_FORMAT` with the place, line and column. */
export function cellNumber(place: () => string, cell: string, empty: number): number {
  const value = Number(cell);
  if (Number.isFinite(value) && cell !== '') return value;
  if (isEmptyCell(cell)) return empty;
  if (Number.isNaN(value)) throw new PoseError('ERR_FORMAT', `${place()}: expected a number, got ${shown(cell)}.`);
  return value;
}

/** Throws `ERR_FORMAT` unless a line has as many cells as the header. */
export function checkWidth(where: string, { cells, number }: CsvLine, width: number): void {
  if (cells.length === width) return;
  throw new PoseError('ERR_FORMAT', `${where}: line ${number}: expected ${width} cells, got ${cells.length}.`);
}
