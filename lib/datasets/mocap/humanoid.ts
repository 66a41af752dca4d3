import type { MocapLayout, MocapSource } from './mocap-layout.js';

/** How skeletons of characters call a limb's joints on the left ("left", "l" and the right are put in), likeliest first. */
const limbs = {
  hip: ['?upleg', '?upperleg', '?thigh', '?hip'],
  // Mixamo's "leg" is the lower one.
  knee: ['?lowerleg', '?shin', '?calf', '?knee', '?leg'],
  ankle: ['?foot', '?ankle'],
  // Mixamo's "shoulder" is the collar bone, where there is an arm beside it.
  shoulder: ['?upperarm', '?uparm', '?arm', '?shldr', '?shoulder'],
  elbow: ['?lowerarm', '?forearm', '?elbow'],
  wrist: ['?hand', '?wrist'],
} as const;
/** Whose end a joint is where it has no name. */
const endOf: Partial<Record<keyof typeof limbs, keyof typeof limbs>> = { wrist: 'elbow', ankle: 'knee' };
const headTops = ['headtopend', 'headtop', 'headend', 'headnub', 'topofhead'];

/** "mixamorig:LeftUpLeg", "thigh_l", "L Thigh" without prefix and spelling. */
function keyOf(name: string): string {
  const words = name
    .replace(/^.*[:|]/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
  return words.replace(/^bip0?1?/, '');
}

/**
 * The map into Human3.6M's 17 joints of a skeleton whose joints have the names that Mixamo's, VRM's, Unreal's, Rokoko's,
 * Xsens's or our own rigs use; undefined where a limb has no name. Hip and thorax lie between the hips and the shoulders,
 * the spine 48 % of the way up; the head's top is the skeleton's, or 0.18 m above the head joint.
 */
export function humanoidLayout(joints: readonly string[]): MocapLayout | undefined {
  const places = new Map(joints.map((name) => [keyOf(name), name]));
  const find = (names: readonly string[]) => {
    const key = names.find((name) => places.has(name));
    return key === undefined ? undefined : places.get(key);
  };
  const limb = (part: keyof typeof limbs, side: 'left' | 'right'): string | undefined => {
    const found = find(
      limbs[part].flatMap((pattern) => {
        const base = pattern.slice(1);
        return [`${side}${base}`, `${base}${side}`, `${side[0]}${base}`, `${base}${side[0]}`];
      }),
    );
    const above = endOf[part];
    const ended = found === undefined && above !== undefined ? limb(above, side) : undefined;
    return found ?? (ended === undefined ? undefined : joints.find((name) => name === `${ended}_end`));
  };
  const names = Object.fromEntries(
    (['left', 'right'] as const).flatMap((side) =>
      (Object.keys(limbs) as (keyof typeof limbs)[]).map((part) => [`${side} ${part}`, limb(part, side)]),
    ),
  );
  const neck = find(['neck1', 'neck']);
  const head = find(['head']);
  const top = find(headTops) ?? (head === undefined && neck !== undefined ? `${neck}_end` : undefined);
  const skull = head ?? neck;
  if (Object.values(names).some((name) => name === undefined) || skull === undefined) return undefined;
  if (top !== undefined && !joints.includes(top)) return undefined;
  const at = (joint: string, weight = 1, offset?: MocapSource['offset']): MocapSource => ({ joint, weight, offset });
  const own = (name: string) => [at(names[name]!)];
  const [hips, shoulders] = ['hip', 'shoulder'].map((part) => [names[`left ${part}`]!, names[`right ${part}`]!]);
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
      top === undefined ? [at(skull, 1, [0, 0.07, 0.07])] : [at(skull, 0.5, [0, 0, 0.07]), at(top, 0.5, [0, 0, 0.07])],
      top === undefined ? [at(skull, 1, [0, 0.18, 0])] : [at(top)],
      own('left shoulder'),
      own('left elbow'),
      own('left wrist'),
      own('right shoulder'),
      own('right elbow'),
      own('right wrist'),
    ],
  };
}
