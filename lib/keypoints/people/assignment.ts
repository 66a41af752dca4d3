import { checkArguments } from '../../base/check-arguments.js';

/**
 * The cheapest assignment of rows to columns (the Hungarian method by shortest augmenting paths, O(n^2 m)): costs (n, m),
 * finite; returns the column of each row, -1 where there are more rows than columns and the row is left over.
 */
export function cheapestAssignment(costs: Float64Array, rows: number, columns: number): Int32Array {
  checkArguments('cheapestAssignment', { costs, rows, columns }, 'Float64Array', 'number', 'number');
  const result = new Int32Array(rows).fill(-1);
  if (rows === 0 || columns === 0) return result;
  if (rows > columns) {
    const turned = Float64Array.from(costs, (_, at) => costs[(at % rows) * columns + Math.floor(at / rows)]);
    for (const [column, row] of cheapestAssignment(turned, columns, rows).entries()) result[row] = column;
    return result;
  }
  // Row 0 and column 0 stand for "none"; the potentials keep every reduced cost at or above zero.
  const rowPotential = new Float64Array(rows + 1);
  const columnPotential = new Float64Array(columns + 1);
  const rowOf = new Int32Array(columns + 1);
  const before = new Int32Array(columns + 1);
  for (let row = 1; row <= rows; row++) {
    const distance = new Float64Array(columns + 1).fill(Number.POSITIVE_INFINITY);
    const done = new Uint8Array(columns + 1);
    rowOf[0] = row;
    let at = 0;
    while (rowOf[at] !== 0) {
      done[at] = 1;
      const from = rowOf[at];
      let nearest = Number.POSITIVE_INFINITY;
      let next = 0;
      for (let column = 1; column <= columns; column++) {
        if (done[column] === 1) continue;
        const reduced = costs[(from - 1) * columns + column - 1] - rowPotential[from] - columnPotential[column];
        if (reduced < distance[column]) {
          distance[column] = reduced;
          before[column] = at;
        }
        if (distance[column] < nearest) {
          nearest = distance[column];
          next = column;
        }
      }
      for (let column = 0; column <= columns; column++) {
        if (done[column] === 1) {
          rowPotential[rowOf[column]] += nearest;
          columnPotential[column] -= nearest;
        } else distance[column] -= nearest;
      }
      at = next;
    }
    while (at !== 0) {
      rowOf[at] = rowOf[before[at]];
      at = before[at];
    }
  }
  for (let column = 1; column <= columns; column++) if (rowOf[column] > 0) result[rowOf[column] - 1] = column - 1;
  return result;
}
