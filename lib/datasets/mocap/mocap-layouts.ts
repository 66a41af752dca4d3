import { PoseError } from '../../base/pose-error.js';
import { type CustomLayout, columnsOf, mixesOf } from '../../keypoints/custom-layout.js';
import { columnName } from '../../keypoints/layout.js';
import { humanoidLayout } from './humanoid.js';
import type { MocapClip } from './mocap-clip.js';
import type { MocapLayout, MocapSource } from './mocap-layout.js';

const MAX_FRAMES = 5_000_000;
/** Metres from the origin beyond which a file cannot be right. */
const FARTHEST = 1000;

function at(joint: string, offset?: readonly [number, number, number]): MocapSource[] {
  return [{ joint, weight: 1, offset }];
}

function between(a: string, b: string, shareOfB = 0.5): MocapSource[] {
  return [
    { joint: a, weight: 1 - shareOfB },
    { joint: b, weight: shareOfB },
  ];
}

/*
 * The same definitions stand behind all three, so that a network sees one kind of body:
 * - hip: midway between the hip joints (in Human3.6M the three lie on one line);
 * - spine: 44 to 50% of the way up from the hip to the thorax (Human3.6M: 48%);
 * - thorax: midway between the shoulder joints, which detectors give too (cgspeed: half way from there to its
 *   neck joint, because its shoulders hang lower), 0.49 m above the hip as in Human3.6M;
 * - head: the top of the head, about 0.25 m above the thorax (Human3.6M: 0.24 m);
 * - neck (Human3.6M's "neck/nose"): about 0.11 m below the top of the head and 0.06 m ahead of it;
 * - limbs: the joint centres themselves; the wrist is where the hand begins.
 */

/** CMU's ASF skeleton (`cmu` in lib/skeletons): a name means the far end of that bone. */
const asf: MocapLayout = {
  name: 'CMU ASF/AMC',
  skipFrames: 0,
  sources: [
    between('lhipjoint', 'rhipjoint'), // the file's own root lies about 0.1 m above
    at('rhipjoint'),
    at('rfemur'),
    at('rtibia'),
    at('lhipjoint'),
    at('lfemur'),
    at('ltibia'),
    at('lowerback'),
    between('lclavicle', 'rclavicle'),
    at('head', [0, -0.11, 0.06]),
    at('head'),
    at('lclavicle'),
    at('lhumerus'),
    at('lwrist'), // lradius ends halfway down the forearm
    at('rclavicle'),
    at('rhumerus'),
    at('rwrist'),
  ],
};

/** The CMU database as converted to BVH by B. Hahne (cgspeed): a name means where that joint turns. */
const cgspeed: MocapLayout = {
  name: 'CMU BVH (cgspeed)',
  skipFrames: 12, // a T-pose, and nine frames of turning from it into the motion
  sources: [
    between('lThigh', 'rThigh'),
    at('rThigh'),
    at('rShin'),
    at('rFoot'),
    at('lThigh'),
    at('lShin'),
    at('lFoot'),
    between('abdomen', 'chest', 0.4),
    [...between('lShldr', 'rShldr').map((source) => ({ ...source, weight: 0.25 })), { joint: 'neck', weight: 0.5 }],
    at('head', [0, 0.03, 0.07]), // the eyes are 0.08 above and ahead of the head joint
    at('head', [0, 0.14, 0.01]),
    at('lShldr'),
    at('lForeArm'),
    at('lHand'),
    at('rShldr'),
    at('rForeArm'),
    at('rHand'),
  ],
};

/** ReActIdle: a Blender rig; bodies are about 0.85 of life size. */
const reactIdle: MocapLayout = {
  name: 'ReActIdle BVH',
  skipFrames: 0,
  sources: [
    between('thigh.L', 'thigh.R'),
    at('thigh.R'),
    at('shin.R'),
    at('foot.R'),
    at('thigh.L'),
    at('shin.L'),
    at('foot.L'),
    at('spine.001'),
    between('upper_arm.L', 'upper_arm.R'),
    at('face', [0, -0.05, 0.03]), // face turns at the height of the ears, ahead of the neck
    at('face', [0, 0.07, 0]),
    at('upper_arm.L'),
    at('forearm.L'),
    at('forearm.L_end'),
    at('upper_arm.R'),
    at('forearm.R'),
    at('forearm.R_end'),
  ],
};

/** The kinds of motion capture that are understood. */
export const mocapLayouts: readonly MocapLayout[] = [asf, cgspeed, reactIdle];

/** The places of a layout of the caller's own in a clip; throws `ERR_FORMAT` with the joints that the clip lacks. */
export function ownMocapLayout(layout: CustomLayout, { file, joints }: MocapClip): MocapLayout {
  const places = columnsOf(file, layout.joints, joints);
  const sources = mixesOf(layout, `layout ${layout.name}`).map((mix) =>
    mix.map(([index, weight]): MocapSource => ({ joint: joints[places[index]], weight })),
  );
  return { name: layout.name, sources, skipFrames: 0 };
}

