import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import { valueText } from '../base/value-text.js';
import type { Vector } from '../motion/vector.js';

/** Which way a rig's joint turns, from what the lifted joints show. Indices are those of `h36m-17`. */
export type Turn =
  /** Left and right hip give x exactly; up follows the spine. */
  | { kind: 'pelvis' }
  /** Along a bone exactly; sideways follows the shoulders. */
  | { kind: 'chest'; bone: readonly [number, number] }
  /** Along a bone, turned no more than that from the parent. */
  | { kind: 'swing'; bone: readonly [number, number] }
  /** Along a bone; about it so that the next bone bends round `hinge`, the rest pose's axis of the elbow or knee. */
  | { kind: 'hinge'; bone: readonly [number, number]; next: readonly [number, number]; hinge: Vector }
  /** As its parent turns: nothing lifted says more. */
  | { kind: 'rest' };

/** A joint of a rig in its rest pose: y up, facing +z, so that the person's left is +x. Parents come first. */
export interface RigJoint {
  name: string;
  parent: number;
  /** Unit direction from the parent in the rest pose. */
  rest: Vector;
  /** Its distance from the parent: `share` of the length of this bone of the lifted skeleton. */
  bone: readonly [number, number];
  share: number;
  turn: Turn;
  /** The `h36m-17` joint at this place, where there is one: the fit is measured there. */
  source?: number;
  /** true: only the end of a bone. BVH writes it as an end site, and it never turns. */
  end?: boolean;
}

export interface Rig {
  name: RigName;
  /** BVH's unit of length: what the tools of this rig take a bare number for. */
  units: 'm' | 'cm';
  joints: readonly RigJoint[];
}

/** Humanoids whose names and rest poses BVH and glTF files can take. */
export const rigNames = ['h36m', 'mixamo', 'vrm', 'unreal'] as const;
export type RigName = (typeof rigNames)[number];

/** The parts of the body that rigs name; `*` stands for the side. */
interface Names {
  hips: string;
  spine: string;
  chest: string;
  upperChest?: string;
  neck: string;
  head: string;
  headTop?: string;
  shoulder: string;
  upperArm: string;
  lowerArm: string;
  hand: string;
  upperLeg: string;
  lowerLeg: string;
  foot: string;
  toes?: string;
}

const names: Record<RigName, Names> = {
  h36m: {
    ...{ hips: 'Hip', spine: 'LowerBack', chest: 'Spine', neck: 'Thorax', head: 'Neck', headTop: 'Head' },
    ...{ shoulder: '*Collar', upperArm: '*Shoulder', lowerArm: '*Elbow', hand: '*Wrist' },
    ...{ upperLeg: '*Hip', lowerLeg: '*Knee', foot: '*Ankle' },
  },
  mixamo: {
    ...{ hips: 'mixamorig:Hips', spine: 'mixamorig:Spine', chest: 'mixamorig:Spine1', upperChest: 'mixamorig:Spine2' },
    ...{ neck: 'mixamorig:Neck', head: 'mixamorig:Head', headTop: 'mixamorig:HeadTop_End' },
    ...{ shoulder: 'mixamorig:*Shoulder', upperArm: 'mixamorig:*Arm', lowerArm: 'mixamorig:*ForeArm' },
    ...{ hand: 'mixamorig:*Hand', upperLeg: 'mixamorig:*UpLeg', lowerLeg: 'mixamorig:*Leg' },
    ...{ foot: 'mixamorig:*Foot', toes: 'mixamorig:*ToeBase' },
  },
  vrm: {
    ...{ hips: 'hips', spine: 'spine', chest: 'chest', upperChest: 'upperChest', neck: 'neck', head: 'head' },
    ...{ shoulder: '*Shoulder', upperArm: '*UpperArm', lowerArm: '*LowerArm', hand: '*Hand' },
    ...{ upperLeg: '*UpperLeg', lowerLeg: '*LowerLeg', foot: '*Foot', toes: '*Toes' },
  },
  unreal: {
    ...{ hips: 'pelvis', spine: 'spine_01', chest: 'spine_02', upperChest: 'spine_03', neck: 'neck_01', head: 'head' },
    ...{ shoulder: 'clavicle_*', upperArm: 'upperarm_*', lowerArm: 'lowerarm_*', hand: 'hand_*' },
    ...{ upperLeg: 'thigh_*', lowerLeg: 'calf_*', foot: 'foot_*', toes: 'ball_*' },
  },
};

const sides: Record<RigName, readonly [left: string, right: string]> = {
  h36m: ['Left', 'Right'],
  mixamo: ['Left', 'Right'],
  vrm: ['left', 'right'],
  unreal: ['l', 'r'],
};

const up: Vector = [0, 1, 0];
const down: Vector = [0, -1, 0];
/** The way from the base of the neck to the joint behind the nose, and on to the head's top, of people who look ahead. */
const towardNose: Vector = [0, Math.cos(0.333), Math.sin(0.333)];
const towardTop: Vector = [0, Math.cos(0.507), -Math.sin(0.507)];
/** From the ankle to the ball of the foot. */
const alongFoot: Vector = [0, -0.5, Math.sqrt(0.75)];
/** How far from the hips, as a share of the bone to the spine, the lowest joint of the back lies. */
const lowerBack = 0.2;

/** The rig of a name. Throws `ERR_ARGUMENT` for another. */
export function rigByName(name: string): Rig {
  checkArguments('rigByName', { name }, 'text');
  const known = rigNames.find((one) => one === name);
  if (!known) throw new PoseError('ERR_ARGUMENT', `rig: expected ${rigNames.join(', ')}, got ${valueText(name)}.`);
  // The mannequin of Unreal rests with its arms half down; all others spread them.
  const drop = known === 'unreal' ? Math.PI / 4 : 0;
  return { name: known, units: known === 'mixamo' || known === 'unreal' ? 'cm' : 'm', joints: humanoid(known, drop) };
}

