import { describe, expect, it } from 'vitest';
import { memorySource } from '../../lib/formats/bytes/byte-source.js';
import { ListSplitter, parseJsonStream } from '../../lib/keypoints/readers/json/json-stream.js';
import { parseJson } from '../../lib/keypoints/readers/json/json-value.js';

const values: [string, unknown][] = [
  ['a list', [{ image_id: 'a, "]".jpg', keypoints: [1, 2.5, -3e-7] }, [], {}, null, 'x\\"[', [[1], [2, [3]]]]],
  ['an empty list', []],
  ['an object of lists', { a: 1, images: [{ id: 1 }, { id: 2 }], b: { c: [1, 2] }, annotations: [[1], 'ü€😀'], d: [] }],
  ['an object', { format: 'x', keypoints: [[[1, 2]]], name: 'é' }],
];

function split(text: string, piece: number): unknown {
  const bytes = new TextEncoder().encode(text);
  const splitter = new ListSplitter('made.json');
  for (let at = 0; at < bytes.length; at += piece) splitter.take(bytes.subarray(at, at + piece));
  return splitter.end();
}

describe('JSON piece by piece', () => {
  it.each(values)('%s is what it is as a whole', (_, value) => {
    for (const text of [
      JSON.stringify(value),
      JSON.stringify(value, undefined, 1),
      `\ufeff${JSON.stringify(value)}\n`,
    ]) {
      for (const piece of [1, 2, 3, 7, 1000]) expect(split(text, piece)).toEqual(value);
    }
  });

  it("JSON lines are a list, Python's NaN is null", () => {
    expect(split('{"a": [1, NaN]}\n{"a": []}\n', 3)).toEqual([{ a: [1, null] }, { a: [] }]);
    expect(split('[NaN, 1]', 2)).toEqual([null, 1]);
  });

  it('a list of many pieces keeps every item', () => {
    const list = Array.from({ length: 60_000 }, (_, id) => ({ id, name: `item ${id}`, points: [id, id / 2] }));
    const text = JSON.stringify({ list });
    expect(text.length).toBeGreaterThan(3 << 20);
    const source = memorySource(new TextEncoder().encode(text), 'made.json');
    expect(parseJsonStream(source)).toEqual(parseJson('made.json', text));
  });

  it.each([
    ['an end inside of a list', '[1, 2', /ends inside of a value/],
    ['an end inside of a text', '["a', /ends inside of a value/],
    ['a word', '[1, two]', /made\.json: expected JSON/],
    ['something after it', '[1] x', /made\.json: expected JSON/],
    ['a comma too many', '[1,, 2]', /made\.json: expected JSON/],
  ])('refuses %s', (_, text, message) => {
    expect(() => split(text, 2)).toThrow(message);
    expect(() => split(text, 2)).toThrow(expect.objectContaining({ code: 'ERR_FORMAT' }));
  });
});
