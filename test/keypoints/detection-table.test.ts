import { describe, expect, it } from 'vitest';
import { DetectionTable } from '../../lib/keypoints/detection-table.js';

/** More rows than one piece of memory holds. */
const many = 20_000;
const rowOf = (index: number, width = 6) => Array.from({ length: width }, (_, at) => index + at / 8);
const table = (count: number) =>
  DetectionTable.from(Array.from({ length: count }, (_, index) => detection(index, rowOf(index))));
const detection = (index: number, triples: number[]) => ({
  image: index >> 1,
  track: index % 3 ? `t${index % 3}` : undefined,
  triples,
});
const rows = (of: DetectionTable) =>
  Array.from(of, ({ image, track, triples }) => ({ image, track, triples: Array.from(triples) }));

describe('a table of detections', () => {
  it('gives back what was put in', () => {
    const found = table(many);
    expect([found.length, found.width, found.odd]).toEqual([many, 6, undefined]);
    for (const index of [0, 63, 64, 8191, 8192, many - 1]) {
      expect([...found.triples(index)]).toEqual(rowOf(index));
      expect([found.image(index), found.track(index)]).toEqual([index >> 1, index % 3 ? `t${index % 3}` : undefined]);
    }
  });

  it('leaves out detections, and keeps the others in order', () => {
    const found = table(many);
    found.retain((triples) => triples[0] % 5 === 1);
    const left = Array.from({ length: many }, (_, index) => index).filter((index) => index % 5 === 1);
    expect(rows(found)).toEqual(left.map((index) => detection(index, rowOf(index))));
  });

  it('gives rows another width', () => {
    const found = table(many);
    found.rewrite(9, (triples, row, index) => row.set([index, ...triples, 0, 1]));
    expect([found.width, ...found.triples(many - 1)]).toEqual([9, many - 1, ...rowOf(many - 1), 0, 1]);
    found.rewrite(1, (triples, row) => row.set(triples.subarray(0, 1)));
    expect(rows(found).map(({ triples }) => triples[0])).toEqual(Array.from({ length: many }, (_, index) => index));
  });

  it('shows every row as it gives its memory back', () => {
    const found = table(many);
    let sum = 0;
    found.drain((triples, index) => {
      sum += triples[0] - index + 1;
    });
    expect([sum, found.length, found.image(many - 1)]).toEqual([many, many, (many - 1) >> 1]);
  });

  it('names the first row of another width than the first row that is left', () => {
    const mixed = DetectionTable.from([6, 6, 3, 9, 3].map((width, index) => detection(index, rowOf(index, width))));
    expect([mixed.width, mixed.odd]).toEqual([6, { index: 2, values: 3 }]);
    mixed.retain((triples) => triples.length === 3);
    expect([mixed.width, mixed.odd, mixed.length]).toEqual([3, undefined, 2]);
    expect(rows(mixed).map(({ triples }) => triples)).toEqual([rowOf(2, 3), rowOf(4, 3)]);
    mixed.rewrite(3, (triples, row) => row.set(triples));
    expect([...mixed.triples(1)]).toEqual(rowOf(4, 3));
  });
});
