import type { Random } from '../../base/random.js';
import { fillGaps } from '../../keypoints/filters/fill-gaps.js';
import { human36m17 } from '../../skeletons/human36m.js';
import { logUniform } from './camera-draw.js';
import type { DetectorSettings } from './settings.js';

const JOINTS = human36m17.joints.length;

/**
 * Our own choice of a detector's errors at strength 1, by joint: standard deviation as a share of the person's apparent
 * stature, and the share of frames in which the detector takes something else for the joint.
 */
const ERRORS: readonly (readonly [std: number, wrong: number])[] = [
  [0.009, 0.03],
  ...[1, 2].flatMap(() => [[0.011, 0.05] as const, [0.01, 0.07] as const, [0.012, 0.1] as const]),
  [0.009, 0.03],
  [0.008, 0.03],
  [0.009, 0.03],
  [0.01, 0.04],
  ...[1, 2].flatMap(() => [[0.009, 0.05] as const, [0.011, 0.1] as const, [0.013, 0.14] as const]),
];

/** How far from the joint a wrong one is found, in x and y, as a share of the apparent stature. */
const WRONG_REACH = 0.07;
const WRONG_SECONDS = 0.2;

/** Pairs that change places together, and joints that are hidden together. */
const SWAPS: readonly (readonly (readonly [number, number])[])[] = [
  [
    [1, 4],
    [2, 5],
    [3, 6],
  ],
  [
    [11, 14],
    [12, 15],
    [13, 16],
  ],
  [
    [1, 4],
    [2, 5],
    [3, 6],
    [11, 14],
    [12, 15],
    [13, 16],
  ],
  [
    [2, 5],
    [3, 6],
  ],
  [[3, 6]],
  [[13, 16]],
];
const HIDDEN: readonly (readonly number[])[] = [
  [3],
  [6],
  [2, 3],
  [5, 6],
  [1, 2, 3],
  [4, 5, 6],
  [13],
  [16],
  [12, 13],
  [15, 16],
  [11, 12, 13],
  [14, 15, 16],
  [9, 10],
  [2, 3, 5, 6],
  [1, 2, 3, 4, 5, 6],
];

/**
 * What a detector makes of clean 2D: writes its errors into `keypoints` (T, 17, 2), normalised units, taken at `fps`.
 * `stature` (T) is the person's apparent height in the same units.
 */
export function addDetectorErrors(
  random: Random,
  keypoints: Float32Array,
  stature: Float32Array,
  fps: number,
  settings: DetectorSettings,
): Float32Array {
  if (random.uniform() < settings.clean) return keypoints;
  const strength = logUniform(random, settings.strength);
  addDrift(random, keypoints, stature, fps, strength, settings.drift);
  if (random.uniform() < settings.mapped) deriveTrunk(keypoints);
  if (random.uniform() < settings.pixelShare) {
    const sigma = logUniform(random, settings.pixels);
    for (let i = 0; i < keypoints.length; i++) keypoints[i] += random.normal(0, sigma);
  }
  const seconds = stature.length / fps;
  if (random.uniform() < settings.swaps) {
    for (const [first, end] of moments(random, seconds * 0.4, stature.length, fps, [0.04, 0.4])) {
      swapSides(keypoints, random.choice(SWAPS), first, end);
    }
  }
  const hidden = random.uniform() < settings.hidden;
  const lost = random.uniform() < settings.lost;
  return hidden || lost ? bridged(random, keypoints, fps, hidden, lost) : keypoints;
}

