import { describe, expect, it } from 'vitest';
import { memorySource } from '../../lib/formats/bytes/byte-source.js';
import { parseJsonStream } from '../../lib/keypoints/readers/json/json-stream.js';
import { parseJson } from '../../lib/keypoints/readers/json/json-value.js';
import { LongList, LongObject } from '../../lib/keypoints/readers/json/long-value.js';

const values: [string, unknown][] = [
  ['a list', [{ image_id: 'a, "]".jpg', keypoints: [1, 2.5, -3e-7] }, [], {}, null, 'x\\"[', [[1], [2, [3]]]]],
  ['an empty list', []],
  ['an object of lists', { a: 1, images: [{ id: 1 }, { id: 2 }], b: { c: [1, 2] }, annotations: [[1], 'ü€😀'], d: [] }],
  ['an object', { format: 'x', keypoints: [[[1, 2]]], name: 'é' }],
  ['lists in lists and objects', [{ clips: [[[1, 2], [3], 4], { a: [5, [6, 7], '\n,'], b: [[], [8]] }] }, [9, [10]]]],
];

/** The value with its long lists and objects as plain ones. */
function plain(value: unknown): unknown {
  if (value instanceof LongList) {
    const items = Array.from(value, plain);
    expect(value.length).toBe(items.length);
    return items;
  }
  if (value instanceof LongObject)
    return Object.fromEntries(Array.from(value.fields(), ([key, one]) => [key, plain(one)]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

const sourceOf = (text: string) => memorySource(new TextEncoder().encode(text), 'made.json');
/** Parses in pieces of some bytes, all that has more than `long` bytes being long. */
const split = (text: string, piece: number, long: number) => plain(parseJsonStream(sourceOf(text), long, piece));

describe('JSON piece by piece', () => {
  it.each(values)('%s is what it is as a whole', (_, value) => {
    for (const text of [
      JSON.stringify(value),
      JSON.stringify(value, undefined, 1),
      `\ufeff${JSON.stringify(value)}\n`,
    ]) {
      for (const piece of [1, 2, 3, 7, 1000]) {
        for (const long of [0, 3, 20, 1000]) expect(split(text, piece, long)).toEqual(value);
      }
    }
  });

  it("JSON lines are a list, Python's NaN is null", () => {
    for (const long of [0, 1000]) {
      expect(split('{"a": [1, NaN]}\n{"a": []}\n', 3, long)).toEqual([{ a: [1, null] }, { a: [] }]);
      expect(split('[NaN, 1]', 2, long)).toEqual([null, 1]);
    }
  });

  it('long lists, fields and lines are not held, and can be gone through again', () => {
    const list = Array.from({ length: 60_000 }, (_, id) => ({ id, name: `item ${id}`, points: [id, id / 2] }));
    const object = Object.fromEntries(list.map((item) => [`${item.id}.jpg`, item]));
    const long = 1 << 20;
    const forms: [unknown, string, typeof LongList | typeof LongObject][] = [
      [list, JSON.stringify(list), LongList],
      [object, JSON.stringify(object), LongObject],
      [list, list.map((item) => JSON.stringify(item)).join('\n'), LongList],
    ];
    for (const [value, text, kind] of forms) {
      const parsed = parseJsonStream(sourceOf(text), long);
      expect(parsed).toBeInstanceOf(kind);
      expect(plain(parsed)).toEqual(value);
      expect(plain(parsed)).toEqual(value);
    }
    const wrapped = JSON.stringify({ info: { frames: list }, kind: 'x' });
    const parsed = parseJsonStream(sourceOf(wrapped), long) as { info: { frames: unknown } };
    expect(parsed.info.frames).toBeInstanceOf(LongList);
    expect(plain(parsed)).toEqual(parseJson('made.json', wrapped));
  });

  it.each([
    ['an end inside of a list', '[1, 2', /ends inside of a value/],
    ['an end inside of a text', '["a', /ends inside of a value/],
    ['a word', '[1, two]', /made\.json: expected JSON/],
    ['something after it', '[1] x', /made\.json: expected JSON/],
    ['a comma too many', '[1,, 2]', /made\.json: expected JSON/],
    ['a comma at the end', '[1, 2,]', /made\.json: expected JSON/],
    ['a bracket of another kind', '[1, 2}', /made\.json: expected JSON/],
    ['a bracket that closes nothing', '[1, 2]]', /made\.json: expected JSON/],
  ])('refuses %s', (_, text, message) => {
    for (const long of [0, 1000]) {
      expect(() => split(text, 2, long)).toThrow(message);
      expect(() => split(text, 2, long)).toThrow(expect.objectContaining({ code: 'ERR_FORMAT' }));
    }
  });
});
