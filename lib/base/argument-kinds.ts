/** Kinds of the fields of objects that many public functions take, for `checkArguments`. */

/** `Tensor` */
export const TENSOR = { data: 'Float32Array', shape: 'list' } as const;

/** `Skeleton` */
export const SKELETON = {
  ...{ name: 'text', joints: 'list', parents: 'list', left: 'list', right: 'list', root: 'number' },
} as const;

/** `MotionTrack` */
export const MOTION = {
  ...{ positions: 'Float32Array', frames: 'number', start: 'number?', layout: 'text', fps: 'number?' },
  ...{ axes: 'text', root: 'text', notes: 'list' },
} as const;

/** `LiftedPoses` */
export const LIFTED_POSES = {
  ...{ poses: 'Float32Array', layout: 'text', model: 'text', track: 'object', motion: 'object?' },
} as const;

/** `ReadOptions` */
export const READ_OPTIONS = { where: 'text', limitBytes: 'number' } as const;

/** `PoseDataset` */
export const DATASET = {
  ...{
    name: 'text',
    inputLayout: 'text',
    outputLayout: 'text',
    rootJoint: 'number',
    sequences: 'list',
    source: 'text',
  },
} as const;
