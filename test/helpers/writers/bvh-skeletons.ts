/**
 * BVH files as exporters write them: their joints' names, hierarchy, order of channels, unit, upward axis and ends; the lengths are
 * round ones of our own. In each a person of one size stands upright, facing ahead, arms spread: {@link standing} says where.
 */

type Triple = readonly [number, number, number];

interface Bone {
  name: string;
  /** Centimetres from the parent, as the person stands: to the left, up, ahead. */
  offset: Triple;
  children?: Bone[];
  /** The end site; none where a joint's children end the chain. */
  end?: Triple;
}

export interface BvhSkeleton {
  name: string;
  root: Bone;
  /** Order of the rotation channels. */
  order: string;
  /** How many of the file's units a centimetre is. */
  unit: number;
  /** Rows of a matrix from left, up, ahead to the file's axes. */
  axes: readonly [Triple, Triple, Triple];
  /** Channels of every joint are six, as Blender and SMPL tools write them. */
  six?: boolean;
}

/** Where the joints are, centimetres left, up and ahead, the floor at 0. */
export const standing: Record<string, Triple> = {
  'right hip': [-9, 90, 0],
  'right knee': [-9, 48, 0],
  'right ankle': [-9, 8, 0],
  'left hip': [9, 90, 0],
  'left knee': [9, 48, 0],
  'left ankle': [9, 8, 0],
  'left shoulder': [18, 140, 0],
  'left elbow': [46, 140, 0],
  'left wrist': [71, 140, 0],
  'right shoulder': [-18, 140, 0],
  'right elbow': [-46, 140, 0],
  'right wrist': [-71, 140, 0],
};

interface Names {
  hips: string;
  spine: string[];
  neck: string[];
  head: string;
  /** A joint at the head's top, where the exporter has one. */
  headTop?: string;
  /** `*` is the side. */
  collar: string;
  arm: [shoulder: string, elbow: string, wrist: string, beyond?: string];
  leg: [hip: string, knee: string, ankle: string, toe?: string];
  sides: readonly [string, string];
  headEnd?: Triple;
  toeEnd?: Triple;
}

function skeleton(names: Names): Bone {
  const sided = (name: string, side: string) => name.replace('*', side);
  const limbs = names.sides.map((side, index) => {
    const sign = index === 0 ? 1 : -1;
    const [shoulder, elbow, wrist, beyond] = names.arm.map((name) =>
      name === undefined ? undefined : sided(name, side),
    );
    const [hip, knee, ankle, toe] = names.leg.map((name) => (name === undefined ? undefined : sided(name, side)));
    const hand: Bone = beyond
      ? {
          name: wrist!,
          offset: [25 * sign, 0, 0],
          children: [{ name: beyond, offset: [9 * sign, 0, 0], end: [9 * sign, 0, 0] }],
        }
      : { name: wrist!, offset: [25 * sign, 0, 0], end: [18 * sign, 0, 0] };
    const foot: Bone = toe
      ? {
          name: ankle!,
          offset: [0, -40, 0],
          children: [{ name: toe, offset: [0, -7, 16], end: names.toeEnd ?? [0, 0, 6] }],
        }
      : { name: ankle!, offset: [0, -40, 0], end: [0, -7, 16] };
    return {
      arm: {
        name: sided(names.collar, side),
        offset: [4 * sign, 10, 0],
        children: [
          {
            name: shoulder!,
            offset: [14 * sign, 0, 0],
            children: [{ name: elbow!, offset: [28 * sign, 0, 0], children: [hand] }],
          },
        ],
      } as Bone,
      leg: {
        name: hip!,
        offset: [9 * sign, -5, 0],
        children: [{ name: knee!, offset: [0, -42, 0], children: [foot] }],
      } as Bone,
    };
  });
  const head: Bone = {
    name: names.head,
    offset: [0, 10 / names.neck.length, 0],
    ...(names.headTop
      ? { children: [{ name: names.headTop, offset: [0, 18, 0] as Triple, end: [0, 0, 0] as Triple }] }
      : { end: names.headEnd ?? ([0, 18, 0] as Triple) }),
  };
  const neck = names.neck.reduceRight<Bone>(
    (child, name, index) => ({ name, offset: [0, index === 0 ? 12 : 10 / names.neck.length, 0], children: [child] }),
    head,
  );
  const spine = names.spine.reduceRight<Bone[]>(
    (children, name) => [{ name, offset: [0, 35 / names.spine.length, 0], children }],
    [neck, ...limbs.map(({ arm }) => arm)],
  );
  return { name: names.hips, offset: [0, 95, 0], children: [...spine, ...limbs.map(({ leg }) => leg)] };
}

