import { checkArguments } from '../base/check-arguments.js';
import { parseJsonText } from '../base/json-text.js';
import { PoseError } from '../base/pose-error.js';
import { readFileSync } from '../base/system/node.js';
import { tensor } from '../base/tensor.js';
import { human36m17 } from '../skeletons/human36m.js';
import { type IndexMix, mixJoints } from '../skeletons/to-human36m.js';
import { columnName } from './layout.js';
import { isRecord, shown, wrongValue } from './readers/json/json-value.js';

/**
 * A layout of the caller's own: the joints in the file's order (or the names of its columns), and where the 17 joints of
 * `h36m-17` come from, each a joint's name or names with weights that add up to 1:
 *
 * ```
 * { "name": "my-suit", "joints": ["pelvis", "l_hip", ...],
 *   "map": { "left hip": "l_hip", "neck": { "nose": 0.5, "skull": 0.5 }, ... } }
 * ```
 *
 * Hips, knees, ankles, shoulders, elbows, wrists, neck (the middle of the head) and head (its top) must be mapped;
 * hip defaults to the hips' middle, thorax to the shoulders' middle, spine to midway between hip and thorax.
 */
export interface CustomLayout {
  name: string;
  joints: readonly string[];
  map: Readonly<Record<string, string | Readonly<Record<string, number>>>>;
}

const optional = ['hip', 'thorax', 'spine'];
const fields = ['name', 'joints', 'map'];

/** Reads a layout from a JSON file. Throws `ERR_FILE` or `ERR_FORMAT` with the field. */
export function readCustomLayout(path: string): CustomLayout {
  checkArguments('readCustomLayout', { path }, 'text');
  let value: unknown;
  try {
    value = parseJsonText(readFileSync(path, 'utf8'));
  } catch (cause) {
    const code = cause instanceof SyntaxError ? 'ERR_FORMAT' : 'ERR_FILE';
    throw new PoseError(code, `${path}: expected a layout as JSON: ${(cause as Error).message}.`, { cause });
  }
  return parseCustomLayout(value, path);
}

/** Checks that a value is a layout; `where` names it in messages. Throws `ERR_FORMAT`. */
export function parseCustomLayout(value: unknown, where: string): CustomLayout {
  checkArguments('parseCustomLayout', { where }, 'text');
  if (!isRecord(value)) throw wrong(where, 'an object with name, joints and map', value);
  const stranger = Object.keys(value).find((key) => !fields.includes(key));
  if (stranger !== undefined) throw wrong(where, `the fields ${fields.join(', ')}`, stranger);
  const { name, joints, map } = value;
  if (typeof name !== 'string' || name === '') throw wrong(`${where}: name`, 'a text', name);
  if (!Array.isArray(joints) || joints.length === 0 || joints.some((joint) => typeof joint !== 'string')) {
    throw wrong(`${where}: joints`, 'a list of names', joints);
  }
  const twice = joints.find((joint, index) => joints.indexOf(joint) !== index);
  if (twice !== undefined) throw wrong(`${where}: joints`, 'names that differ', twice);
  if (!isRecord(map)) throw wrong(`${where}: map`, 'an object', map);
  const layout = { name, joints: joints as string[], map: map as CustomLayout['map'] };
  mixesOf(layout, where);
  return layout;
}

/** Sources, as indices into `joints`, and weights of each of the 17 joints; throws `ERR_FORMAT` that names the entry. */
export function mixesOf({ joints, map }: CustomLayout, where: string): IndexMix[] {
  const mixes = new Map<string, IndexMix>();
  for (const [joint, source] of Object.entries(map)) {
    const place = `${where}: map["${joint.slice(0, 40)}"]`;
    if (!human36m17.joints.includes(joint)) throw wrong(place, `one of ${human36m17.joints.join(', ')}`, joint);
    const parts: unknown = typeof source === 'string' ? { [source]: 1 } : source;
    if (!isRecord(parts)) throw wrong(place, "a joint's name or an object of names and weights", source);
    const mix = Object.entries(parts).map(([name, weight]) => {
      const index = joints.indexOf(name);
      if (index < 0) throw wrong(place, 'names out of joints', name);
      if (typeof weight !== 'number' || !Number.isFinite(weight))
        throw wrongValue(`${place}.${name}`, 'a weight', weight);
      return [index, weight] as const;
    });
    const sum = mix.reduce((total, [, weight]) => total + weight, 0);
    if (Math.abs(sum - 1) > 1e-6) throw wrong(place, 'weights that add up to 1', Number(sum.toFixed(6)));
    mixes.set(joint, mix);
  }
  const missing = human36m17.joints.filter((joint) => !mixes.has(joint) && !optional.includes(joint));
  if (missing.length > 0) throw wrong(`${where}: map`, `an entry for ${missing.join(', ')}`, undefined);
  const between = (a: string, b: string): IndexMix =>
    [a, b].flatMap((joint) => mixes.get(joint)!.map(([index, weight]) => [index, weight / 2] as const));
  if (!mixes.has('hip')) mixes.set('hip', between('left hip', 'right hip'));
  if (!mixes.has('thorax')) mixes.set('thorax', between('left shoulder', 'right shoulder'));
  if (!mixes.has('spine')) mixes.set('spine', between('hip', 'thorax'));
  return human36m17.joints.map((joint) => mixes.get(joint)!);
}

/** Keypoints (T, J, 2) and confidence (T, J) of the caller's own layout as those of `h36m-17`. */
export function mapCustomLayout(
  layout: CustomLayout,
  keypoints: Float32Array,
  confidence: Float32Array,
): { keypoints: Float32Array; confidence: Float32Array } {
  checkArguments(
    'mapCustomLayout',
    { layout, keypoints, confidence },
    { name: 'text', joints: 'list', map: 'object' },
    'Float32Array',
    'Float32Array',
  );
  const mixes = mixesOf(layout, `layout ${layout.name}`);
  const joints = layout.joints.length;
  const frames = confidence.length / joints;
  const triples = Float32Array.from({ length: frames * joints * 3 }, (_, at) => {
    const point = Math.floor(at / 3);
    return at % 3 === 2 ? confidence[point] : keypoints[point * 2 + (at % 3)];
  });
  const { data } = mixJoints(mixes, tensor(triples, [frames, joints, 3]));
  return { keypoints: data.filter((_, at) => at % 3 !== 2), confidence: data.filter((_, at) => at % 3 === 2) };
}

/** Places, among a file's named columns, of each of `wanted`; throws `ERR_FORMAT` that names those that lack. */
export function columnsOf(where: string, wanted: readonly string[], names: readonly string[]): number[] {
  const place = new Map(names.map((name, index) => [columnName(name), index]));
  const lacking = wanted.filter((name) => !place.has(columnName(name)));
  if (lacking.length > 0) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected joints called ${lacking.slice(0, 8).join(', ')}, got ${names.slice(0, 40).join(', ')}.`,
    );
  }
  return wanted.map((name) => place.get(columnName(name))!);
}

function wrong(place: string, expected: string, got: unknown): PoseError {
  return new PoseError('ERR_FORMAT', `${place}: expected ${expected}, got ${shown(got)}.`);
}
