import { describe, it } from 'vitest';
import { chooseCudaDevice } from '../helpers/cuda-device.js';

// The goldens of the CPU, forward, backward and both trainings, on the CUDA device.
const reason = chooseCudaDevice();
if (reason === undefined) {
  await import('../models/goldens.test.js');
} else {
  console.log(`CUDA goldens are not tested: ${reason}`);
  describe('goldens on the CUDA device', () => {
    it.skip(reason, () => {});
  });
}