const yUp = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
] as const;
/** Blender's: x is the right of somebody who faces -y... the person faces -y, left is +x, z is up. */
const zUp = [
  [1, 0, 0],
  [0, 0, -1],
  [0, 1, 0],
] as const;

const mixamo: Names = {
  hips: 'mixamorig:Hips',
  spine: ['mixamorig:Spine', 'mixamorig:Spine1', 'mixamorig:Spine2'],
  neck: ['mixamorig:Neck'],
  head: 'mixamorig:Head',
  headTop: 'mixamorig:HeadTop_End',
  collar: 'mixamorig:*Shoulder',
  arm: ['mixamorig:*Arm', 'mixamorig:*ForeArm', 'mixamorig:*Hand', 'mixamorig:*HandMiddle1'],
  leg: ['mixamorig:*UpLeg', 'mixamorig:*Leg', 'mixamorig:*Foot', 'mixamorig:*ToeBase'],
  sides: ['Left', 'Right'],
};

function renamed(names: Names, change: (name: string) => string): Names {
  const each = (value: unknown): unknown =>
    typeof value === 'string' ? change(value) : Array.isArray(value) ? value.map(each) : value;
  const { sides, headEnd, toeEnd, ...rest } = names;
  const changed = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, each(value)]),
  ) as unknown as Names;
  return { ...changed, sides, ...(headEnd && { headEnd }), ...(toeEnd && { toeEnd }) };
}

