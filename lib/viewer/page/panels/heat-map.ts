import { along, type Palette } from '../views/look.js';

/** 256 colours of the theme as pixels. */
export function heatTable({ heat }: Palette): Uint32Array {
  const table = new Uint32Array(256);
  const bytes = new Uint8Array(table.buffer);
  for (let value = 0; value < 256; value++) {
    const colour = along(heat, value / 255);
    bytes.set([...colour.map((part) => Math.round(part * 255)), 255], value * 4);
  }
  return table;
}

/** Draws a map (n, n) of bytes, a pixel each: rows ask, columns are looked at. */
export function drawHeat(canvas: HTMLCanvasElement, map: Uint8Array, tokens: number, table: Uint32Array): void {
  if (canvas.width !== tokens || canvas.height !== tokens) {
    canvas.width = tokens;
    canvas.height = tokens;
  }
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(tokens, tokens);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < map.length; i++) pixels[i] = table[map[i]];
  context.putImageData(image, 0, 0);
}
