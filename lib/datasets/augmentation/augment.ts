import { largest, smallest } from '../../base/lists.js';
import { createRandom, type Random } from '../../base/random.js';
import { resampleFrames } from '../../keypoints/filters/resample.js';
import { human36m17 } from '../../skeletons/human36m.js';
import { drawBody, resizeBody } from './body.js';
import { type DrawnCamera, drawCamera, logUniform } from './camera-draw.js';
import { addDetectorErrors } from './detector.js';
import type { Recording } from './recording.js';
import type { Augmentation } from './settings.js';

const WIDTH = human36m17.joints.length * 3;
/** Metres: what a person's apparent stature is worked out from. */
const STATURE = 1.7;
/** Poses that a camera must see whole. */
const LOOKED_AT = 12;

/** One person, filmed and detected: what a data set's sequence holds, and no more. */
export interface AugmentedSequence {
  frames: number;
  /** (T, 17, 2), normalised. */
  keypoints: Float32Array;
  /** (T, 17, 3), metres, camera axes, relative to the root joint. */
  poses: Float32Array;
  /** (T), 1 where a window around the frame is whole, or ends where the recording does. */
  valid: Uint8Array;
  camera: DrawnCamera;
}

/** Frames of the training's windows, which decide where sequences overlap. */
export interface WindowSpan {
  fps: number;
  /** Frames from a window's centre to its end. */
  reach: number;
}

/**
 * A recording as this epoch sees it: cut into sequences at places of the epoch's own, which overlap by a window, each with a
 * camera, a body, a speed and a detector of its own. Where people stand about, most of it is left out. The same seed, epoch and recording give the same numbers.
 */
export function augmentRecording(
  recording: Recording,
  settings: Augmentation,
  span: WindowSpan,
  draw: { seed: number; epoch: number },
): AugmentedSequence[] {
  const random = createRandom(draw.seed, 'augmentation', draw.epoch, recording.name);
  const seconds = (recording.frames - 1) / recording.fps;
  const margin = (span.reach / span.fps) * settings.speed[1];
  const core = Math.max(settings.seconds - 2 * margin, settings.seconds / 4);
  const parts = Math.max(1, Math.ceil(seconds / core));
  // A first part of any length: every epoch cuts elsewhere.
  const first = parts > 1 ? random.uniform(0.3, 1) * core : seconds;
  const out: AugmentedSequence[] = [];
  for (
    let start = 0, end = first, part = 0;
    start < seconds;
    start = end, end = Math.min(end + core, seconds), part++
  ) {
    // A rest of less than a quarter is left to the part before it.
    if (seconds - end < core / 4) end = seconds;
    const made = augmentPart(random.split(part), recording, settings, span, { start, end });
    if (made) out.push(made);
  }
  return out;
}

function augmentPart(
  random: Random,
  recording: Recording,
  settings: Augmentation,
  span: WindowSpan,
  { start, end }: { start: number; end: number },
): AugmentedSequence | undefined {
  const last = (recording.frames - 1) / recording.fps;
  const speed = logUniform(random, settings.speed);
  const rate = random.choice(settings.rates);
  const margin = (span.reach / span.fps) * speed;
  const from = Math.max(0, start - margin);
  const to = Math.min(last, end + margin);
  /** Seconds of the filmed, faster or slower motion. */
  const length = (to - from) / speed;
  const factors = drawBody(random, recording.reach, settings.body);
  const pose = new Float64Array(WIDTH);
  const recorded = new Float64Array(WIDTH);
  let followed = false;
  /** The pose, resized, at a time of the filmed motion. */
  const poseAt = (time: number) => {
    const seconds = from + time * speed;
    interpolate(recorded, recording, seconds);
    if (followed) stay(recorded, recording, seconds, from);
    resizeBody(pose, recorded, factors);
    return pose;
  };
  const looked = new Float64Array(LOOKED_AT * WIDTH);
  const look = () => {
    for (let i = 0; i < LOOKED_AT; i++) looked.set(poseAt((length * i) / (LOOKED_AT - 1)), i * WIDTH);
  };
  look();
  const share = Math.max(settings.fewest, meanSpeed(looked, length / (LOOKED_AT - 1)) / settings.lively);
  if (random.uniform() >= share) return undefined;
  followed = settings.followed > 0 && random.uniform() < settings.followed;
  if (followed) look();
  const camera = drawCamera(random, settings.cameras, looked, middleOf(looked));

  const seen = Math.floor(length * rate + 1e-6) + 1;
  const film = new Float32Array((seen * WIDTH * 2) / 3);
  const stature = new Float32Array(seen);
  for (let frame = 0; frame < seen; frame++) {
    stature[frame] = project(film, (frame * WIDTH * 2) / 3, camera, poseAt(Math.min(frame / rate, length)));
  }
  const detected = addDetectorErrors(random, film, stature, rate, settings.detector);

  const frames = Math.floor(length * span.fps + 1e-6) + 1;
  const film2d = { data: detected, shape: [seen, (WIDTH * 2) / 3] };
  const keypoints =
    rate === span.fps ? detected : (resampleFrames(film2d, rate / span.fps, frames).data as Float32Array);
  const poses = new Float32Array(frames * WIDTH);
  const valid = new Uint8Array(frames);
  for (let frame = 0; frame < frames; frame++) {
    const time = frame / span.fps;
    turnIntoCamera(poses, frame * WIDTH, camera, poseAt(time));
    const at = from + time * speed;
    valid[frame] = at >= start - 1e-6 && (at < end || end >= last) ? 1 : 0;
  }
  return { frames, keypoints, poses, valid, camera };
}

