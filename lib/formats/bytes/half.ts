const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

function bitsOf(value: number): number {
  scratch[0] = value;
  return scratchBits[0];
}

/** Shifts `value` right and rounds to nearest, ties to even. */
function shiftRounded(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return rest > middle || (rest === middle && (kept & 1) === 1) ? kept + 1 : kept;
}

/** IEEE float16 bits of a float32 value: nearest, ties to even; overflow gives infinity, NaN stays NaN. */
export function floatToHalf(value: number): number {
  const bits = bitsOf(value);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // From 65520 on, the nearest half is infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) return sign | shiftRounded(magnitude - 0x38000000, 13);
  // Subnormal halves count steps of 2^-24; under half a step nothing is left.
  if (magnitude < 0x33000000) return sign;
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  return sign | shiftRounded(mantissa, 126 - (magnitude >>> 23));
}

/** The value of IEEE float16 bits. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** bfloat16 bits of a float32 value: nearest, ties to even; NaN stays NaN. */
export function floatToBfloat16(value: number): number {
  const bits = bitsOf(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) & 0x8000) | 0x7fc0;
  return shiftRounded(bits, 16);
}

/** float16 bits of every value. */
export function encodeHalf(values: Float32Array): Uint16Array {
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) bits[i] = floatToHalf(values[i]);
  return bits;
}

/** The values of float16 bits. */
export function decodeHalf(bits: Uint16Array): Float32Array {
  const values = new Float32Array(bits.length);
  const patterns = new Uint32Array(values.buffer);
  for (let i = 0; i < values.length; i++) {
    const sign = (bits[i] & 0x8000) << 16;
    const rest = (bits[i] & 0x7fff) << 13;
    if ((bits[i] & 0x7c00) === 0x7c00) {
      patterns[i] = sign | 0x7f800000 | rest;
    } else {
      // The same digits under float32's exponent, which counts from 112 less.
      patterns[i] = sign | rest;
      values[i] *= 2 ** 112;
    }
  }
  return values;
}

/** bfloat16 bits of every value. */
export function encodeBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) bits[i] = floatToBfloat16(values[i]);
  return bits;
}

/** The values of bfloat16 bits. */
export function decodeBfloat16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < words.length; i++) words[i] = bits[i] << 16;
  return new Float32Array(words.buffer);
}
