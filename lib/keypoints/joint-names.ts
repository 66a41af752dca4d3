import { PoseError } from '../base/pose-error.js';
import { remembered } from '../base/remembered.js';
import type { Skeleton } from '../skeletons/skeleton.js';
import { skeletons } from '../skeletons/skeletons.js';

const sides = new Map([
  ...['l', 'left', 'lft'].map((word) => [word, 'left'] as const),
  ...['r', 'right', 'rgt'].map((word) => [word, 'right'] as const),
]);
/** Parts that names run a side into: "lshoulder", "rbigtoe". */
const sidedParts =
  /^(l|r|left|right)(eye|ear|shoulder|elbow|wrist|hand|hip|knee|ankle|heel|foot|bigtoe|smalltoe|toe|thumb|index|pinky)/;
/** Other words for a joint without a side. */
const synonyms = new Map([
  ...['pelvis', 'hips', 'midhip', 'hipcenter', 'centerhip', 'hipcentre', 'root'].map((word) => [word, 'hip'] as const),
  ...['topofhead', 'tophead'].map((word) => [word, 'headtop'] as const),
]);
/** Parts of faces and hands, whose single points tools name in their own ways. */
const anonymous = /face|hand|thumb|finger|wrist/;
/** Joints of the layouts whose later points are anonymous ones. */
const namedJoints: Readonly<Record<string, number>> = { 'coco-133': 23, 'halpe-136': 26 };

/** A joint's name without its spelling: "LEFT_SHOULDER", "leftShoulder", "l shoulder" and "lshoulder" are one. */
export const jointKey = remembered((name: string): string => {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
    .split(' ')
    .flatMap((word) => {
      const sided = sidedParts.exec(word);
      return sided ? [sided[1], word.slice(sided[1].length)] : [word];
    });
  const at = words.findIndex((word) => sides.has(word));
  const side = at < 0 ? '' : sides.get(words[at])!;
  const part = words.filter((_, index) => index !== at).join('');
  return side === '' ? (synonyms.get(part) ?? part) : `${side} ${part.replace('littletoe', 'smalltoe')}`;
});

/** A layout whose joints are all among some names, and the place of each of its joints there. */
export interface LayoutFit {
  layout: Skeleton;
  places: number[];
}

/** The layout with the most joints of those that are all among `names`; undefined where no layout is. */
export function fitLayout(names: readonly string[], layouts: readonly Skeleton[] = skeletons): LayoutFit | undefined {
  const places = new Map(names.map((name, index) => [jointKey(name), index]));
  const fits = layouts
    .filter(({ joints }) => joints.every((joint) => places.has(jointKey(joint))))
    .sort((a, b) => b.joints.length - a.joints.length)
    .map((layout) => ({ layout, places: layout.joints.map((joint) => places.get(jointKey(joint))!) }));
  return wholeBodyOf(names, layouts) ?? fits[0];
}

/** A whole body whose names of the body's joints fit in place, the face's and hands' points after them by any name. */
function wholeBodyOf(names: readonly string[], layouts: readonly Skeleton[]): LayoutFit | undefined {
  const layout = layouts.find(({ name, joints }) => {
    const named = namedJoints[name];
    if (named === undefined || joints.length !== names.length) return false;
    return names.every((given, at) =>
      at < named ? jointKey(given) === jointKey(joints[at]) : anonymous.test(given.toLowerCase()),
    );
  });
  return layout && { layout, places: layout.joints.map((_, index) => index) };
}

/** The error for names that fit no layout: the nearest one, what it has besides and what it lacks. */
export function unknownNames(where: string, names: readonly string[]): PoseError {
  const given = new Map(names.map((name) => [jointKey(name), name]));
  const compared = skeletons.map((layout) => {
    const own = new Set(layout.joints.map(jointKey));
    const missing = layout.joints.filter((joint) => !given.has(jointKey(joint)));
    const extra = names.filter((name) => !own.has(jointKey(name)));
    return { layout, missing, extra };
  });
  const off = ({ missing, extra }: (typeof compared)[number]) => missing.length + extra.length;
  const [{ layout, missing, extra }] = compared.sort((a, b) => off(a) - off(b));
  const list = (some: readonly string[]) => some.slice(0, 6).join(', ') + (some.length > 6 ? ', ...' : '');
  const parts = [
    ...(missing.length > 0 ? [`also needs ${list(missing)}`] : []),
    ...(extra.length > 0 ? [`has no ${list(extra)}`] : []),
  ];
  return new PoseError(
    'ERR_FORMAT',
    `${where}: expected the joints of a known layout, got ${list(names)}; the nearest is ${layout.name}, which ` +
      `${parts.join(' and ')}: give the option layout, a JSON file with name, joints and map into h36m-17.`,
  );
}
