import { describe, expect, it } from 'vitest';
import { Turns } from '../../lib/base/turns.js';
import { bodyReach } from '../../lib/datasets/augmentation/body.js';
import { augmentationSchema } from '../../lib/datasets/augmentation/settings.js';
import { keypointNoise } from '../../lib/datasets/noisy-keypoints.js';
import { epochSource } from '../../lib/training/epoch-source.js';
import { trainingConfig } from '../../lib/training/model-setup.js';
import { trainingSettingsSchema } from '../../lib/training/options.js';
import { selectSequences } from '../../lib/training/training-data.js';
import { tinyDataset, tinyModel } from './tiny-dataset.js';

/** Places of the sequences that a training with new sequences validates on. */
async function validatedOn(smallest: number, scale: number[]) {
  const dataset = tinyDataset();
  const held = dataset.sequences.filter(({ split }) => split === 'validation');
  held.forEach((sequence, i) => {
    sequence.poses = sequence.poses!.map((value) => value * scale[i]);
  });
  const config = trainingConfig(2, dataset, { ...tinyModel, noise: { kind: 'none' } }, undefined);
  const settings = trainingSettingsSchema.parse({
    ...{ learningRate: 1e-3, samplesPerEpoch: 32, select: 'validation' },
    augmentation: augmentationSchema.parse({ body: { smallest } }),
  });
  const data = await selectSequences(dataset, config, { heldOut: [], select: 'validation' }, new Turns());
  const noise = keypointNoise(dataset, config.noise, 1, undefined);
  return epochSource(dataset, { data, config, noise, settings }).validation.map(({ index }) => index);
}

describe('the validation of a training with new sequences', () => {
  const reach = bodyReach(tinyDataset().sequences.find(({ split }) => split === 'validation')!.poses!);

  it('leaves out bodies smaller than the training makes any', async () => {
    expect(await validatedOn(0.95 * reach, [1, 1])).toEqual([0, 1]);
    expect(await validatedOn(0.95 * reach, [0.8, 1])).toEqual([1]);
    expect(await validatedOn(0.95 * reach, [1, 0.8])).toEqual([0]);
  });

  it('takes them where there are no others', async () => {
    expect(await validatedOn(0.95 * reach, [0.8, 0.8])).toEqual([0, 1]);
  });
});
