import { largest, smallest } from '../../base/lists.js';
import { createRandom, type Random } from '../../base/random.js';
import { type Tensor, tensor } from '../../base/tensor.js';
import { type Point, strideSeconds, supportedPelvis, type WalkerPoints, walkerPoints } from './walking-gait.js';

/** A person who walks past a camera: what a detector would see, and what was really there. */
export interface WalkingClip {
  fps: number;
  width: number;
  height: number;
  frames: number;
  /** (T, 17, 2), COCO-17, pixels, with the detector's errors. */
  keypoints: Float64Array;
  /** (T, 17), 0 to 1. */
  confidence: Float64Array;
  /** (T, 17, 3), Human3.6M-17, metres, camera axes (x right, y down, z away), relative to the pelvis. */
  poses: Float32Array;
  /** (T, 3), metres, camera axes: where the pelvis is. */
  root: Float32Array;
}

const cocoJoints = [
  'nose',
  'leftEye',
  'rightEye',
  'leftEar',
  'rightEar',
  'leftShoulder',
  'rightShoulder',
  'leftElbow',
  'rightElbow',
  'leftWrist',
  'rightWrist',
  'leftHip',
  'rightHip',
  'leftKnee',
  'rightKnee',
  'leftAnkle',
  'rightAnkle',
] as const satisfies readonly (keyof WalkerPoints)[];

const human36mJoints = [
  'pelvis',
  'rightHip',
  'rightKnee',
  'rightAnkle',
  'leftHip',
  'leftKnee',
  'leftAnkle',
  'spine',
  'thorax',
  'face',
  'head',
  'leftShoulder',
  'leftElbow',
  'leftWrist',
  'rightShoulder',
  'rightElbow',
  'rightWrist',
] as const satisfies readonly (keyof WalkerPoints)[];

const fps = 50;
const frames = 300;
const width = 1920;
const height = 1080;

/** The path is an arc about the world's origin; angles from the x axis. The camera stands outside it and looks in. */
const path = { radius: 6, startDegrees: -132 };
const camera = { position: [0.4, -10.4, 1.4] as Point, target: [-0.1, -5, 0.86] as Point, focal: 1250 };

/** Standard deviation in pixels of a detector's error at each COCO joint: hips and the ends of limbs are the least sure. */
const errorPixels = [1.2, 1.2, 1.2, 1.6, 1.6, 2, 2, 2.2, 2.2, 2.4, 2.4, 2.8, 2.8, 2.4, 2.4, 2.6, 2.6];

/** Makes the bundled clip: 6 s at 50 frames/s, the same numbers every time. */
export function walkingClip(): WalkingClip {
  const clip: WalkingClip = {
    fps,
    width,
    height,
    frames,
    keypoints: new Float64Array(frames * 17 * 2),
    confidence: new Float64Array(frames * 17),
    poses: new Float32Array(frames * 17 * 3),
    root: new Float32Array(frames * 3),
  };
  const toCamera = lookAt(camera.position, camera.target);
  const errors = new DetectorErrors('walking clip');
  const phaseStep = 1 / (fps * strideSeconds);
  let travelled = 0;
  for (let frame = 0; frame < frames; frame++) {
    const phase = frame * phaseStep;
    const { height: hipHeight, advance } = supportedPelvis(phase, phaseStep);
    const place = onPath(travelled, phase, hipHeight);
    travelled += advance;
    const points = walkerPoints(phase);
    const seen = (joint: keyof WalkerPoints) => toCamera(place(points[joint]));

    const root = seen('pelvis');
    clip.root.set(root, frame * 3);
    for (const [joint, name] of human36mJoints.entries()) {
      const point = seen(name);
      clip.poses.set([point[0] - root[0], point[1] - root[1], point[2] - root[2]], (frame * 17 + joint) * 3);
    }
    for (const [joint, name] of cocoJoints.entries()) {
      const [x, y, z] = seen(name);
      const other = opposite(name);
      const behind = other === undefined ? 0 : Math.min(1, Math.max(0, (z - seen(other)[2]) / 0.25));
      const error = errors.next(joint, behind);
      const at = frame * 17 + joint;
      clip.keypoints[at * 2] = round(width / 2 + (camera.focal * x) / z + error.x, 2);
      clip.keypoints[at * 2 + 1] = round(height / 2 + (camera.focal * y) / z + error.y, 2);
      clip.confidence[at] = round(error.confidence, 3);
    }
  }
  return clip;
}

