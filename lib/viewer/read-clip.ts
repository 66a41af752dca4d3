import { basename, extname } from 'node:path';
import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import type { Tensor, TensorData } from '../base/tensor.js';
import { parseBvh } from '../datasets/mocap/bvh.js';
import { clipPositions } from '../datasets/mocap/mocap-clip.js';
import { motionOf } from '../export/lifted-motion.js';
import type { MarkerMotion } from '../export/marker-motion.js';
import { readPoses } from '../export/poses/read-poses.js';
import { parsePosesCsv } from '../export/poses/read-poses-csv.js';
import { parseC3d } from '../export/read-c3d.js';
import { parseGlb } from '../export/read-glb.js';
import { parseTrc } from '../export/read-trc.js';
import { type ByteSource, withSource } from '../formats/bytes/byte-source.js';
import { asFloat32 } from '../formats/bytes/numbers.js';
import { readNpy } from '../formats/numpy/npy.js';
import { NpzFile, readNpz } from '../formats/numpy/npz.js';
import { isTensor } from '../formats/pickle/value.js';
import type { KeypointTrack } from '../keypoints/keypoint-track.js';
import { layoutOfJointNames } from '../keypoints/layout.js';
import { linesIn } from '../keypoints/readers/decode-text.js';
import { positionsYUp } from '../motion/motion.js';
import { skeletonByName, skeletons } from '../skeletons/skeletons.js';
import type { SceneSkeleton } from './scene.js';

/** A file's 3D motion of one person, as it is shown. */
export interface ViewedClip {
  path: string;
  /** (T, J, 3), metres, y up. */
  positions: Float32Array;
  frames: number;
  skeleton: SceneSkeleton;
  /** Name of a layout in `lib/skeletons`, where the skeleton is one. */
  layout?: string;
  /** `camera`: the camera's axes with y turned up. */
  axes: 'camera' | 'world';
  root: 'relative' | 'estimated';
  fps?: number;
  /** Frame of the video, from 0, that is the first of these, where the file says it. */
  start?: number;
  /** The 2D that it was lifted from, where the file has it. */
  track?: KeypointTrack;
  notes: string[];
}

/** Endings of the files that can be shown. */
export const viewedEndings = ['.npz', '.npy', '.json', '.csv', '.bvh', '.trc', '.c3d', '.glb'] as const;

export interface ReadClipOptions {
  /** true: poses as the network gave them, even where the file has them worked into a motion. */
  unworked?: boolean;
}

/**
 * Reads what `pstmo lift` writes (and any `.npz` with poses (T, J, 3), `.npy` of that shape, `.bvh`, `.trc`, `.c3d`, `.glb`). Throws `ERR_FILE`,
 * `ERR_FORMAT`, or `ERR_ARGUMENT` for another ending.
 */
