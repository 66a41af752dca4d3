import { deflateRawSync, deflateSync, constants as zlib, crc32 as zlibCrc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../lib/base/random.js';
import * as browser from '../../../lib/base/system/browser.js';
import * as node from '../../../lib/base/system/node.js';

const { uniform: random } = createRandom(5);
const noise = Uint8Array.from({ length: 70_000 }, () => Math.floor(random() * 256));
const text = new TextEncoder().encode('left shoulder, right shoulder; '.repeat(4000));
const contents = { nothing: new Uint8Array(0), one: Uint8Array.of(7), text, noise, zeros: new Uint8Array(100_000) };

describe('what a browser has in place of zlib', () => {
  it.each(Object.entries(contents))('unpacks %s, however it was packed', (_, bytes) => {
    for (const level of [0, 1, 9]) {
      for (const strategy of [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY]) {
        const raw = deflateRawSync(bytes, { level, strategy });
        expect(Buffer.from(browser.inflateRaw(raw, bytes.length)).equals(bytes)).toBe(true);
        const stream = deflateSync(bytes, { level, strategy });
        expect(Buffer.from(browser.inflateZlib(stream, bytes.length)).equals(bytes)).toBe(true);
      }
    }
    expect(browser.crc32(bytes)).toBe(zlibCrc32(bytes));
  });

  it('unpacks a beginning as zlib does', () => {
    const start = deflateSync(text).subarray(0, 60);
    const whole = node.inflateStart(start);
    expect(whole.length).toBeGreaterThan(8);
    // zlib may hold the last few bytes back.
    const own = browser.inflateStart(start);
    expect(Buffer.from(own.subarray(0, whole.length)).equals(whole)).toBe(true);
    const raw = deflateRawSync(text).subarray(0, 60);
    const rawStart = node.inflateRawStart(raw);
    expect(rawStart.length).toBeGreaterThan(8);
    expect(Buffer.from(browser.inflateRawStart(raw).subarray(0, rawStart.length)).equals(rawStart)).toBe(true);
  });

  it('refuses more than was declared', () => {
    const packed = deflateRawSync(contents.zeros);
    for (const { inflateRaw } of [node, browser]) expect(() => inflateRaw(packed, 99_999)).toThrow();
  });

  it('refuses what zlib refuses and gives what zlib gives, of streams with a byte changed', () => {
    const packed = deflateSync(text.subarray(0, 3000));
    let refused = 0;
    for (let trial = 0; trial < 600; trial++) {
      const changed = Uint8Array.from(packed);
      changed[Math.floor(random() * changed.length)] ^= 1 << Math.floor(random() * 8);
      const outcome = (inflate: (bytes: Uint8Array, most: number) => Uint8Array) => {
        try {
          return Buffer.from(inflate(changed, 3000)).toString('latin1');
        } catch {
          refused++;
          return 'refused';
        }
      };
      expect(outcome(browser.inflateZlib)).toBe(outcome(node.inflateZlib));
    }
    expect(refused).toBeGreaterThan(1000);
  });
});

describe('the two systems', () => {
  it('have the same names', () => {
    expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort());
  });

  it.each(['a/b.c.npz', 'b', '.hidden', 'a.b/c', 'x.BVH'])('take %s apart alike', (path) => {
    expect(browser.basename(path)).toBe(node.basename(path));
    expect(browser.extname(path)).toBe(node.extname(path));
    expect(browser.basename(path, node.extname(path))).toBe(node.basename(path, node.extname(path)));
    expect(browser.join('folder', path)).toBe(node.join('folder', path));
  });

  it('know files in one only', () => {
    expect(() => browser.readFileSync()).toThrow('a browser has no files');
  });
});
