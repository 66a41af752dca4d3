import type { PoseDataset, PoseSequence } from '../datasets/pose-dataset.js';
import { fitLinear, fitMeanPose, predictLinear, predictMeanPose } from './baselines.js';
import { methodReport } from './method-report.js';
import type { MethodReport } from './report.js';

/**
 * Mean pose and per-frame linear regression, fitted on the training sequences and scored on the test ones; both see the
 * 2D that `seen` gives, (T, J, 2).
 */
export function baselineReports(
  dataset: PoseDataset,
  training: readonly PoseSequence[],
  tests: readonly PoseSequence[],
  seen: (sequence: PoseSequence) => Float32Array,
): MethodReport[] {
  const fitted = {
    ...dataset,
    sequences: training.map((sequence) => ({ ...sequence, keypoints: seen(sequence) })),
  };
  const meanPose = fitMeanPose(fitted);
  const linear = fitLinear(fitted);
  const constant = tests.map(({ frames }) => predictMeanPose(meanPose, frames));
  const regressed = tests.map((sequence) => predictLinear(linear, seen(sequence)));
  return [
    methodReport('mean pose', dataset, tests, constant),
    methodReport('linear regression', dataset, tests, regressed),
  ];
}