/** A recording's pose at a time in seconds, on the line between its frames. */
function interpolate(out: Float64Array, { points, fps, frames }: Recording, seconds: number): void {
  const time = Math.min(Math.max(seconds * fps, 0), frames - 1);
  const first = Math.min(Math.floor(time), Math.max(frames - 2, 0));
  const share = time - first;
  const a = first * WIDTH;
  const b = Math.min(first + 1, frames - 1) * WIDTH;
  for (let i = 0; i < WIDTH; i++) out[i] = points[a + i] + share * (points[b + i] - points[a + i]);
}

/** Seconds from a pose at which the way over the ground is read, for its mean. */
const WAY = [-0.5, -0.25, 0, 0.25, 0.5];

/** Takes the way over the ground since `start` from a recorded pose: its mean over a second. */
function stay(pose: Float64Array, recording: Recording, seconds: number, start: number): void {
  for (const axis of [0, 2]) {
    let way = 0;
    for (const aside of WAY) way += valueAt(recording, axis, seconds + aside) - valueAt(recording, axis, start + aside);
    for (let i = axis; i < WIDTH; i += 3) pose[i] -= way / WAY.length;
  }
}

/** One coordinate of a recording's pose at a time in seconds. */
function valueAt({ points, fps, frames }: Recording, i: number, seconds: number): number {
  const time = Math.min(Math.max(seconds * fps, 0), frames - 1);
  const first = Math.min(Math.floor(time), Math.max(frames - 2, 0));
  const a = points[first * WIDTH + i];
  return a + (time - first) * (points[Math.min(first + 1, frames - 1) * WIDTH + i] - a);
}

/** Metres a second that joints of poses `seconds` apart move on average. */
function meanSpeed(poses: Float64Array, seconds: number): number {
  let way = 0;
  for (let i = WIDTH; i < poses.length; i += 3) {
    const [x, y, z] = [0, 1, 2].map((axis) => poses[i + axis] - poses[i - WIDTH + axis]);
    way += Math.hypot(x, y, z);
  }
  return way / ((poses.length - WIDTH) / 3) / seconds;
}

/** The middle of the box that the hips stay in. */
function middleOf(poses: Float64Array): number[] {
  return [0, 1, 2].map((axis) => {
    const hips = Array.from({ length: LOOKED_AT }, (_, i) => poses[i * WIDTH + axis]);
    return (smallest(hips) + largest(hips)) / 2;
  });
}

/** Writes a pose's 2D (17, 2), normalised; returns the apparent stature. */
function project(out: Float32Array, at: number, camera: DrawnCamera, pose: Float64Array): number {
  const { rotation: r, translation: t } = camera.extrinsics;
  for (let i = 0, o = at; i < WIDTH; i += 3, o += 2) {
    const [x, y, z] = [pose[i], pose[i + 1], pose[i + 2]];
    const depth = Math.max(r[6] * x + r[7] * y + r[8] * z + t[2], 0.1);
    out[o] = (camera.fx * (r[0] * x + r[1] * y + r[2] * z + t[0])) / depth + camera.cx;
    out[o + 1] = (camera.fy * (r[3] * x + r[4] * y + r[5] * z + t[1])) / depth + camera.cy;
  }
  return (camera.fx * STATURE) / Math.max(r[6] * pose[0] + r[7] * pose[1] + r[8] * pose[2] + t[2], 0.1);
}

/** Writes a pose (17, 3) in camera axes, relative to the root. */
function turnIntoCamera(out: Float32Array, at: number, camera: DrawnCamera, pose: Float64Array): void {
  const r = camera.extrinsics.rotation;
  for (let i = 0; i < WIDTH; i += 3) {
    const [x, y, z] = [pose[i] - pose[0], pose[i + 1] - pose[1], pose[i + 2] - pose[2]];
    for (let axis = 0; axis < 3; axis++) {
      out[at + i + axis] = r[3 * axis] * x + r[3 * axis + 1] * y + r[3 * axis + 2] * z;
    }
  }
}
