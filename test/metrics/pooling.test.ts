import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../lib/base/tensor.js';
import { jointErrorsMm } from '../../lib/metrics/joint-errors.js';
import { type MpiInf3dhpResult, poolMpiInf3dhp } from '../../lib/metrics/mpi-inf-3dhp.js';
import { auc, pck } from '../../lib/metrics/pck.js';
import { poolScores } from '../../lib/metrics/pooling.js';
import { scoreSequence } from '../../lib/metrics/sequence-score.js';
import { pattern } from '../helpers/pattern.js';

/** Two arrays (T, joints, 3) whose every joint but the root is `errorMm` apart. */
function apart(frames: number, joints: number, root: number, errorMm: number): { predicted: Tensor; truth: Tensor } {
  const truth = pattern('truth', frames, joints, 3);
  const data = truth.data.slice();
  for (let i = 0; i < frames * joints; i++) {
    if (i % joints === root) {
      truth.data.fill(0, 3 * i, 3 * i + 3);
      data.fill(0.7, 3 * i, 3 * i + 3);
    } else {
      data[3 * i + 2] += errorMm / 1000;
    }
  }
  return { predicted: { data, shape: truth.shape }, truth };
}

function score(subject: string, action: string, frames: number, errorMm: number) {
  const { predicted, truth } = apart(frames, 17, 0, errorMm);
  return scoreSequence({ name: `${subject}/${action}`, subject, action }, predicted, truth, 0);
}

describe('a sequence', () => {
  it('counts the root as 0 whatever was predicted for it', () => {
    const { mpjpeMm, jointErrorsMm, frames, steps } = score('S9', 'Walking 1', 4, 34);
    expect(mpjpeMm).toBeCloseTo(32, 3);
    expect(jointErrorsMm[0]).toBe(0);
    expect(jointErrorsMm[16]).toBeCloseTo(34, 3);
    expect([frames, steps]).toEqual([4, 3]);
  });

  it('leaves out frames that are not valid', () => {
    const { predicted, truth } = apart(3, 17, 0, 17);
    predicted.data.fill(100, 51, 102);
    const about = { name: 'a', subject: 'a', action: 'a', valid: Uint8Array.of(1, 0, 1) };
    expect(scoreSequence(about, predicted, truth, 0)).toMatchObject({ frames: 2, steps: 0 });
    expect(scoreSequence(about, predicted, truth, 0).mpjpeMm).toBeCloseTo(16, 3);
    const none = { ...about, valid: new Uint8Array(3) };
    expect(() => scoreSequence(none, predicted, truth, 0)).toThrow(/no valid frame/);
    expect(() => scoreSequence({ ...about, valid: new Uint8Array(2) }, predicted, truth, 0)).toThrow(/3 frames, but 2/);
  });
});

describe('pooling by action', () => {
  const report = poolScores([
    score('S9', 'Walking 1', 10, 17),
    score('S9', 'Walking', 30, 51),
    score('S11', 'Directions 1', 2, 85),
    score('S11', 'Juggling', 2, 34),
  ]);

  it("weighs frames inside an action, and actions alike in the table's average", () => {
    expect(report.actions.map(({ name, frames }) => [name, frames])).toEqual([
      ['Directions', 2],
      ['Walking', 40],
      ['Juggling', 2],
    ]);
    expect(report.actions[1].mpjpeMm).toBeCloseTo((10 * 16 + 30 * 48) / 40, 2);
    expect(report.actionAverage.mpjpeMm).toBeCloseTo((80 + 40 + 32) / 3, 2);
    expect(report.overall.mpjpeMm).toBeCloseTo((10 * 16 + 30 * 48 + 2 * 80 + 2 * 32) / 44, 2);
  });

  it('pools by subject and by joint', () => {
    expect(report.subjects.map(({ name, sequences }) => [name, sequences])).toEqual([
      ['S9', 2],
      ['S11', 2],
    ]);
    expect(report.subjects[1].mpjpeMm).toBeCloseTo(56, 2);
    expect(report.overall.jointErrorsMm).toHaveLength(17);
    expect(report.overall.jointErrorsMm[0]).toBe(0);
    expect(() => poolScores([])).toThrow(/no scored sequence/);
  });

  it('a constant offset has no velocity error, apart from the root', () => {
    expect(report.overall.mpjveMm).toBeLessThan(1e-3);
  });
});