/** The clip's detections as AlphaPose writes them: one object a person and frame, COCO order, flat x, y, confidence. */
export function alphaPoseJson(clip: WalkingClip): string {
  const entries: string[] = [];
  for (let frame = 0; frame < clip.frames; frame++) {
    const triples: number[] = [];
    for (let joint = 0; joint < 17; joint++) {
      const at = frame * 17 + joint;
      triples.push(clip.keypoints[at * 2], clip.keypoints[at * 2 + 1], clip.confidence[at]);
    }
    const xs = triples.filter((_, index) => index % 3 === 0);
    const ys = triples.filter((_, index) => index % 3 === 1);
    const [left, top] = [smallest(xs) - 20, smallest(ys) - 30];
    const box = [left, top, largest(xs) + 20 - left, largest(ys) + 30 - top].map((value) => round(value, 1));
    const mean = triples.reduce((sum, value, index) => (index % 3 === 2 ? sum + value / 17 : sum), 0);
    entries.push(
      JSON.stringify({
        image_id: `${frame}.jpg`,
        category_id: 1,
        keypoints: triples,
        score: round(mean, 3),
        box,
        idx: 1,
      }),
    );
  }
  return `[\n${entries.join(',\n')}\n]\n`;
}

/** What was really there, as the arrays of an `.npz`: poses, root, and the camera in pixels. */
export function walkingTruth(clip: WalkingClip): Record<string, Tensor<Float32Array | Float64Array>> {
  const { fps, width, height, frames } = clip;
  return {
    poses: tensor(clip.poses, [frames, 17, 3]),
    root: tensor(clip.root, [frames, 3]),
    fps: tensor(Float64Array.of(fps), []),
    size: tensor(Float64Array.of(width, height), [2]),
    focal: tensor(Float64Array.of(camera.focal), []),
  };
}

/** Puts points of the walker into the world: `travelled` metres along the arc, hips `hipHeight` above the ground. */
function onPath(travelled: number, phase: number, hipHeight: number): (point: Point) => Point {
  const angle = (path.startDegrees * Math.PI) / 180 + travelled / path.radius;
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  // The body sways 2 cm towards the leg that carries it: to the right (away from the arc's centre) at 30% of its cycle.
  const sway = -0.02 * Math.cos(2 * Math.PI * (phase - 0.3));
  return ([x, y, z]) => {
    const radial = path.radius - (y + sway);
    return [radial * cosine - x * sine, radial * sine + x * cosine, z + hipHeight];
  };
}

/** World to camera axes (x right, y down, z away) for a camera that stands upright. */
function lookAt(position: Point, target: Point): (point: Point) => [number, number, number] {
  const unit = (v: Point): Point => {
    const length = Math.hypot(...v);
    return [v[0] / length, v[1] / length, v[2] / length];
  };
  const cross = (a: Point, b: Point): Point => [
    a[1] * b[2] - a[2] * b[1],
    a[2] * b[0] - a[0] * b[2],
    a[0] * b[1] - a[1] * b[0],
  ];
  const away = unit([target[0] - position[0], target[1] - position[1], target[2] - position[2]]);
  const right = unit(cross(away, [0, 0, 1]));
  const down = cross(away, right);
  return (point) => {
    const d: Point = [point[0] - position[0], point[1] - position[1], point[2] - position[2]];
    const along = (axis: Point) => axis[0] * d[0] + axis[1] * d[1] + axis[2] * d[2];
    return [along(right), along(down), along(away)];
  };
}

function opposite(joint: (typeof cocoJoints)[number]): keyof WalkerPoints | undefined {
  if (joint.startsWith('left')) return joint.replace('left', 'right') as keyof WalkerPoints;
  if (joint.startsWith('right')) return joint.replace('right', 'left') as keyof WalkerPoints;
  return undefined;
}

/** Errors that last for a few frames, as a detector's do, larger and less sure where the body hides a joint. */
class DetectorErrors {
  private readonly state = new Float64Array(17 * 2);
  private readonly random: Random;

  constructor(seed: string) {
    this.random = createRandom(seed);
  }

  /** `behind`: 0 for a joint in view, 1 for one well behind its opposite. */
  next(joint: number, behind: number): { x: number; y: number; confidence: number } {
    const memory = 0.75;
    const fresh = Math.sqrt(1 - memory * memory);
    for (const axis of [0, 1]) {
      this.state[joint * 2 + axis] = memory * this.state[joint * 2 + axis] + fresh * this.random.normal();
    }
    const [x, y] = [this.state[joint * 2], this.state[joint * 2 + 1]];
    const scale = errorPixels[joint] * (1 + 0.8 * behind);
    const confidence = 0.95 - 0.035 * Math.hypot(x, y) - 0.15 * behind;
    return { x: x * scale, y: y * scale, confidence: Math.max(0.05, confidence) };
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
