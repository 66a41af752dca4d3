import type { MocapClip } from './mocap-clip.js';
import type { MocapLayout, MocapSource } from './mocap-layout.js';

/** How skeletons of characters call a limb's joints on the left ("left", "l" and the right are put in), likeliest first. */
const limbs = {
  // "leg" is the hip in SOMA's skeletons, where a shin is the knee.
  hip: ['?upleg', '?upperleg', '?thigh', '?hip', '?leg'],
  // Mixamo's "leg" is the lower one.
  knee: ['?lowerleg', '?lowleg', '?shin', '?calf', '?knee', '?leg'],
  // SMPL has an ankle, and calls the ball of the foot "foot".
  ankle: ['?ankle', '?foot'],
  // Mixamo's "shoulder" is the collar bone, where there is an arm beside it.
  shoulder: ['?upperarm', '?uparm', '?uarm', '?arm', '?shldr', '?shoulder'],
  elbow: ['?lowerarm', '?lowarm', '?forearm', '?farm', '?elbow'],
  // SMPL has a wrist, and calls the middle of the hand "hand".
  wrist: ['?wrist', '?hand'],
} as const;
/** Whose end a joint is where it has no name. */
const endOf: Partial<Record<keyof typeof limbs, keyof typeof limbs>> = { wrist: 'elbow', ankle: 'knee' };
const headTops = ['headtopend', 'headtop', 'headend', 'headnub', 'topofhead'];
/** Metres: nearer to its joint than this, an end says nothing. Exporters write ends without a length. */
const shortestEnd = 0.01;