/** Errors that drift about a place of their own, and joints that are taken for something else for a while. */
function addDrift(
  random: Random,
  keypoints: Float32Array,
  stature: Float32Array,
  fps: number,
  strength: number,
  drift: readonly [number, number],
): void {
  const keep = Math.exp(-1 / (fps * logUniform(random, drift)));
  const fresh = Math.sqrt(1 - keep * keep);
  const recover = 1 - Math.exp(-1 / (fps * WRONG_SECONDS));
  const wrongness = random.uniform(0, 1.5) * Math.min(strength, 1);
  for (let joint = 0; joint < JOINTS; joint++) {
    const [std, share] = ERRORS[joint];
    // A joint's place as a detector means it is not quite the recording's: half of the error stays.
    const [placeX, placeY] = [random.normal(0, 0.7), random.normal(0, 0.7)];
    const wrong = share * wrongness;
    const leave = (recover * wrong) / (1 - wrong);
    let [x, y] = [random.normal(), random.normal()];
    let off = random.uniform() < wrong;
    let [offX, offY] = [random.uniform(-1, 1), random.uniform(-1, 1)];
    for (let frame = 0; frame < stature.length; frame++) {
      const at = (frame * JOINTS + joint) * 2;
      const unit = stature[frame] * strength * std;
      keypoints[at] += off ? stature[frame] * WRONG_REACH * offX : unit * (placeX + x);
      keypoints[at + 1] += off ? stature[frame] * WRONG_REACH * offY : unit * (placeY + y);
      x = keep * x + fresh * random.normal();
      y = keep * y + fresh * random.normal();
      const change = random.uniform();
      if (off) off = change >= recover;
      else if (change < leave) {
        off = true;
        [offX, offY] = [random.uniform(-1, 1), random.uniform(-1, 1)];
      }
    }
  }
}

/** Hip, spine and thorax as layouts without them are mapped: midway between hips, shoulders, and the two. */
function deriveTrunk(keypoints: Float32Array): void {
  for (let first = 0; first < keypoints.length; first += JOINTS * 2) {
    for (const axis of [first, first + 1]) {
      keypoints[axis] = (keypoints[axis + 2] + keypoints[axis + 8]) / 2;
      keypoints[axis + 16] = (keypoints[axis + 22] + keypoints[axis + 28]) / 2;
      keypoints[axis + 14] = (keypoints[axis] + keypoints[axis + 16]) / 2;
    }
  }
}

/** About `count` moments [first, end) of `seconds` within `frames`; at least one. */
function moments(
  random: Random,
  count: number,
  frames: number,
  fps: number,
  seconds: readonly [number, number],
): [number, number][] {
  return Array.from({ length: 1 + Math.floor(random.uniform(0, 2 * count)) }, () => {
    const length = Math.max(1, Math.round(logUniform(random, seconds) * fps));
    const first = random.integer(frames);
    return [first, Math.min(first + length, frames)];
  });
}

function swapSides(
  keypoints: Float32Array,
  pairs: readonly (readonly [number, number])[],
  first: number,
  end: number,
): void {
  for (let frame = first; frame < end; frame++) {
    for (const [left, right] of pairs) {
      for (const axis of [0, 1]) {
        const [a, b] = [(frame * JOINTS + left) * 2 + axis, (frame * JOINTS + right) * 2 + axis];
        [keypoints[a], keypoints[b]] = [keypoints[b], keypoints[a]];
      }
    }
  }
}

/** Hides joints and loses frames, and fills them in as a file's gaps are. */
function bridged(random: Random, keypoints: Float32Array, fps: number, hidden: boolean, lost: boolean): Float32Array {
  const frames = keypoints.length / (JOINTS * 2);
  const known = keypoints.slice();
  if (hidden) {
    for (const [first, end] of moments(random, (frames / fps) * 0.4, frames, fps, [0.08, 1.2])) {
      const group = random.choice(HIDDEN);
      for (let frame = first; frame < end; frame++) {
        for (const joint of group)
          known.fill(Number.NaN, (frame * JOINTS + joint) * 2, (frame * JOINTS + joint + 1) * 2);
      }
    }
  }
  if (lost) {
    for (const [first, end] of moments(random, (frames / fps) * 0.3, frames, fps, [0.02, 0.4])) {
      known.fill(Number.NaN, first * JOINTS * 2, end * JOINTS * 2);
    }
  }
  return known.some((value) => !Number.isNaN(value)) ? fillGaps(known, frames, JOINTS).keypoints : keypoints;
}
