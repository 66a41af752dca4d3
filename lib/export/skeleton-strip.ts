import { PoseError } from '../pose-error.js';
import type { Skeleton } from '../skeletons/skeleton.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import type { LiftedPoses } from './lifted-poses.js';

export interface StripOptions {
  /** How many frames are shown, evenly spread over the clip. Default 8. */
  columns?: number;
  /** Width of the picture in pixels. Default 1200. */
  width?: number;
  /** Where the 3D poses are seen from: degrees that the viewer walks round to the right. Default 50. */
  azimuth?: number;
}

const colours = { left: '#d1495b', right: '#2e6f95', middle: '#3d3d46', quiet: '#8b8d98', ground: '#e4e6ee' };
const margin = 20;
const titleHeight = 30;
const font = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"';

/** A line between two joints in picture coordinates; `depth` grows away from the viewer. */
interface Stroke {
  from: readonly [number, number];
  to: readonly [number, number];
  side: keyof typeof colours;
  depth: number;
}

/**
 * Draws a lifted clip as an SVG picture: above, the 2D keypoints of some frames in the image where they were found; below,
 * what they were lifted to, seen from the side and a little from above. Left limbs are red, right ones blue. The image
 * size must be known.
 */
export function skeletonStrip(result: LiftedPoses, options: StripOptions = {}): string {
  const { columns = 8, width = 1200, azimuth = 50 } = options;
  const { track } = result;
  if (!(Number.isInteger(columns) && columns >= 1 && width >= 200)) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `Picture: expected columns of 1 or more and a width of 200 or more, got ${columns} and ${width}.`,
    );
  }
  if (track.width === undefined || track.height === undefined) {
    throw new PoseError('ERR_ARGUMENT', 'Picture: expected lifted poses with the image size, got none.');
  }
  const count = Math.min(columns, track.frames);
  const shown = Array.from({ length: count }, (_, column) => Math.floor(((column + 0.5) * track.frames) / count));
  const above = drawKeypoints(result, shown, width, track.width);
  const below = drawPoses(result, shown, width, azimuth);
  const height = titleHeight * 2 + above.height + below.height + margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${px(height)}" width="${width}" height="${px(height)}">`,
    `<rect width="${width}" height="${px(height)}" rx="12" fill="#ffffff"/>`,
    title(margin, `2D keypoints (${track.layout}), ${track.width} x ${track.height} pixels`),
    `<g transform="translate(0 ${titleHeight})">${above.body}</g>`,
    title(
      titleHeight + above.height + margin,
      `lifted to 3D (${result.layout}), seen from ${azimuth} degrees to the side`,
    ),
    `<g transform="translate(0 ${px(titleHeight * 2 + above.height)})">${below.body}</g>`,
    '</svg>',
    '',
  ].join('\n');
}

function drawKeypoints({ track }: LiftedPoses, shown: number[], width: number, imageWidth: number) {
  const skeleton = skeletonByName(track.layout);
  const scale = (width - 2 * margin) / imageWidth;
  const ys = shown.flatMap((frame) =>
    skeleton.joints.map((_, joint) => track.keypoints[(frame * track.joints + joint) * 2 + 1]),
  );
  const top = Math.min(...ys) - 30;
  const height = (Math.max(...ys) + 30 - top) * scale;
  const body = [
    `<rect x="${margin}" y="0" width="${width - 2 * margin}" height="${px(height)}" rx="6" fill="#f6f7fa" stroke="${colours.ground}"/>`,
  ];
  for (const frame of shown) {
    const at = (joint: number): readonly [number, number] => {
      const point = (frame * track.joints + joint) * 2;
      return [margin + track.keypoints[point] * scale, (track.keypoints[point + 1] - top) * scale];
    };
    const strokes = bonesOf(skeleton).map(([a, b]) => ({
      from: at(a),
      to: at(b),
      side: sideOf(skeleton, a, b),
      depth: 0,
    }));
    body.push(...strokes.map((stroke) => line(stroke, 2.4)));
    for (const joint of skeleton.joints.keys()) {
      const [x, y] = at(joint);
      body.push(`<circle cx="${px(x)}" cy="${px(y)}" r="2.4" fill="${colours[sideOf(skeleton, joint, joint)]}"/>`);
    }
  }
  return { body: body.join('\n'), height };
}

function drawPoses({ poses, layout, track }: LiftedPoses, shown: number[], width: number, azimuth: number) {
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
  const centre = 12 - Math.min(...reach) * metre;
  const height = centre + Math.max(...reach) * metre + 48;
  for (const [index, frame] of shown.entries()) {
    const x0 = margin + (index + 0.5) * column;
    const floor = Math.max(...skeleton.joints.map((_, joint) => pointOf(poses, frame * joints + joint)[1]));
    const [gx, gy] = view([0, floor, 0]);
    const flat = Math.sin((elevation * Math.PI) / 180);
    body.push(
      `<ellipse cx="${px(x0 + gx * metre)}" cy="${px(centre + gy * metre)}" rx="${px(0.5 * metre)}" ry="${px(0.5 * metre * flat)}" fill="${colours.ground}"/>`,
    );
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
    for (const stroke of strokes) body.push(line(shortened(stroke), 9, '#ffffff'), line(stroke, 5));
    const time = track.fps === undefined ? `frame ${frame}` : `${(frame / track.fps).toFixed(2)} s`;
    body.push(
      `<text x="${px(x0)}" y="${px(height - 10)}" ${font} font-size="12" fill="${colours.quiet}" text-anchor="middle">${time}</text>`,
    );
  }
  return { body: body.join('\n'), height };
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

function line({ from, to, side }: Stroke, width: number, colour = colours[side] as string): string {
  const ends = `x1="${px(from[0])}" y1="${px(from[1])}" x2="${px(to[0])}" y2="${px(to[1])}"`;
  return `<line ${ends} stroke="${colour}" stroke-width="${width}" stroke-linecap="round"/>`;
}

function title(y: number, text: string): string {
  return `<text x="${margin}" y="${px(y)}" ${font} font-size="14" font-weight="600" fill="${colours.middle}">${text}</text>`;
}

/** A coordinate with one decimal. */
function px(value: number): string {
  return String(Number(value.toFixed(1)));
}