/** "mixamorig:LeftUpLeg", "thigh_l", "L Thigh" without prefix and spelling. */
function keyOf(name: string, prefix: string): string {
  const words = (name.startsWith(prefix) ? name.slice(prefix.length) : name)
    .replace(/^.*[:|]/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
  return words.replace(/^bip0*1?/, '');
}

/** Begins all names but the first, as "m_avg_" and "mixamorig" do; a capital follows it, or it ends in a character that is no letter. */
function commonPrefix(names: readonly string[]): string {
  const [first = '', ...others] = names.slice(1);
  let length = first.length;
  for (const name of others) while (!name.startsWith(first.slice(0, length))) length--;
  const capital = [first, ...others].every((name) => /[A-Z]/.test(name.charAt(length)));
  return capital && length > 2 ? first.slice(0, length) : (/^.*[^A-Za-z]/.exec(first.slice(0, length))?.[0] ?? '');
}

type Vector = readonly [number, number, number];

/**
 * The map into Human3.6M's 17 joints of a skeleton whose joints have the names that Mixamo's, VRM's, Unreal's, Rokoko's,
 * Xsens's, SMPL's or our own rigs use; undefined where a limb has no name. Hip and thorax lie between the hips and the shoulders,
 * the spine 48 % of the way up; the head's top is the skeleton's, or 0.18 m beyond the head joint.
 */
export function humanoidLayout({ joints, rest }: Pick<MocapClip, 'joints' | 'rest'>): MocapLayout | undefined {
  const prefix = commonPrefix(joints);
  const places = new Map(joints.map((name) => [keyOf(name, prefix), name]));
  const find = (names: readonly string[]) => {
    const key = names.find((name) => places.has(name));
    return key === undefined ? undefined : places.get(key);
  };
  const restOf = (name: string): Vector => {
    const at = 3 * joints.indexOf(name);
    return [rest![at], rest![at + 1], rest![at + 2]];
  };
  const between = (from: string, to: string): Vector => {
    const [a, b] = [restOf(from), restOf(to)];
    return [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
  };
  const apart = (from: string, to: string) => rest === undefined || Math.hypot(...between(from, to)) >= shortestEnd;
  const limb = (part: keyof typeof limbs, side: 'left' | 'right'): string | undefined => {
    const found = find(
      limbs[part].flatMap((pattern) => {
        const base = pattern.slice(1);
        return [`${side}${base}`, `${base}${side}`, `${side[0]}${base}`, `${base}${side[0]}`];
      }),
    );
    const above = endOf[part];
    const ended = found === undefined && above !== undefined ? limb(above, side) : undefined;
    if (ended === undefined) return found;
    return joints.find((name) => name === `${ended}_end` && apart(ended, name));
  };
  const names = Object.fromEntries(
    (['left', 'right'] as const).flatMap((side) =>
      (Object.keys(limbs) as (keyof typeof limbs)[]).map((part) => [`${side} ${part}`, limb(part, side)]),
    ),
  );
  const neck = find(['neck1', 'neck']);
  const head = find(['head']);
  const skull = head ?? neck;
  const found = Object.values(names);
  // One joint cannot be two: a leg without a thigh has no hip.
  if (found.includes(undefined) || new Set(found).size < found.length || skull === undefined) return undefined;
  const end = find(headTops) ?? joints.find((name) => name === `${skull}_end`);
  const top = end !== undefined && apart(skull, end) ? end : undefined;
  const at = (joint: string, weight = 1, offset?: MocapSource['offset']): MocapSource => ({ joint, weight, offset });
  const own = (name: string) => [at(names[name]!)];
  const [hips, shoulders] = ['hip', 'shoulder'].map((part) => [names[`left ${part}`]!, names[`right ${part}`]!]);
  const parent = head !== undefined && neck !== undefined && neck !== head && apart(neck, head) ? neck : hips[0];
  const axes = rest === undefined ? standing : headAxes(between(parent, top ?? skull), between(hips[1], hips[0]));
  const moved = (up: number, ahead: number): Vector =>
    [0, 1, 2].map((axis) => up * axes.up[axis] + ahead * axes.ahead[axis]) as unknown as Vector;
  return {
    name: 'a character with named limbs',
    skipFrames: 0,
    sources: [
      hips.map((joint) => at(joint, 0.5)),
      own('right hip'),
      own('right knee'),
      own('right ankle'),
      own('left hip'),
      own('left knee'),
      own('left ankle'),
      [...hips.map((joint) => at(joint, 0.26)), ...shoulders.map((joint) => at(joint, 0.24))],
      shoulders.map((joint) => at(joint, 0.5)),
      top === undefined
        ? [at(skull, 1, moved(0.07, 0.07))]
        : [at(skull, 0.5, moved(0, 0.07)), at(top, 0.5, moved(0, 0.07))],
      top === undefined ? [at(skull, 1, moved(0.18, 0))] : [at(top)],
      own('left shoulder'),
      own('left elbow'),
      own('left wrist'),
      own('right shoulder'),
      own('right elbow'),
      own('right wrist'),
    ],
  };
}

interface HeadAxes {
  up: Vector;
  ahead: Vector;
}

const standing: HeadAxes = { up: [0, 1, 0], ahead: [0, 0, 1] };

/**
 * Directions in the head's own axes, which are the file's where nothing is turned: `up` along the neck, `ahead` square to it and
 * to `left`, from the right hip to the left one. Files with z up or bones along x have them elsewhere than y and z.
 */
function headAxes(neck: Vector, left: Vector): HeadAxes {
  const up = unit(neck);
  const ahead = unit([
    left[1] * up[2] - left[2] * up[1],
    left[2] * up[0] - left[0] * up[2],
    left[0] * up[1] - left[1] * up[0],
  ]);
  return [...up, ...ahead].every(Number.isFinite) ? { up: nearestAxis(up), ahead: nearestAxis(ahead) } : standing;
}

function unit([x, y, z]: Vector): Vector {
  const length = Math.hypot(x, y, z);
  return [x / length, y / length, z / length];
}

/** The axis of the file that a direction goes along: a neck leans, a head's own axis does not. */
function nearestAxis(direction: Vector): Vector {
  const largest = direction.map(Math.abs).reduce((most, value) => Math.max(most, value));
  const axis = direction.findIndex((value) => Math.abs(value) === largest);
  return [0, 1, 2].map((index) => (index === axis ? Math.sign(direction[axis]) : 0)) as unknown as Vector;
}
