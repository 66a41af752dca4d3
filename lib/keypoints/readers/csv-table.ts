import { PoseError } from '../../base/pose-error.js';
import { shown } from './json-value.js';

/** Cells of a line; blanks about them, and quotes that programs put about names, are taken off. */
export function cellsOf(line: string): string[] {
  return line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
}

/** Lines with their numbers from 1, empty ones left out. */
export function linesOf(text: string): { cells: string[]; number: number }[] {
  return text
    .split(/\r?\n/)
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, number }) => ({ cells: cellsOf(line), number }));
}

/** A cell's number; an empty cell, or Python's nan, is `empty`. Throws `ERR_FORMAT` with line and column. */
export function cellNumber(place: string, cell: string, empty: number): number {
  if (cell === '' || /^nan$/i.test(cell)) return empty;
  const value = Number(cell);
  if (Number.isNaN(value)) throw new PoseError('ERR_FORMAT', `${place}: expected a number, got ${shown(cell)}.`);
  return value;
}
