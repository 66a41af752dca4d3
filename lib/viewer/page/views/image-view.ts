import type { SceneSkeleton } from '../../scene.js';
import { sharpen } from '../dom.js';
import type { Person, Result } from '../source.js';
import { between, css, type Look, type Palette } from './look.js';

/** A part of the image, pixels. */
interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The 2D keypoints where the image had them. */
export class ImageView {
  readonly #canvas: HTMLCanvasElement;
  readonly #people: readonly Person[];
  readonly #image: Frame;
  /** For each person, the middle in every frame and the size of what is shown about it. */
  readonly #closeUps: (CloseUp | undefined)[];

  constructor(canvas: HTMLCanvasElement, result: Result, fps: number) {
    this.#canvas = canvas;
    this.#people = result.people;
    const { image } = result;
    this.#closeUps = result.people.map((person) => closeUpOf(person, fps));
    const extents = image ? [] : result.people.map(extentOf);
    this.#image = image
      ? { left: 0, top: 0, width: image.width, height: image.height }
      : around(extents.filter((frame) => frame !== undefined));
  }

  #closeUp(person: number, frame: number): Frame {
    const found = this.#closeUps[person];
    if (!found) return this.#image;
    const { middles, width, height } = found;
    return { left: middles[2 * frame] - width / 2, top: middles[2 * frame + 1] - height / 2, width, height };
  }

  draw(frame: number, look: Look, palette: Palette): void {
    const { context, width, height } = sharpen(this.#canvas);
    const shown = look.fit === 'person' ? this.#closeUp(look.person, frame) : this.#image;
    const margin = 14;
    const scale = Math.min((width - 2 * margin) / shown.width, (height - 2 * margin) / shown.height);
    const left = (width - shown.width * scale) / 2 - shown.left * scale;
    const top = (height - shown.height * scale) / 2 - shown.top * scale;
    context.fillStyle = css(palette.stage);
    context.fillRect(0, 0, width, height);
    const { left: x, top: y, width: wide, height: high } = this.#image;
    const box = [left + x * scale, top + y * scale, wide * scale, high * scale] as const;
    context.fillStyle = css(between(palette.stage, palette.surface, palette.dark ? 0.7 : 1));
    context.strokeStyle = css(palette.line);
    context.lineWidth = 1;
    context.beginPath();
    context.roundRect(...box, 4);
    context.fill();
    context.stroke();
    for (const [index, person] of this.#people.entries()) {
      if (!person.keypoints || !person.keypointSkeleton) continue;
      const quiet = this.#people.length > 1 && index !== look.person;
      const own = palette.people[index % palette.people.length];
      drawPoints(context, person.keypoints, person.keypointSkeleton, frame, {
        ...{ left, top, scale, alpha: (quiet ? 0.4 : 1) * (person.state[frame] === 1 ? 0.5 : 1) },
        colours: look.colour === 'person' ? { left: css(own), right: css(own), middle: css(own) } : sides(palette),
      });
    }
  }
}

interface CloseUp {
  /** (T, 2) */
  middles: Float32Array;
  width: number;
  height: number;
}

/** Follows a person with one size for all frames, calmly: the middle is that of the frames about. */
function closeUpOf({ keypoints, keypointSkeleton }: Person, fps: number): CloseUp | undefined {
  if (!keypoints || !keypointSkeleton) return undefined;
  const row = keypointSkeleton.joints.length * 3;
  const frames = keypoints.length / row;
  const raw = new Float32Array(frames * 2);
  const [widths, heights]: [number[], number[]] = [[], []];
  for (let frame = 0; frame < frames; frame++) {
    const extent = extentOf({ keypoints: keypoints.subarray(frame * row, (frame + 1) * row) });
    if (extent) {
      raw.set([extent.left + extent.width / 2, extent.top + extent.height / 2], 2 * frame);
      widths.push(extent.width);
      heights.push(extent.height);
    } else raw.copyWithin(2 * frame, Math.max(0, 2 * frame - 2), Math.max(0, 2 * frame - 2) + 2);
  }
  if (widths.length === 0) return undefined;
  const usual = (sizes: number[]) => sizes.sort((a, b) => a - b)[Math.floor(sizes.length * 0.98)] * 1.12;
  return { middles: averaged(raw, Math.round(fps / 2)), width: usual(widths), height: usual(heights) };
}

