import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';

/**
 * Pixels to network units, (..., 2): x / width * 2 - 1 and y / width * 2 - height / width, so that the image's width
 * spans -1 to 1 and both axes keep one scale. Throws `ERR_ARGUMENT` unless width and height are positive.
 */
export function normalizeKeypoints(pixels: Float32Array, width: number, height: number): Float32Array {
  checkArguments('normalizeKeypoints', { pixels, width, height }, 'Float32Array', 'number', 'number');
  checkSize(width, height);
  return pixels.map((value, index) => (value / width) * 2 - (index % 2 === 0 ? 1 : height / width));
}

/** Network units back to pixels: the inverse of {@link normalizeKeypoints}. */
export function denormalizeKeypoints(units: Float32Array, width: number, height: number): Float32Array {
  checkArguments('denormalizeKeypoints', { units, width, height }, 'Float32Array', 'number', 'number');
  checkSize(width, height);
  return units.map((value, index) => ((value + (index % 2 === 0 ? 1 : height / width)) * width) / 2);
}

function checkSize(width: number, height: number): void {
  if (!(width > 0 && height > 0 && Number.isFinite(width) && Number.isFinite(height))) {
    throw new PoseError('ERR_ARGUMENT', `Image size: expected two positive numbers of pixels, got ${width}x${height}.`);
  }
}
