import { createRandom } from '../../lib/base/random.js';

type Vector = readonly [number, number, number];

const add = (a: Vector, b: Vector, scale = 1): Vector => [
  a[0] + scale * b[0],
  a[1] + scale * b[1],
  a[2] + scale * b[2],
];

/**
 * A random, plausible moving person: (T, 17, 3) of h36m-17, metres, z up, feet near z = 0, within 1.5 m of the origin.
 * Gait, arms, crouching and turning depend on the seed.
 */
export function walker(seed: string, frames: number, fps: number): Float32Array {
  const random = createRandom(seed, 'walker');
  const size = random.uniform(0.9, 1.1);
  const stride = random.uniform(0.1, 0.7);
  const pace = random.uniform(0.5, 1.2) * 2 * Math.PI;
  const turning = random.uniform(-0.8, 0.8);
  const heading = random.uniform(0, 2 * Math.PI);
  const radius = random.uniform(0, 1.2);
  const raise = random.uniform(0.1, 1.4);
  const crouch = random.uniform(0, 0.9);
  const lean = random.uniform(-0.1, 0.4);
  const slow = random.uniform(0.1, 0.4) * 2 * Math.PI;
  const out = new Float32Array(frames * 51);
  for (let frame = 0; frame < frames; frame++) {
    const time = frame / fps;
    const phase = pace * time;
    const angle = heading + turning * time;
    const forward: Vector = [Math.cos(angle), Math.sin(angle), 0];
    const left: Vector = [-Math.sin(angle), Math.cos(angle), 0];
    const bend = crouch * (0.5 - 0.5 * Math.cos(slow * time));
    /** A bone of some length, `swing` to the front and `out` to the side of straight down. */
    const bone = (length: number, swing: number, out: number): Vector => {
      const reach = length * size * Math.cos(out);
      const ahead = add([0, 0, -reach * Math.cos(swing)], forward, reach * Math.sin(swing));
      return add(ahead, left, length * size * Math.sin(out));
    };
    const leg = (hip: Vector, at: number, side: number): Vector[] => {
      const swing = stride * Math.sin(at) + bend;
      const knee = add(hip, bone(0.44, swing, 0.05 * side));
      const flex = Math.max(0, stride * Math.cos(at)) + 2 * bend;
      return [hip, knee, add(knee, bone(0.43, swing - flex, 0.03 * side))];
    };
    const arm = (shoulder: Vector, at: number, side: number): Vector[] => {
      const out = side * raise * (0.6 + 0.4 * Math.sin(0.7 * slow * time));
      const elbow = add(shoulder, bone(0.28, -stride * Math.sin(at), out));
      return [shoulder, elbow, add(elbow, bone(0.25, 0.5 - 0.5 * stride * Math.sin(at), out * 0.8))];
    };
    const up: Vector = add([0, 0, Math.cos(lean + bend / 2)], forward, Math.sin(lean + bend / 2));
    const thigh = 0.44 * Math.cos(bend) + 0.43 * Math.cos(bend);
    const hip: Vector = [
      radius * Math.cos(turning * time),
      radius * Math.sin(turning * time),
      size * (thigh + 0.07) + 0.02 * Math.cos(2 * phase),
    ];
    const spine = add(hip, up, 0.23 * size);
    const thorax = add(spine, up, 0.25 * size);
    const neck = add(add(thorax, up, 0.1 * size), forward, 0.05 * size);
    const joints: Vector[] = [
      hip,
      ...leg(add(hip, left, -0.13 * size), phase, -1),
      ...leg(add(hip, left, 0.13 * size), phase + Math.PI, 1),
      ...[spine, thorax, neck, add(neck, up, 0.11 * size)],
      ...arm(add(thorax, left, 0.15 * size), phase, 1),
      ...arm(add(thorax, left, -0.15 * size), phase + Math.PI, -1),
    ];
    out.set(joints.flat(), frame * 51);
  }
  return out;
}
