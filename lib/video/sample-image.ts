/** An image (height, width, 3) of bytes: red, green, blue. */
export interface RgbImage {
  data: Uint8Array;
  width: number;
  height: number;
}

/** What part of an image is shown to a network: its corner and how many of its pixels make one of the network's. */
export interface View {
  left: number;
  top: number;
  step: number;
}

export interface InputScale {
  /** Taken from each channel's bytes, then divided by. */
  mean: readonly [number, number, number];
  deviation: readonly [number, number, number];
  /** The byte outside of the image. */
  outside: number;
}

/**
 * Fills (3, height, width) of `out` from `at` on with what a view shows, by bilinear interpolation between pixel centres.
 */
export function sampleImage(
  image: RgbImage,
  { left, top, step }: View,
  width: number,
  height: number,
  { mean, deviation, outside }: InputScale,
  out: Float32Array,
  at = 0,
): void {
  const plane = width * height;
  const byte = (x: number, y: number, channel: number) =>
    x < 0 || y < 0 || x >= image.width || y >= image.height ? outside : image.data[(y * image.width + x) * 3 + channel];
  for (let row = 0; row < height; row++) {
    const y = top + (row + 0.5) * step - 0.5;
    const y0 = Math.floor(y);
    for (let column = 0; column < width; column++) {
      const x = left + (column + 0.5) * step - 0.5;
      const x0 = Math.floor(x);
      const [fx, fy] = [x - x0, y - y0];
      for (let channel = 0; channel < 3; channel++) {
        const above = byte(x0, y0, channel) * (1 - fx) + byte(x0 + 1, y0, channel) * fx;
        const below = byte(x0, y0 + 1, channel) * (1 - fx) + byte(x0 + 1, y0 + 1, channel) * fx;
        const value = above * (1 - fy) + below * fy;
        out[at + channel * plane + row * width + column] = (value - mean[channel]) / deviation[channel];
      }
    }
  }
}