export function readClip(path: string, options: ReadClipOptions = {}): ViewedClip {
  checkArguments('readClip', { path, options }, 'text', 'object?');
  const ending = extname(path).toLowerCase();
  if (!viewedEndings.some((known) => known === ending)) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${path}: expected a lifted result (${viewedEndings.join(', ')}), got ${ending || 'no ending'}.`,
    );
  }
  return ending === '.json'
    ? fromLifted(path, options)
    : withSource(path, undefined, (source) => fromSource(source, ending, options));
}

function fromSource(source: ByteSource, ending: string, options: ReadClipOptions): ViewedClip {
  const path = source.where;
  const bytes = () => source.read(0, source.size);
  const text = () => new TextDecoder('utf-8').decode(bytes());
  switch (ending) {
    case '.npy':
      return fromArray(path, readNpy(bytes(), { where: path }), undefined);
    case '.csv': {
      const { positions, layout, fps, start } = parsePosesCsv(linesIn(source), path);
      return { ...fromPlaces(path, positions, layout, fps), start };
    }
    case '.trc':
      return fromMarkers(path, parseTrc(linesIn(source), path));
    case '.c3d':
      return fromMarkers(path, parseC3d(bytes(), path));
    case '.glb': {
      const { positions, frames, joints, parents, fps, start } = parseGlb(bytes(), path);
      return { ...world(path, positions, frames, { joints, parents }, fps), start };
    }
    case '.bvh': {
      const said: string[] = [];
      // Our own are in metres, of whatever size the network made the body.
      const clip = parseBvh(text(), path, { fallbackUnits: 'm', onNotice: (notice) => said.push(notice) });
      const skeleton = { joints: [...clip.joints], parents: [...clip.parents] };
      const read = world(path, clipPositions(clip), clip.frames, skeleton, clip.fps);
      return { ...read, notes: [...read.notes, ...said] };
    }
    default:
      return fromNpz(source, options);
  }
}

function fromLifted(path: string, { unworked }: ReadClipOptions): ViewedClip {
  const { motion: worked, ...lifted } = readPoses(path);
  const motion = motionOf({ ...lifted, ...(worked && !unworked && { motion: worked }) });
  const { track, model } = lifted;
  const clip = fromPositions(path, positionsYUp(motion), motion.layout, motion.fps);
  const notes = [`Lifted by ${model}.`, ...motion.notes];
  return { ...clip, axes: motion.axes, root: motion.root, track, notes };
}

function fromNpz(source: ByteSource, options: ReadClipOptions): ViewedClip {
  const path = source.where;
  if (new NpzFile(source).names.includes('keypoint_layout')) return fromLifted(path, options);
  const arrays = readNpz(path);
  const poses = arrays.get('poses');
  const rate = arrays.get('fps');
  const fps = rate && isTensor(rate) && rate.data.length === 1 ? Number(rate.data[0]) : undefined;
  if (!poses) {
    throw new PoseError('ERR_FORMAT', `${path}: expected an array poses, got ${[...arrays.keys()].join(', ')}.`);
  }
  return fromArray(path, poses, fps);
}

function fromArray(path: string, value: unknown, fps: number | undefined): ViewedClip {
  const array = value as Tensor<TensorData>;
  const { shape } = array;
  if (!isTensor(array) || shape.length !== 3 || shape[2] !== 3 || array.data.length === 0) {
    throw new PoseError('ERR_FORMAT', `${path}: expected poses of shape (T, J, 3), got (${shape?.join(', ')}).`);
  }
  const layout = skeletons.find(({ joints }) => joints.length === shape[1]);
  if (!layout) throw new PoseError('ERR_FORMAT', `${path}: expected the joints of a known layout, got ${shape[1]}.`);
  return fromPlaces(path, asFloat32(array).data, layout.name, fps);
}

/** Markers that are named after the joints of a layout have its bones; others are points. */
function fromMarkers(path: string, { positions, frames, markers, fps, start }: MarkerMotion): ViewedClip {
  const layout = layoutOfJointNames(markers);
  const order = layout?.joints.map((joint) => markers.findIndex((marker) => sameJoint(marker, joint)));
  const own = order ? picked(positions, markers.length, order) : positions;
  const skeleton = layout ? skeletonOf(layout.name) : { joints: markers, parents: markers.map(() => -1) };
  return { ...world(path, own, frames, skeleton, fps, layout?.name), start };
}

/**
 * Poses of a file that does not say its axes: the camera's, whose y is turned up, unless heads are above feet as it stands; then they are
 * a world's.
 */
function fromPlaces(path: string, positions: Float32Array, layout: string, fps: number | undefined): ViewedClip {
  if (headsUp(positions, layout)) return { ...fromPositions(path, positions, layout, fps), axes: 'world' };
  const turned = positions.map((value, index) => (index % 3 === 0 ? value : -value));
  return fromPositions(path, turned, layout, fps);
}

/** Whether heads have a greater y than feet in most frames; false where the layout has no head or no ankle. */
function headsUp(positions: Float32Array, layout: string): boolean {
  const { joints } = skeletonByName(layout);
  const head = joints.findIndex((name) => /^(head|nose)/.test(name));
  const ankle = joints.findIndex((name) => name.endsWith('ankle'));
  if (head < 0 || ankle < 0) return false;
  const frames = positions.length / (3 * joints.length);
  const y = (frame: number, joint: number) => positions[(frame * joints.length + joint) * 3 + 1];
  let above = 0;
  for (let frame = 0; frame < frames; frame++) if (y(frame, head) > y(frame, ankle)) above++;
  return above > frames / 2;
}

function fromPositions(path: string, positions: Float32Array, layout: string, fps: number | undefined): ViewedClip {
  const skeleton = skeletonOf(layout);
  const frames = positions.length / (3 * skeleton.joints.length);
  const known = fps !== undefined && fps > 0 ? { fps } : {};
  return {
    path,
    positions,
    frames,
    skeleton,
    layout,
    axes: 'camera',
    root: rootOf(positions, frames),
    notes: [],
    ...known,
  };
}

function world(
  path: string,
  positions: Float32Array,
  frames: number,
  skeleton: Omit<SceneSkeleton, 'sides'>,
  fps: number,
  layout?: string,
): ViewedClip {
  const sides = skeleton.joints.map(sideOf);
  const clip = { path, positions, frames, skeleton: { ...skeleton, sides }, fps, axes: 'world' as const };
  return {
    ...clip,
    root: rootOf(positions, frames),
    notes: [`Read from ${basename(path)}.`],
    ...(layout && { layout }),
  };
}

/** A root that never leaves its place was not estimated. */
function rootOf(positions: Float32Array, frames: number): 'relative' | 'estimated' {
  const row = positions.length / frames;
  for (let at = 0; at < positions.length; at += row) {
    for (const axis of [0, 1, 2]) {
      if (Math.abs(positions[at + axis] - positions[axis]) > 1e-6) return 'estimated';
    }
  }
  return 'relative';
}

/** A known layout as the page draws it. */
export function skeletonOf(name: string): SceneSkeleton {
  const { joints, parents, left, right } = skeletonByName(name);
  const sides = joints.map((_, joint) =>
    left.includes(joint) ? 'left' : right.includes(joint) ? 'right' : ('middle' as const),
  );
  const links = torsoOf(joints, parents);
  return { joints: [...joints], parents: [...parents], sides, ...(links.length > 0 && { links }) };
}

/** The lines between shoulders and hips of a layout of detections, whose arms and legs hang on nothing. */
function torsoOf(joints: readonly string[], parents: readonly number[]): [number, number][] {
  const [leftShoulder, rightShoulder, leftHip, rightHip] = [
    'left shoulder',
    'right shoulder',
    'left hip',
    'right hip',
  ].map((name) => joints.indexOf(name));
  const pairs: [number, number][] = [
    [leftShoulder, rightShoulder],
    [leftHip, rightHip],
    [leftShoulder, leftHip],
    [rightShoulder, rightHip],
  ];
  const loose = pairs.every(([a, b]) => a >= 0 && b >= 0) && pairs.some(([a, b]) => parents[a] < 0 && parents[b] < 0);
  return loose ? pairs.filter(([a, b]) => parents[a] !== b && parents[b] !== a) : [];
}

function sideOf(joint: string): 'left' | 'right' | 'middle' {
  if (/left|^l(?=[A-Z_. ])|_l$/i.test(joint) && !/right/i.test(joint)) return 'left';
  return /right|^r(?=[A-Z_. ])|_r$/i.test(joint) ? 'right' : 'middle';
}

function sameJoint(a: string, b: string): boolean {
  const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]+/g, '_');
  return plain(a) === plain(b);
}

/** The columns of `order` out of (T, J, 3). */
function picked(positions: Float32Array, joints: number, order: readonly number[]): Float32Array {
  const frames = positions.length / (3 * joints);
  const out = new Float32Array(frames * order.length * 3);
  for (let frame = 0; frame < frames; frame++) {
    for (const [to, from] of order.entries()) {
      const at = (frame * joints + from) * 3;
      out.set(positions.subarray(at, at + 3), (frame * order.length + to) * 3);
    }
  }
  return out;
}
