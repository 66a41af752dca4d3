import { LIFTED_POSES } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { largest, smallest } from '../base/lists.js';
import { PoseError } from '../base/pose-error.js';
import type { LiftedPoses } from '../export/poses/lifted-poses.js';
import type { Skeleton } from '../skeletons/skeleton.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { type Drawing, element, heading, label, picture, placed, stacked } from './svg.js';

export interface StripOptions {
  /** How many frames are shown, evenly spread over the clip. Default 8. */
  columns?: number;
  /** Width of the picture in pixels. Default 1200. */
  width?: number;
  /** Where the 3D poses are seen from: degrees that the viewer walks round to the right. Default 50. */
  azimuth?: number;
  /** Other poses of the same frames, drawn below: the truth, or another model's. */
  others?: readonly { name: string; poses: Float32Array; layout: string }[];
}

const margin = 20;
const titleHeight = 30;
/** Of a person in 2D, pixels of the picture. */
const mostHeight = 240;

/** A line between two joints in picture coordinates; `depth` grows away from the viewer. */
interface Stroke {
  from: readonly [number, number];
  to: readonly [number, number];
  side: 'left' | 'right' | 'middle';
  depth: number;
}

/**
 * Draws frames of a lifted clip as an SVG picture: above, the 2D keypoints; below, what they were lifted to, seen from the
 * side and a little from above, and under it others' poses. Left limbs are red, right ones blue.
 */
export function skeletonStrip(result: LiftedPoses, options: StripOptions = {}): string {
  checkArguments('skeletonStrip', { result, options }, LIFTED_POSES, 'object?');
  const { columns = 8, width = 1200, azimuth = 50, others = [] } = options;
  const { track } = result;
  if (!(Number.isInteger(columns) && columns >= 1 && width >= 200)) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `Picture: expected columns of 1 or more and a width of 200 or more, got ${columns} and ${width}.`,
    );
  }
  for (const { name, poses, layout } of others) {
    const values = track.frames * skeletonByName(layout).joints.length * 3;
    if (poses.length !== values) {
      throw new PoseError(
        'ERR_ARGUMENT',
        `${name}: expected ${track.frames} frames, ${values} values, got ${poses.length}.`,
      );
    }
  }
  const count = Math.min(columns, track.frames);
  const shown = Array.from({ length: count }, (_, column) => Math.floor(((column + 0.5) * track.frames) / count));
  const seen = `seen from ${azimuth} degrees to the side`;
  const rows = [
    titled(`2D keypoints (${track.layout})`, drawKeypoints(result, shown, width)),
    titled(`lifted to 3D (${result.layout}), ${seen}`, drawPoses(result, shown, width, azimuth)),
    ...others.map(({ name, poses, layout }) =>
      titled(`${name} (${layout}), ${seen}`, drawPoses({ poses, layout, track }, shown, width, azimuth)),
    ),
  ];
  const all = stacked(rows);
  return picture({ ...all, height: all.height + margin });
}

/** A drawing under its heading. */
function titled(title: string, { width, height, body }: Drawing): Drawing {
  return {
    ...{ width, height: height + titleHeight },
    body: `${heading(margin, 20, title)}\n${placed(0, titleHeight, body)}`,
  };
}

/** Each frame's person in a column, all at the same scale. */
function drawKeypoints({ track }: LiftedPoses, shown: number[], width: number): Drawing {
  const skeleton = skeletonByName(track.layout);
  const column = (width - 2 * margin) / shown.length;
  const pointsOf = (frame: number) =>
    skeleton.joints.map((_, joint): [number, number] => {
      const at = (frame * track.joints + joint) * 2;
      return [track.keypoints[at], track.keypoints[at + 1]];
    });
  const boxes = shown.map((frame) => boxOf(pointsOf(frame)));
  const [widest, highest] = [0, 1].map((axis) => Math.max(1, largest(boxes.map((box) => box[axis + 2] - box[axis]))));
  const scale = Math.min((column - 24) / widest, mostHeight / highest);
  const height = highest * scale + 24;
  const body = [element('rect', { class: 'panel', x: margin, y: 0, width: width - 2 * margin, height, rx: 6 })];
  for (const [index, frame] of shown.entries()) {
    const [left, top, right, bottom] = boxes[index];
    const points = pointsOf(frame).map(([x, y]): [number, number] => [
      margin + (index + 0.5) * column + (x - (left + right) / 2) * scale,
      height / 2 + (y - (top + bottom) / 2) * scale,
    ]);
    for (const [a, b] of bonesOf(skeleton)) {
      body.push(line({ from: points[a], to: points[b], side: sideOf(skeleton, a, b), depth: 0 }, 2.4));
    }
    for (const [joint, [cx, cy]] of points.entries()) {
      body.push(element('circle', { class: sideOf(skeleton, joint, joint), cx, cy, r: 2.4, fill: 'currentColor' }));
    }
  }
  return { width, height, body: body.join('\n') };
}