describe('the tables of MPI-INF-3DHP', () => {
  const results: MpiInf3dhpResult[] = [
    { name: 'TS1', ...scattered('a', 12), valid: Uint8Array.from({ length: 12 }, (_, i) => (i < 9 ? 1 : 0)) },
    { name: 'TS5', ...scattered('b', 5) },
  ].map((result, i) => ({ ...result, activity: Uint8Array.from({ length: [12, 5][i] }, (_, f) => (f % 2) + 1) }));
  const report = poolMpiInf3dhp(results);

  /** Errors between 0 and about 350 mm, different for each joint and frame. */
  function scattered(name: string, frames: number): { predicted: Tensor; truth: Tensor } {
    const truth = pattern(`${name} truth`, frames, 17, 3);
    const noise = pattern(`${name} noise`, frames, 17, 3);
    for (let frame = 0; frame < frames; frame++) {
      truth.data.fill(0, 3 * (frame * 17 + 14), 3 * (frame * 17 + 14) + 3);
    }
    return { predicted: { data: truth.data.map((v, i) => v + 0.2 * noise.data[i]), shape: truth.shape }, truth };
  }

  function slowErrors(result: MpiInf3dhpResult): number[][] {
    const errors = jointErrorsMm(result.predicted, result.truth);
    const rows = Array.from({ length: errors.shape[0] }, (_, f) => [...errors.data.slice(17 * f, 17 * f + 17)]);
    return rows
      .map((row) => row.map((error, joint) => (joint === 14 ? 0 : error)))
      .filter((_, f) => result.valid?.[f] ?? 1);
  }

  it('averages sequences by their valid frames', () => {
    expect(report.sequences.map(({ name, frames }) => [name, frames])).toEqual([
      ['TS1', 9],
      ['TS5', 5],
    ]);
    const all = results.flatMap(slowErrors);
    expect(all).toHaveLength(14);
    expect(report.average.mpjpeMm).toBeCloseTo(all.flat().reduce((a, b) => a + b) / (14 * 17), 4);
    const scored = Float32Array.from(all.flatMap((row) => row.slice(0, 14)));
    expect(report.average.pck).toBeCloseTo(pck(scored), 12);
    expect(report.average.auc).toBeCloseTo(auc(scored), 12);
    expect(report.average.pck).not.toBeCloseTo(pck(Float32Array.from(all.flat())), 3);
  });

  it('gives joint groups and activities', () => {
    const first = slowErrors(results[0]);
    const wrists = report.sequences[0].groups.find(({ name }) => name === 'Wrists')!;
    expect(wrists.pck).toBeCloseTo(pck(Float32Array.from(first.flatMap((row) => [row[4], row[7]]))), 12);
    expect(report.activities.map(({ name, frames }) => [name, frames])).toEqual([
      ['Standing/Walking', 8],
      ['Exercising', 6],
    ]);
    const walking = results.flatMap((result) => slowErrors(result).filter((_, f) => f % 2 === 0));
    expect(report.activities[0].mpjpeMm).toBeCloseTo(walking.flat().reduce((a, b) => a + b) / (8 * 17), 4);
  });

  it('leaves activities out without labels, and refuses other skeletons', () => {
    expect(poolMpiInf3dhp([{ ...results[0], activity: undefined }]).activities).toEqual([]);
    const coco = pattern('x', 2, 16, 3);
    expect(() => poolMpiInf3dhp([{ name: 'TS1', predicted: coco, truth: coco }])).toThrow(/17 joints/);
    expect(() => poolMpiInf3dhp([{ ...results[1], valid: new Uint8Array(5) }])).toThrow(/no valid frame/);
  });
});