/** Running mean of (T, 2) over `half` frames to each side. */
function averaged(values: Float32Array, half: number): Float32Array {
  const frames = values.length / 2;
  const out = new Float32Array(values.length);
  for (const axis of [0, 1]) {
    let [sum, first, last] = [0, 0, 0];
    for (let frame = 0; frame < frames; frame++) {
      for (; last < frames && last <= frame + half; last++) sum += values[2 * last + axis];
      for (; first < frame - half; first++) sum -= values[2 * first + axis];
      out[2 * frame + axis] = sum / (last - first);
    }
  }
  return out;
}

/** How points are put onto a canvas. */
export interface PointStyle {
  left: number;
  top: number;
  scale: number;
  alpha: number;
  colours: Record<'left' | 'right' | 'middle', string>;
}

export function sides({ side }: Palette): PointStyle['colours'] {
  return { left: css(side.left), right: css(side.right), middle: css(side.middle) };
}

/** Draws one frame of (T, J, 3): x, y, confidence; what is less sure is fainter. */
export function drawPoints(
  context: CanvasRenderingContext2D,
  points: Float32Array,
  { parents, links = [], sides: side }: SceneSkeleton,
  frame: number,
  { left, top, scale, alpha, colours }: PointStyle,
): void {
  const start = frame * parents.length * 3;
  const x = (joint: number) => left + points[start + joint * 3] * scale;
  const y = (joint: number) => top + points[start + joint * 3 + 1] * scale;
  const sure = (joint: number) => 0.3 + 0.7 * Math.min(1, Math.max(0, points[start + joint * 3 + 2]));
  const dense = parents.length > 40;
  context.lineCap = 'round';
  context.lineWidth = dense ? 1.5 : 3;
  const line = (joint: number, other: number, colour: string) => {
    if (other < 0 || !Number.isFinite(x(joint)) || !Number.isFinite(x(other))) return;
    context.globalAlpha = alpha * Math.min(sure(joint), sure(other));
    context.strokeStyle = colour;
    context.beginPath();
    context.moveTo(x(other), y(other));
    context.lineTo(x(joint), y(joint));
    context.stroke();
  };
  for (const [joint, other] of links)
    line(joint, other, side[joint] === side[other] ? colours[side[joint]] : colours.middle);
  for (const [joint, parent] of parents.entries()) line(joint, parent, colours[side[joint]]);
  for (const joint of parents.keys()) {
    if (!Number.isFinite(x(joint))) continue;
    context.globalAlpha = alpha * sure(joint);
    context.fillStyle = colours[side[joint]];
    context.beginPath();
    context.arc(x(joint), y(joint), dense ? 1.5 : 3.2, 0, 2 * Math.PI);
    context.fill();
  }
  context.globalAlpha = 1;
}

/** What holds a person's points, with some room about them. */
function extentOf({ keypoints }: Pick<Person, 'keypoints'>): Frame | undefined {
  if (!keypoints) return undefined;
  const low = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const high = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let at = 0; at < keypoints.length; at += 3) {
    if (!(keypoints[at + 2] > 0)) continue;
    for (const axis of [0, 1]) {
      low[axis] = Math.min(low[axis], keypoints[at + axis]);
      high[axis] = Math.max(high[axis], keypoints[at + axis]);
    }
  }
  if (!(high[0] > low[0])) return undefined;
  const room = 0.08 * Math.max(high[0] - low[0], high[1] - low[1]);
  const size = { width: high[0] - low[0] + 2 * room, height: high[1] - low[1] + 2 * room };
  return { left: low[0] - room, top: low[1] - room, ...size };
}

function around(frames: readonly Frame[]): Frame {
  if (frames.length === 0) return { left: 0, top: 0, width: 1, height: 1 };
  const left = frames.reduce((edge, frame) => Math.min(edge, frame.left), Infinity);
  const top = frames.reduce((edge, frame) => Math.min(edge, frame.top), Infinity);
  const right = frames.reduce((edge, frame) => Math.max(edge, frame.left + frame.width), -Infinity);
  const bottom = frames.reduce((edge, frame) => Math.max(edge, frame.top + frame.height), -Infinity);
  return { left, top, width: right - left, height: bottom - top };
}
