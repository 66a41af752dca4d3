import { PoseError } from '../base/pose-error.js';
import type { Skeleton } from '../skeletons/skeleton.js';
import { skeletonByName, skeletons } from '../skeletons/skeletons.js';

/** A joint's name as a CSV column spells it: "left hip" is `left_hip`. */
export function columnName(joint: string): string {
  return joint
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_');
}

/** The layout that has exactly these joints, in any order and spelling of blanks. */
export function layoutOfJointNames(names: readonly string[]): Skeleton | undefined {
  const wanted = new Set(names.map(columnName));
  return skeletons.find(
    ({ joints }) => joints.length === names.length && joints.every((joint) => wanted.has(columnName(joint))),
  );
}

/**
 * Settles which layout J joints have: the caller's word, else the file's, else the only layout with that many joints.
 * Throws `ERR_ARGUMENT` for a name that is none or has another number of joints, `ERR_FORMAT` when nobody says it.
 */
export function resolveLayout(
  where: string,
  joints: number,
  stated: string | undefined,
  option: string | undefined,
  notices: string[],
): Skeleton {
  if (option !== undefined) {
    const layout = skeletonByName(option);
    if (layout.joints.length !== joints) {
      throw new PoseError(
        'ERR_ARGUMENT',
        `${where}: option layout: expected a layout of ${joints} joints, as the file has, got ${option} with ${layout.joints.length}.`,
      );
    }
    if (stated !== undefined && stated !== option) {
      notices.push(`The file says layout ${stated}; taken as ${option}, as the caller says.`);
    }
    return layout;
  }
  const fitting = skeletons.filter((skeleton) => skeleton.joints.length === joints);
  if (stated !== undefined) {
    const layout = fitting.find((skeleton) => skeleton.name === stated);
    if (layout) return layout;
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected a known layout of ${joints} joints, got ${JSON.stringify(stated.slice(0, 40))}.`,
    );
  }
  if (fitting.length === 1) return fitting[0];
  const known = skeletons.map((skeleton) => `${skeleton.name} (${skeleton.joints.length})`).join(', ');
  throw new PoseError(
    'ERR_FORMAT',
    fitting.length === 0
      ? `${where}: expected the joints of a known layout, got ${joints}; known are ${known}.`
      : `${where}: expected a file that says its layout, got ${joints} joints, which may be ${fitting
          .map((skeleton) => skeleton.name)
          .join(' or ')}: give the option layout.`,
  );
}
