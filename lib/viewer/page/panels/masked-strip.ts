import type { Packed } from '../../packed-arrays.js';
import type { FrameValue } from '../../scene.js';
import { sharpen } from '../dom.js';
import { drawPoints, sides } from '../views/image-view.js';
import { css, type Palette } from '../views/look.js';

const rows = ['What the detector saw', 'What the masks left', 'What the model made of it'];
const rowHeight = 118;
const titleHeight = 20;

/** Height of the picture in CSS pixels. */
export const stripHeight = rows.length * (rowHeight + titleHeight) + 18;

/** Masked pose modelling (Fig. 6 of the paper): poses of a window, what is left of them, and their reconstruction. */
export function drawMasked(canvas: HTMLCanvasElement, { value, arrays }: Packed<FrameValue>, palette: Palette): void {
  const { context, width, height } = sharpen(canvas);
  context.clearRect(0, 0, width, height);
  const seen = arrays.get('visible') as Float32Array;
  const made = arrays.get('reconstruction') as Float32Array;
  const masked = arrays.get('masked') as Uint8Array;
  const jointMask = arrays.get('jointMask') as Uint8Array;
  const { skeleton } = value.reconstruction!;
  const joints = skeleton.joints.length;
  const count = masked.length;
  const columns = Math.min(count, width > 420 ? 9 : 5);
  const middle = (count - 1) / 2;
  const shown = Array.from({ length: columns }, (_, column) =>
    Math.round(middle + ((column - (columns - 1) / 2) * (count - 1)) / Math.max(1, columns - 1)),
  );
  const wide = width / columns;
  const extent = largest(seen, shown, joints);
  const scale = Math.min((wide * 0.86) / extent.width, (rowHeight * 0.9) / extent.height);
  for (const [row, title] of rows.entries()) {
    const top = row * (rowHeight + titleHeight);
    context.fillStyle = css(palette.muted);
    context.font = '12px system-ui, sans-serif';
    context.fillText(title, 8, top + 15);
    for (const [column, index] of shown.entries()) {
      const points = new Float32Array(joints * 3);
      const from = row === 2 ? made : seen;
      const middleOf = centre(seen, index, joints);
      for (let joint = 0; joint < joints; joint++) {
        const at = index * joints + joint;
        const hidden = row === 1 && (masked[index] === 1 || jointMask[at] === 1);
        points.set(hidden ? [Number.NaN, Number.NaN, 0] : [from[2 * at], from[2 * at + 1], 1], joint * 3);
      }
      const [x, y] = [(column + 0.5) * wide, top + titleHeight + rowHeight / 2];
      if (row === 1 && masked[index] === 1) {
        context.strokeStyle = css(palette.line);
        context.setLineDash([3, 3]);
        context.beginPath();
        context.roundRect(x - wide * 0.36, y - rowHeight * 0.42, wide * 0.72, rowHeight * 0.84, 6);
        context.stroke();
        context.setLineDash([]);
      }
      const place = { left: x - middleOf[0] * scale, top: y - middleOf[1] * scale, scale, alpha: 1 };
      // A model that has learned little puts joints far away.
      context.save();
      context.beginPath();
      context.rect(x - wide / 2, y - rowHeight / 2, wide, rowHeight);
      context.clip();
      drawPoints(context, points, skeleton, 0, { ...place, colours: sides(palette) });
      context.restore();
    }
  }
  context.fillStyle = css(palette.muted);
  context.textAlign = 'center';
  for (const [column, index] of shown.entries()) {
    context.fillText(String(value.window[index]), (column + 0.5) * wide, height - 5);
  }
  context.textAlign = 'start';
}

function centre(points: Float32Array, frame: number, joints: number): [number, number] {
  const { left, top, width, height } = box(points, frame, joints);
  return [left + width / 2, top + height / 2];
}

function largest(points: Float32Array, frames: readonly number[], joints: number): { width: number; height: number } {
  const boxes = frames.map((frame) => box(points, frame, joints));
  const most = (values: number[]) => values.reduce((most, value) => Math.max(most, value), 1);
  return { width: most(boxes.map(({ width }) => width)), height: most(boxes.map(({ height }) => height)) };
}

function box(points: Float32Array, frame: number, joints: number) {
  const low = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const high = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < joints * 2; i++) {
    const value = points[frame * joints * 2 + i];
    low[i % 2] = Math.min(low[i % 2], value);
    high[i % 2] = Math.max(high[i % 2], value);
  }
  return { left: low[0], top: low[1], width: high[0] - low[0], height: high[1] - low[1] };
}
