import { joined } from '../../../dist/base/tensor.js';
import { createNativeModel } from '../../../dist/binding.js';
import { mpjpeMm } from '../../../dist/metrics/index.js';
import { nativeConfig } from '../../../dist/networks/native-config.js';
import { writeWeights } from '../../../dist/networks/weights.js';

/** This project's side of the parity run: the same steps as torch_training.py takes, through the native model. */
export class OurTraining {
  #native;
  #config;
  #sequences;
  #batch;
  #step = 0;

  constructor(config, { batch, threads }) {
    this.#config = config;
    this.#batch = batch;
    this.#native = createNativeModel(nativeConfig(config), { device: 'cpu', precision: 'fp32', threads });
  }

  get device() {
    return this.#native.device;
  }

  /** Draws the weights that both sides start from, into `path`; takes the sequences that are trained on. */
  async open(sequences, path) {
    const native = this.#native;
    await native.initialize(this.#config.seed);
    const tensors = new Map();
    for (const { name, shape } of native.tensors) {
      tensors.set(name, { data: await native.read('value', name), shape });
    }
    writeWeights(path, tensors, this.#config);
    this.#sequences = new Map(sequences.map((sequence, index) => [sequence.name, index]));
    await native.setSequences({
      keypoints: joined(
        Float32Array,
        sequences.map(({ keypoints }) => keypoints),
      ),
      poses: joined(
        Float32Array,
        sequences.map(({ poses }) => poses),
      ),
      lengths: Int32Array.from(sequences, ({ frames }) => frames),
    });
  }

  /** `samples`: [sequence name, centre frame, mirrored]. Total, single and multiple loss of each step. */
  async train(samples, learningRate) {
    const steps = Math.ceil(samples.length / this.#batch);
    const rows = samples.flatMap(([name, frame, mirrored]) => [this.#sequences.get(name), frame, mirrored]);
    const losses = await this.#native.train({
      ...{ samples: Int32Array.from(rows), batch: this.#batch, stride: 1, shuffleFrames: false, learningRate },
      ...{ seed: this.#config.seed, firstStep: this.#step, update: true, flip: false },
    });
    this.#step += steps;
    return Array.from({ length: steps }, (_, i) => [...losses.subarray(3 * i, 3 * i + 3)]);
  }

  /** MPJPE in millimetres of the mirrored mean over runs of frames of sequences, root at zero. */
  async test(runs) {
    let sum = 0;
    let total = 0;
    for (const { sequence, first, count } of runs) {
      const { keypoints, poses } = sequence;
      const data = await this.#native.lift({ keypoints, stride: 1, flip: true, first, count, batch: 0 });
      const row = poses.length / sequence.frames;
      const truth = poses.slice(first * row, (first + count) * row);
      for (let frame = 0; frame < count; frame++) {
        data.fill(0, frame * row, frame * row + 3);
      }
      const shape = [count, row / 3, 3];
      sum += count * mpjpeMm({ data, shape }, { data: truth, shape });
      total += count;
    }
    return sum / total;
  }

  close() {
    return this.#native.close();
  }
}