/** left, top, right, bottom */
function boxOf(points: readonly (readonly [number, number])[]): [number, number, number, number] {
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  return [smallest(xs), smallest(ys), largest(xs), largest(ys)];
}

function drawPoses(
  { poses, layout, track }: Pick<LiftedPoses, 'poses' | 'layout' | 'track'>,
  shown: number[],
  width: number,
  azimuth: number,
): Drawing {
  const skeleton = skeletonByName(layout);
  const joints = skeleton.joints.length;
  const column = (width - 2 * margin) / shown.length;
  const metre = Math.min(130, column);
  const elevation = 14;
  const view = viewer(azimuth, elevation);
  const body: string[] = [];
  const reach = shown.flatMap((frame) =>
    skeleton.joints.map((_, joint) => view(pointOf(poses, frame * joints + joint))[1]),
  );
  const centre = 12 - smallest(reach) * metre;
  const height = centre + largest(reach) * metre + 48;
  for (const [index, frame] of shown.entries()) {
    const x0 = margin + (index + 0.5) * column;
    const floor = largest(skeleton.joints.map((_, joint) => pointOf(poses, frame * joints + joint)[1]));
    const [gx, gy] = view([0, floor, 0]);
    const flat = Math.sin((elevation * Math.PI) / 180);
    const ground = { cx: x0 + gx * metre, cy: centre + gy * metre, rx: 0.5 * metre, ry: 0.5 * metre * flat };
    body.push(element('ellipse', { class: 'grid', fill: 'currentColor', ...ground }));
    const at = (joint: number) => view(pointOf(poses, frame * joints + joint));
    const strokes = bonesOf(skeleton).map(([a, b]): Stroke => {
      const [from, to] = [at(a), at(b)];
      return {
        from: [x0 + from[0] * metre, centre + from[1] * metre],
        to: [x0 + to[0] * metre, centre + to[1] * metre],
        side: sideOf(skeleton, a, b),
        depth: (from[2] + to[2]) / 2,
      };
    });
    strokes.sort((a, b) => b.depth - a.depth);
    for (const stroke of strokes) body.push(line(shortened(stroke), 9, 'halo'), line(stroke, 5));
    const time = track.fps === undefined ? `frame ${frame}` : `${(frame / track.fps).toFixed(2)} s`;
    body.push(label(x0, height - 10, time, { class: 'quiet', 'text-anchor': 'middle' }));
  }
  return { width, height, body: body.join('\n') };
}

/** Camera axes to the picture's: x right, y down, depth away, for a viewer who walked round and stands a little higher. */
function viewer(azimuth: number, elevation: number): (point: Float32Array | number[]) => [number, number, number] {
  const [sa, ca] = [Math.sin((azimuth * Math.PI) / 180), Math.cos((azimuth * Math.PI) / 180)];
  const [se, ce] = [Math.sin((elevation * Math.PI) / 180), Math.cos((elevation * Math.PI) / 180)];
  return ([x, y, z]) => {
    const right = x * ca + z * sa;
    const away = z * ca - x * sa;
    return [right, y * ce - away * se, away * ce + y * se];
  };
}

function pointOf(poses: Float32Array, joint: number): Float32Array {
  return poses.subarray(joint * 3, joint * 3 + 3);
}

/** Pairs of joints that a line connects: each joint and its parent, and the sides of the trunk. */
function bonesOf(skeleton: Skeleton): [number, number][] {
  const bones = skeleton.parents.flatMap((parent, joint): [number, number][] => (parent < 0 ? [] : [[parent, joint]]));
  const joint = (name: string) => skeleton.joints.indexOf(name);
  if (skeleton.root < 0) {
    const trunk = [
      ['left shoulder', 'right shoulder'],
      ['left hip', 'right hip'],
      ['left shoulder', 'left hip'],
      ['right shoulder', 'right hip'],
    ];
    for (const [a, b] of trunk) {
      if (joint(a) >= 0 && joint(b) >= 0) bones.push([joint(a), joint(b)]);
    }
  }
  return bones;
}

function sideOf(skeleton: Skeleton, a: number, b: number): 'left' | 'right' | 'middle' {
  if (skeleton.left.includes(a) && skeleton.left.includes(b)) return 'left';
  if (skeleton.right.includes(a) && skeleton.right.includes(b)) return 'right';
  return 'middle';
}

/** The middle of a stroke: a halo that parts limbs which cross, but not bones which meet. */
function shortened(stroke: Stroke): Stroke {
  const between = (share: number): [number, number] => [
    stroke.from[0] + share * (stroke.to[0] - stroke.from[0]),
    stroke.from[1] + share * (stroke.to[1] - stroke.from[1]),
  ];
  return { ...stroke, from: between(0.3), to: between(0.7) };
}

function line({ from, to, side }: Stroke, width: number, colour: string = side): string {
  const ends = { x1: from[0], y1: from[1], x2: to[0], y2: to[1] };
  const pen = { stroke: 'currentColor', 'stroke-width': width, 'stroke-linecap': 'round' };
  return element('line', { class: colour, ...ends, ...pen });
}