/**
 * The layout whose joints a clip has: the caller's own, a known one, or one by the names of its limbs; throws `ERR_UNSUPPORTED`
 * with a missing joint of each when none fits.
 */
export function findMocapLayout(clip: MocapClip, own?: CustomLayout): MocapLayout {
  const names = new Set(clip.joints.map(columnName));
  if (own?.joints.every((joint) => names.has(columnName(joint)))) return ownMocapLayout(own, clip);
  const reasons: string[] = [];
  for (const layout of mocapLayouts) {
    const missing = layout.sources.flat().find((source) => !clip.joints.includes(source.joint));
    if (missing === undefined) return layout;
    reasons.push(`${layout.name} has a joint "${missing.joint}"`);
  }
  const humanoid = humanoidLayout(clip);
  if (humanoid && !clip.markers) return humanoid;
  // Says which joints of the caller's layout the file lacks.
  if (own) return ownMocapLayout(own, clip);
  throw new PoseError(
    'ERR_UNSUPPORTED',
    `${clip.file}: no map from this skeleton into h36m-17 (${reasons.join('; ')}, which this file has not; it has ` +
      `${clip.joints.slice(0, 12).join(', ')}${clip.joints.length > 12 ? ', ...' : ''}): give the option layout, a JSON file ` +
      'with name, joints and map into h36m-17.',
  );
}

/**
 * A clip's motion in Human3.6M's 17 joints: (T, 17, 3) world metres at `fps` frames a second, joint positions
 * interpolated linearly in time, without the frames that the layout skips. NaN where a marker has no place.
 */
export function clipToHuman36m(clip: MocapClip, layout: MocapLayout, fps: number): Float32Array {
  const sources = layout.sources.map((list) =>
    list.map(({ joint, weight, offset }) => ({ joint: clip.joints.indexOf(joint), weight, offset })),
  );
  const width = sources.length * 3;
  const positions = new Float64Array(clip.joints.length * 3);
  const rotations = new Float64Array(clip.joints.length * 9);
  const loaded = [-1, -1];
  const cache = [new Float64Array(width), new Float64Array(width)];

  function mapped(frame: number): Float64Array {
    const slot = frame % 2;
    const out = cache[slot];
    if (loaded[slot] === frame) return out;
    loaded[slot] = frame;
    clip.pose(frame, positions, rotations);
    out.fill(0);
    sources.forEach((list, j) => {
      for (const { joint, weight, offset } of list) {
        for (let axis = 0; axis < 3; axis++) {
          const row = joint * 9 + axis * 3;
          const moved =
            offset === undefined
              ? 0
              : rotations[row] * offset[0] + rotations[row + 1] * offset[1] + rotations[row + 2] * offset[2];
          out[j * 3 + axis] += weight * (positions[joint * 3 + axis] + moved);
        }
      }
    });
    return out;
  }

  const recorded = clip.frames - layout.skipFrames;
  if (recorded < 1) return new Float32Array(0);
  // A little slack, so that a last frame is not lost to rounding.
  const count = Math.floor(((recorded - 1) * fps) / clip.fps + 1e-6) + 1;
  if (count > MAX_FRAMES) {
    throw new PoseError(
      'ERR_LIMIT',
      `${clip.file} has ${count} frames at ${fps} a second; up to ${MAX_FRAMES} are read.`,
    );
  }
  const poses = new Float32Array(count * width);
  for (let t = 0; t < count; t++) {
    const time = Math.min((t * clip.fps) / fps, recorded - 1);
    const first = Math.min(Math.floor(time), Math.max(recorded - 2, 0));
    const share = time - first;
    const a = mapped(layout.skipFrames + first);
    const b = share > 0 ? mapped(layout.skipFrames + first + 1) : a;
    for (let i = 0; i < width; i++) {
      const value = a[i] + (b[i] - a[i]) * share;
      if (!(Math.abs(value) < FARTHEST) && !(clip.markers && Number.isNaN(value))) {
        throw new PoseError('ERR_FORMAT', `${clip.file}: after ${time / clip.fps} s a joint is at ${value} m.`);
      }
      poses[t * width + i] = value;
    }
  }
  return poses;
}

/** Where the 17 joints (1, 17, 3) are when nothing is turned; undefined where a clip has no rest pose. */
export function restPose({ rest, joints }: MocapClip, { sources }: MocapLayout): Float32Array | undefined {
  if (rest === undefined) return undefined;
  const pose = new Float32Array(sources.length * 3);
  for (const [j, list] of sources.entries()) {
    for (const { joint, weight, offset } of list) {
      const at = joints.indexOf(joint) * 3;
      for (let axis = 0; axis < 3; axis++) pose[j * 3 + axis] += weight * (rest[at + axis] + (offset?.[axis] ?? 0));
    }
  }
  return pose;
}