/** Exporters by name. */
export const bvhSkeletons: readonly BvhSkeleton[] = [
  { name: 'Mixamo', root: skeleton(mixamo), order: 'ZXY', unit: 1, axes: yUp },
  {
    name: 'Mixamo without colons',
    root: skeleton(renamed(mixamo, (name) => name.replace(':', ''))),
    ...{ order: 'ZXY', unit: 1, axes: yUp },
  },
  {
    name: 'MotionBuilder with a prefix of its own',
    root: skeleton(renamed(mixamo, (name) => name.replace('mixamorig:', 'Character1_'))),
    ...{ order: 'ZXY', unit: 1, axes: yUp },
  },
  {
    name: 'Blender with z up, metres and six channels a joint',
    root: skeleton(renamed(mixamo, (name) => name.replace('mixamorig:', ''))),
    ...{ order: 'XYZ', unit: 0.01, axes: zUp, six: true },
  },
  {
    name: 'Xsens MVN',
    root: skeleton({
      hips: 'Hips',
      spine: ['Chest', 'Chest2', 'Chest3', 'Chest4'],
      neck: ['Neck'],
      head: 'Head',
      collar: '*Collar',
      arm: ['*Shoulder', '*Elbow', '*Wrist'],
      leg: ['*Hip', '*Knee', '*Ankle', '*Toe'],
      sides: ['Left', 'Right'],
    }),
    ...{ order: 'YXZ', unit: 1, axes: yUp },
  },
  {
    name: 'Rokoko',
    root: skeleton({
      hips: 'Hips',
      spine: ['Spine1', 'Spine2', 'Spine3', 'Spine4'],
      neck: ['Neck'],
      head: 'Head',
      collar: '*Shoulder',
      arm: ['*Arm', '*ForeArm', '*Hand'],
      leg: ['*Thigh', '*Shin', '*Foot', '*Toe'],
      sides: ['Left', 'Right'],
    }),
    ...{ order: 'YXZ', unit: 1, axes: yUp },
  },
  {
    name: 'LaFAN, whose head ends where it begins',
    root: skeleton({
      hips: 'Hips',
      spine: ['Spine', 'Spine1', 'Spine2'],
      neck: ['Neck'],
      head: 'Head',
      collar: '*Shoulder',
      arm: ['*Arm', '*ForeArm', '*Hand'],
      leg: ['*UpLeg', '*Leg', '*Foot', '*Toe'],
      sides: ['Left', 'Right'],
      headEnd: [0, 0, 0],
      toeEnd: [0, 0, 0],
    }),
    ...{ order: 'ZYX', unit: 1, axes: yUp },
  },
  {
    name: 'CMU of MotionBuilder with two necks',
    root: skeleton({
      hips: 'Hips',
      spine: ['LowerBack', 'Spine', 'Spine1'],
      neck: ['Neck', 'Neck1'],
      head: 'Head',
      collar: '*Shoulder',
      arm: ['*Arm', '*ForeArm', '*Hand', '*HandIndex1'],
      leg: ['*UpLeg', '*Leg', '*Foot', '*ToeBase'],
      sides: ['Left', 'Right'],
    }),
    ...{ order: 'ZYX', unit: 1, axes: yUp },
  },
  {
    name: 'SMPL, whose foot is the ball and whose hand its middle',
    root: skeleton({
      hips: 'm_avg_Pelvis',
      spine: ['m_avg_Spine1', 'm_avg_Spine2', 'm_avg_Spine3'],
      neck: ['m_avg_Neck'],
      head: 'm_avg_Head',
      collar: 'm_avg_*_Collar',
      arm: ['m_avg_*_Shoulder', 'm_avg_*_Elbow', 'm_avg_*_Wrist', 'm_avg_*_Hand'],
      leg: ['m_avg_*_Hip', 'm_avg_*_Knee', 'm_avg_*_Ankle', 'm_avg_*_Foot'],
      sides: ['L', 'R'],
    }),
    ...{ order: 'ZYX', unit: 0.01, axes: yUp },
  },
  {
    name: 'SOMA, whose leg is the hip',
    root: skeleton({
      hips: 'Hips',
      spine: ['Spine1', 'Spine2', 'Chest'],
      neck: ['Neck1', 'Neck2'],
      head: 'Head',
      collar: '*Shoulder',
      arm: ['*Arm', '*ForeArm', '*Hand'],
      leg: ['*Leg', '*Shin', '*Foot', '*ToeBase'],
      sides: ['Left', 'Right'],
    }),
    ...{ order: 'ZYX', unit: 1, axes: yUp },
  },
  {
    name: '3ds Max Biped with blanks in its names',
    root: skeleton({
      hips: 'Bip001',
      spine: ['Bip001 Spine', 'Bip001 Spine1'],
      neck: ['Bip001 Neck'],
      head: 'Bip001 Head',
      headTop: 'Bip001 HeadNub',
      collar: 'Bip001 * Clavicle',
      arm: ['Bip001 * UpperArm', 'Bip001 * Forearm', 'Bip001 * Hand', 'Bip001 * Finger0'],
      leg: ['Bip001 * Thigh', 'Bip001 * Calf', 'Bip001 * Foot', 'Bip001 * Toe0'],
      sides: ['L', 'R'],
    }),
    ...{ order: 'ZXY', unit: 1, axes: yUp },
  },
  {
    name: 'OptiTrack Motive',
    root: skeleton({
      hips: 'Hips',
      spine: ['Ab', 'Chest'],
      neck: ['Neck'],
      head: 'Head',
      collar: '*Shoulder',
      arm: ['*UArm', '*FArm', '*Hand'],
      leg: ['*Thigh', '*Shin', '*Foot', '*Toe'],
      sides: ['L', 'R'],
    }),
    ...{ order: 'XYZ', unit: 1, axes: yUp },
  },
];

/** The skeleton as a BVH of `frames` frames at 50 a second, standing still. */
export function bvhOfSkeleton({ root, order, unit, axes, six }: BvhSkeleton, frames = 30): string {
  const inFile = (offset: Triple) =>
    axes.map((row) => unit * row.reduce((sum, value, i) => sum + value * offset[i], 0));
  const turns = [...order].map((axis) => `${axis}rotation`).join(' ');
  const values: number[] = [];
  const write = (bone: Bone, keyword: string, indent: string): string => {
    const moves = keyword === 'ROOT' || six;
    const offset = inFile(bone.offset);
    values.push(...(moves ? offset : []), 0, 0, 0);
    const channels = moves ? `6 Xposition Yposition Zposition ${turns}` : `3 ${turns}`;
    const inside =
      bone.children?.map((child) => write(child, 'JOINT', `${indent}  `)).join('') ??
      `${indent}  End Site\n${indent}  {\n${indent}    OFFSET ${inFile(bone.end!).join(' ')}\n${indent}  }\n`;
    return `${indent}${keyword} ${bone.name}\n${indent}{\n${indent}  OFFSET ${offset.join(' ')}\n${indent}  CHANNELS ${channels}\n${inside}${indent}}\n`;
  };
  const hierarchy = write(root, 'ROOT', '');
  const rows = Array.from({ length: frames }, () => values.join(' '));
  return `HIERARCHY\n${hierarchy}MOTION\nFrames: ${frames}\nFrame Time: 0.02\n${rows.join('\n')}\n`;
}
