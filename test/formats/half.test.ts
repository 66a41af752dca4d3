import { describe, expect, it } from 'vitest';
import {
  decodeBfloat16,
  decodeHalf,
  encodeBfloat16,
  encodeHalf,
  floatToBfloat16,
  floatToHalf,
  halfToFloat,
} from '../../lib/formats/bytes/half.js';
import { bfloat16Cases, halfCases } from './half-cases.js';

describe('float16', () => {
  it.each(halfCases)('rounds %f to 0x%s', (value, hex) => {
    expect(floatToHalf(value).toString(16).padStart(4, '0')).toBe(hex);
  });

  it('gives every one of the 65536 patterns back', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((i) => (i & 0x7fff) <= 0x7c00);
    expect(Buffer.from(encodeHalf(decodeHalf(bits)).buffer).equals(Buffer.from(bits.buffer))).toBe(true);
    expect(halfToFloat(0x7e01)).toBeNaN();
    expect(floatToHalf(Number.NaN) & 0x7fff).toBeGreaterThan(0x7c00);
  });

  it('rounds between two neighbours to the nearest, ties to even', () => {
    for (let bits = 0; bits < 0x7bff; bits += 37) {
      const low = halfToFloat(bits);
      const high = halfToFloat(bits + 1);
      expect(floatToHalf((low + high) / 2)).toBe(bits % 2 === 0 ? bits : bits + 1);
      expect(floatToHalf(low + (high - low) * 0.501)).toBe(bits + 1);
      expect(floatToHalf(low + (high - low) * 0.499)).toBe(bits);
    }
  });
});

describe('bfloat16', () => {
  it.each(bfloat16Cases)('rounds %f to 0x%s', (value, hex) => {
    expect(floatToBfloat16(value).toString(16).padStart(4, '0')).toBe(hex);
  });

  it('gives every pattern back', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((i) => (i & 0x7fff) <= 0x7f80);
    expect(Buffer.from(encodeBfloat16(decodeBfloat16(bits)).buffer).equals(Buffer.from(bits.buffer))).toBe(true);
    expect(floatToBfloat16(Number.NaN) & 0x7fff).toBeGreaterThan(0x7f80);
  });
});