function humanoid(rig: RigName, drop: number): RigJoint[] {
  const of = names[rig];
  const joints: RigJoint[] = [];
  const put = (joint: Omit<RigJoint, 'parent'>, parent: number): number => joints.push({ ...joint, parent }) - 1;
  const end = (name: string, rest: Vector, bone: readonly [number, number], share: number, parent: number) =>
    put({ name, rest, bone, share, turn: { kind: 'rest' }, end: true }, parent);

  const hips = put({ name: of.hips, rest: up, bone: [0, 7], share: 0, turn: { kind: 'pelvis' }, source: 0 }, -1);
  const spineTurn: Turn = { kind: 'swing', bone: [0, 7] };
  const spine = put({ name: of.spine, rest: up, bone: [0, 7], share: lowerBack, turn: spineTurn }, hips);
  const chestTurn: Turn = { kind: 'chest', bone: [7, 8] };
  let chest = put({ name: of.chest, rest: up, bone: [0, 7], share: 1 - lowerBack, turn: chestTurn, source: 7 }, spine);
  const reach = of.upperChest ? 0.5 : 1;
  if (of.upperChest) {
    chest = put({ name: of.upperChest, rest: up, bone: [7, 8], share: 0.5, turn: { kind: 'rest' } }, chest);
  }
  const neckTurn: Turn = { kind: 'swing', bone: [8, 9] };
  const neck = put({ name: of.neck, rest: up, bone: [7, 8], share: reach, turn: neckTurn, source: 8 }, chest);
  const headTurn: Turn = { kind: 'swing', bone: [9, 10] };
  const head = put({ name: of.head, rest: towardNose, bone: [8, 9], share: 1, turn: headTurn, source: 9 }, neck);
  if (of.headTop) {
    const top = put(
      { name: of.headTop, rest: towardTop, bone: [9, 10], share: 1, turn: { kind: 'rest' }, source: 10 },
      head,
    );
    end(`${of.headTop}_end`, towardTop, [9, 10], 0.2, top);
  } else {
    const name = `${of.head}_end`;
    put({ name, rest: towardTop, bone: [9, 10], share: 1, turn: { kind: 'rest' }, source: 10, end: true }, head);
  }

  for (const side of [0, 1]) {
    const named = (part: string) => part.replace('*', sides[rig][side]);
    const sign = side === 0 ? 1 : -1;
    const [shoulder, elbow, wrist] = side === 0 ? [11, 12, 13] : [14, 15, 16];
    const across: Vector = [sign, 0, 0];
    const arm: Vector = [sign * Math.cos(drop), -Math.sin(drop), 0];
    // An elbow that bends takes the hand to the front: about the axis that is square to the arm and to the front.
    const elbowHinge: Vector = [-Math.sin(drop), -sign * Math.cos(drop), 0];
    const collarTurn: Turn = { kind: 'swing', bone: [8, shoulder] };
    const collar = put(
      { name: named(of.shoulder), rest: up, bone: [7, 8], share: reach, turn: collarTurn, source: 8 },
      chest,
    );
    const armTurn: Turn = { kind: 'hinge', bone: [shoulder, elbow], next: [elbow, wrist], hinge: elbowHinge };
    const upper = put(
      { name: named(of.upperArm), rest: across, bone: [8, shoulder], share: 1, turn: armTurn, source: shoulder },
      collar,
    );
    const foreTurn: Turn = { kind: 'swing', bone: [elbow, wrist] };
    const lower = put(
      { name: named(of.lowerArm), rest: arm, bone: [shoulder, elbow], share: 1, turn: foreTurn, source: elbow },
      upper,
    );
    const hand = put(
      { name: named(of.hand), rest: arm, bone: [elbow, wrist], share: 1, turn: { kind: 'rest' }, source: wrist },
      lower,
    );
    end(`${named(of.hand)}_end`, arm, [elbow, wrist], 0.4, hand);
  }

  for (const side of [0, 1]) {
    const named = (part: string) => part.replace('*', sides[rig][side]);
    const [hip, knee, ankle] = side === 0 ? [4, 5, 6] : [1, 2, 3];
    const across: Vector = [side === 0 ? 1 : -1, 0, 0];
    const thighTurn: Turn = { kind: 'hinge', bone: [hip, knee], next: [knee, ankle], hinge: [1, 0, 0] };
    const thigh = put(
      { name: named(of.upperLeg), rest: across, bone: [0, hip], share: 1, turn: thighTurn, source: hip },
      hips,
    );
    const shinTurn: Turn = { kind: 'swing', bone: [knee, ankle] };
    const shin = put(
      { name: named(of.lowerLeg), rest: down, bone: [hip, knee], share: 1, turn: shinTurn, source: knee },
      thigh,
    );
    const foot = put(
      { name: named(of.foot), rest: down, bone: [knee, ankle], share: 1, turn: { kind: 'rest' }, source: ankle },
      shin,
    );
    if (of.toes) {
      const name = named(of.toes);
      const toes = put({ name, rest: alongFoot, bone: [knee, ankle], share: 0.35, turn: { kind: 'rest' } }, foot);
      end(`${name}_end`, [0, 0, 1], [knee, ankle], 0.15, toes);
    } else {
      end(`${named(of.foot)}_end`, alongFoot, [knee, ankle], 0.35, foot);
    }
  }
  return joints;
}
