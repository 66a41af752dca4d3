import { extname } from 'node:path';
import { human36m17 } from '../../skeletons/human36m.js';
import { knownParts, longestGap } from './known-parts.js';
import type { MocapClip } from './mocap-clip.js';
import type { MocapLayout } from './mocap-layout.js';
import { clipToHuman36m, restPose } from './mocap-layouts.js';
import { findUp, turnUp, type UpAxis } from './up-axis.js';

const JOINTS = human36m17.joints.length;
/** Metres from the ankles over the hip to the top of the head, between which bodies are of life size. */
const lifeSize = [1.1, 2.3] as const;
/** Chains of joints whose lengths add up to a body's: leg, trunk and head. */
const chains = [
  ['right ankle', 'right knee', 'right hip'],
  ['hip', 'spine', 'thorax', 'neck', 'head'],
].map((chain) => chain.map((joint) => human36m17.joints.indexOf(joint)));

export interface ClipPoses {
  /** Runs of frames without a gap, (T, 17, 3) each: world metres, y up. */
  parts: Float32Array[];
  /** What was turned, bridged or cut, and what looks wrong, in sentences. */
  notices: { about: 'up' | 'size' | 'gaps'; text: string }[];
}

/** A clip's motion in Human3.6M's 17 joints at `fps` frames a second, y up. `up` is the file's upward axis; default: found. */
export function clipPoses(clip: MocapClip, layout: MocapLayout, fps: number, up?: UpAxis): ClipPoses {
  const poses = clipToHuman36m(clip, layout, fps);
  const notices: ClipPoses['notices'] = [];
  const standing = up === undefined ? upOf(clip, layout, poses) : { up };
  turnUp(poses, standing.up);
  if (standing.text !== undefined) notices.push({ about: 'up', text: standing.text });
  const { parts, bridged, lost } = clip.markers ? knownParts(poses, fps) : { parts: [poses], bridged: 0, lost: 0 };
  if (bridged + lost > 0) {
    const cut = `${lost} of ${poses.length / JOINTS / 3} frames lack a joint and are left out, so that the clip is in ${parts.length} parts`;
    const text = `${bridged} places of joints were bridged over gaps of up to ${longestGap} s${lost > 0 ? `; ${cut}` : ''}.`;
    notices.push({ about: 'gaps', text: `${clip.file}: ${text}` });
  }
  const metres = bodyLength(parts);
  if (!(metres >= lifeSize[0] && metres <= lifeSize[1]) && parts.length > 0) {
    const size = `${metres.toFixed(2)} m from the ankles to the top of the head`;
    notices.push({
      about: 'size',
      text: `${clip.file}: bodies measure ${size}: is the unit right (the option units)?`,
    });
  }
  return { parts, notices };
}

/** AMC says its axes; of the others, motion and rest pose must agree before a file is turned. */
function upOf(clip: MocapClip, layout: MocapLayout, poses: Float32Array): { up: UpAxis; text?: string } {
  if (extname(clip.file).toLowerCase() === '.amc') return { up: 'y' };
  const found = findUp(poses);
  const rest = restPose(clip, layout);
  if (found === 'y') return { up: 'y' };
  if (rest === undefined || findUp(rest) === found) {
    return { up: found, text: `${clip.file}: heads are over feet along ${found}, which is taken as up.` };
  }
  const text = `${clip.file}: heads are over feet along ${found}, but the rest pose stands otherwise: y is taken as up (the option up says another axis).`;
  return { up: 'y', text };
}

/** Metres along the joints of a body; the mean of some frames. */
function bodyLength(parts: readonly Float32Array[]): number {
  let sum = 0;
  let counted = 0;
  for (const part of parts) {
    const frames = part.length / JOINTS / 3;
    for (let frame = 0; frame < frames; frame += Math.max(1, Math.floor(frames / 20))) {
      for (const chain of chains) {
        for (let link = 1; link < chain.length; link++) {
          const [a, b] = [chain[link - 1], chain[link]].map((joint) => (frame * JOINTS + joint) * 3);
          sum += Math.hypot(part[a] - part[b], part[a + 1] - part[b + 1], part[a + 2] - part[b + 2]);
        }
      }
      counted++;
    }
  }
  return sum / counted;
}
