import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type GaitCurve, gaitAngle } from '../../lib/datasets/walking/gait-curves.js';
import { alphaPoseJson, walkingClip, walkingTruth } from '../../lib/datasets/walking/walking-clip.js';
import { strideSeconds, supportedPelvis, walkerPoints } from '../../lib/datasets/walking/walking-gait.js';
import { readNpz } from '../../lib/formats/numpy/npz.js';

const example = (name: string) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
const clip = walkingClip();

/** Extreme of a curve over the cycle: its value and the percent where it is. */
function extreme(curve: GaitCurve, better: (a: number, b: number) => boolean, from = 0, to = 100) {
  let best = { percent: from, angle: gaitAngle(curve, from / 100) };
  for (let percent = from; percent <= to; percent++) {
    const angle = gaitAngle(curve, percent / 100);
    if (better(angle, best.angle)) best = { percent, angle };
  }
  return best;
}
const more = (a: number, b: number) => a > b;
const less = (a: number, b: number) => a < b;

describe('gait curves', () => {
  it.each([
    ['hipFlexion', more, 0, 100, 35, 85],
    ['hipFlexion', less, 0, 100, -10, 50],
    ['kneeFlexion', more, 0, 30, 17, 14],
    ['kneeFlexion', more, 50, 100, 61, 71],
    ['ankleDorsiflexion', more, 20, 60, 10, 43],
    ['ankleDorsiflexion', less, 50, 80, -17, 63],
    ['ankleDorsiflexion', less, 0, 15, -5, 6],
  ] as const)('%s has its known extreme', (curve, better, from, to, angle, percent) => {
    const found = extreme(curve, better, from, to);
    expect(Math.abs(found.angle - angle)).toBeLessThan(2);
    expect(Math.abs(found.percent - percent)).toBeLessThan(5);
  });

  it('repeats every cycle', () => {
    expect(gaitAngle('kneeFlexion', 3.3)).toBeCloseTo(gaitAngle('kneeFlexion', 0.3), 9);
  });
});

describe('walking gait', () => {
  const step = 1 / (50 * strideSeconds);

  it('walks at the speed and height of an adult', () => {
    const cycle = Array.from({ length: 55 }, (_, index) => supportedPelvis(index * step, step));
    const stride = cycle.reduce((sum, { advance }) => sum + advance, 0);
    expect(stride).toBeGreaterThan(1.25);
    expect(stride).toBeLessThan(1.5);
    const heights = cycle.map(({ height }) => height);
    expect(Math.max(...heights) - Math.min(...heights)).toBeGreaterThan(0.02);
    expect(Math.max(...heights) - Math.min(...heights)).toBeLessThan(0.05);
  });

  it('leaves the standing foot where it is', () => {
    let travelled = 0;
    const ankles: number[] = [];
    for (let phase = 0; phase < 0.33; phase += step) {
      if (phase > 0.1) ankles.push(travelled + walkerPoints(phase).rightAnkle[0]);
      travelled += supportedPelvis(phase, step).advance;
    }
    expect(ankles.length).toBeGreaterThan(10);
    expect(Math.max(...ankles) - Math.min(...ankles)).toBeLessThan(0.03);
  });

  it('mirrors itself half a cycle later', () => {
    const now = walkerPoints(0.2);
    const later = walkerPoints(0.7);
    expect(later.leftWrist[0]).toBeCloseTo(now.rightWrist[0], 9);
    expect(later.leftAnkle[1]).toBeCloseTo(-now.rightAnkle[1], 9);
    expect(later.leftAnkle[2]).toBeCloseTo(now.rightAnkle[2], 9);
  });
});

describe('the example clip', () => {
  it('keeps bone lengths, and the pelvis at zero', () => {
    const thighs: number[] = [];
    for (let frame = 0; frame < clip.frames; frame++) {
      const joint = (index: number) => clip.poses.subarray((frame * 17 + index) * 3, (frame * 17 + index) * 3 + 3);
      thighs.push(Math.hypot(...joint(5).map((value, axis) => value - joint(4)[axis])));
      expect(Array.from(joint(0))).toEqual([0, 0, 0]);
    }
    expect(Math.max(...thighs) - Math.min(...thighs)).toBeLessThan(1e-5);
  });

  it('stays in the picture, and errs as little as a detector does', () => {
    let error = 0;
    for (let frame = 0; frame < clip.frames; frame++) {
      // COCO's left wrist (9) and Human3.6M's (13) are one point.
      const pose = (frame * 17 + 13) * 3;
      const [x, y, z] = [0, 1, 2].map((axis) => clip.poses[pose + axis] + clip.root[frame * 3 + axis]);
      const at = (frame * 17 + 9) * 2;
      const [seenX, seenY] = clip.keypoints.subarray(at, at + 2);
      error += Math.hypot(seenX - 960 - (1250 * x) / z, seenY - 540 - (1250 * y) / z) / clip.frames;
    }
    expect(error).toBeGreaterThan(1);
    expect(error).toBeLessThan(8);
    for (let at = 0; at < clip.keypoints.length; at += 2) {
      expect(clip.keypoints[at]).toBeGreaterThan(0);
      expect(clip.keypoints[at]).toBeLessThan(clip.width);
      expect(clip.keypoints[at + 1]).toBeGreaterThan(0);
      expect(clip.keypoints[at + 1]).toBeLessThan(clip.height);
    }
    expect(Math.min(...clip.confidence)).toBeGreaterThan(0.3);
    expect(Math.max(...clip.confidence)).toBeLessThanOrEqual(1);
  });

  it('is what examples/walking.json holds', () => {
    expect(readFileSync(example('walking.json'), 'utf8')).toBe(alphaPoseJson(clip));
  });

  it('has its truth in examples/walking-truth.npz', () => {
    const arrays = readNpz(example('walking-truth.npz'));
    for (const [name, value] of Object.entries(walkingTruth(clip))) expect(arrays.get(name)).toEqual(value);
  });
});
