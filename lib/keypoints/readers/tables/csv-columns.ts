import { PoseError } from '../../../base/pose-error.js';
import { shown } from '../json/json-value.js';

/** Columns' endings: 0 for x, 1 for y, 2 for a confidence. */
const axes = new Map([
  ...['x', 'xpx', 'xcoord'].map((name) => [name, 0] as const),
  ...['y', 'ypx', 'ycoord'].map((name) => [name, 1] as const),
  ...['c', 'conf', 'confidence', 'score', 'likelihood', 'visibility', 'vis', 'v', 'p', 'prob'].map(
    (name) => [name, 2] as const,
  ),
]);
/** Beginnings of columns that are about the person's box or the image. */
const boxes = /^(bbox|box|bounding[_ ]?box|boundingbox|center|centre|centroid|roi|image|img)(?=[_. ]|[XY]$|$)/i;

/** Which axis a column is of by its whole name: x, y or a confidence. */
export function axisOf(name: string): number | undefined {
  return axes.get(name.toLowerCase().replace(/[^a-z]/g, ''));
}

/** Columns of joints. */
export interface JointColumns {
  joints: string[];
  /** Columns of x, y and confidence of each joint; -1 where there is none. */
  places: number[][];
}

/** The joints that a header names, in the order of their numbers where they have numbers. Throws `ERR_FORMAT`. */
export function jointColumns(where: string, header: readonly string[]): JointColumns {
  const places = new Map<string, number[]>();
  for (const [column, cell] of header.entries()) {
    if (boxes.test(cell)) continue;
    const [joint, axis] = splitName(cell);
    const index = axes.get(axis.toLowerCase());
    if (joint === '' || index === undefined) continue;
    const place = places.get(joint) ?? [-1, -1, -1];
    if (place[index] >= 0) throw new PoseError('ERR_FORMAT', `${where}: line 1: expected one column ${shown(cell)}.`);
    place[index] = column;
    places.set(joint, place);
  }
  const joints = [...places].filter(([, [x, y]]) => x >= 0 && y >= 0);
  if (joints.length === 0) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: line 1: expected columns <joint>_x and <joint>_y, or x0, y0, ..., or joint, x and y of a row a joint, got ${shown(header.join(','))}.`,
    );
  }
  const numbers = joints.map(([name]) => /^\D*(\d+)$/.exec(name)?.[1]);
  if (numbers.every((number) => number !== undefined)) {
    joints.sort(([a], [b]) => numberIn(a) - numberIn(b));
  }
  return { joints: joints.map(([name]) => name), places: joints.map(([, place]) => place) };
}

/** Whether a header names x and y of a joint. */
export function namesJoints(header: readonly string[]): boolean {
  const found = header.filter((cell) => !boxes.test(cell)).map((cell) => axes.get(splitName(cell)[1].toLowerCase()));
  return found.includes(0) && found.includes(1);
}

function numberIn(name: string): number {
  return Number(/\d+$/.exec(name)?.[0]);
}

/** "left_hip_x", "x_left_hip", "leftHipX" and "x7" as the joint and the axis; empty where a name is neither. */
function splitName(cell: string): [string, string] {
  const numbered = /^([A-Za-z]+)[_. ]?(\d+)$/.exec(cell);
  if (numbered && axes.has(numbered[1].toLowerCase())) return [numbered[2], numbered[1]];
  const parts = /^(.+)[_. ]([A-Za-z]+)$/.exec(cell);
  if (parts && axes.has(parts[2].toLowerCase())) return [parts[1], parts[2]];
  const turned = /^([A-Za-z]+)[_. ](.+)$/.exec(cell);
  if (turned && axes.has(turned[1].toLowerCase())) return [turned[2], turned[1]];
  const camel = /^(.*[a-z0-9])(X|Y|Conf|Confidence|Score|Visibility)$/.exec(cell);
  return camel ? [camel[1], camel[2]] : ['', ''];
}
