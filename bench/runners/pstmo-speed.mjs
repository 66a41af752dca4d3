// Training steps or graph forward of this project, a turn at a time. First line: { task, frames, batch, precision, threads },
// then { steps } as often as wanted.
import { createNativeModel } from '../../dist/binding.js';
import { parseModelConfig } from '../../dist/models/config.js';
import { nativeConfig } from '../../dist/models/native-config.js';
import { createRandom } from '../../dist/random.js';
import { answerRequests, peakResidentBytes } from '../common/answer.mjs';

const SEQUENCES = 8;
const SEQUENCE_FRAMES = 500;
const JOINTS = 17;

let model;
let turn;
let step = 0;

function randomArray(length, name) {
  const random = createRandom(0, name);
  return Float32Array.from({ length }, () => 2 * random.uniform() - 1);
}

async function open({ task, frames, batch, precision, threads }) {
  const config = nativeConfig(parseModelConfig({ frames }));
  model = createNativeModel(config, { device: 'cpu', precision, threads });
  await model.initialize(0);
  turn = task === 'training' ? await trainingTurn(batch) : forwardTurn(frames, batch);
  return { name: 'pstmo', device: model.device };
}

/** Windows are gathered from sequences, every second one mirrored, as in a real training; dropout is on. */
async function trainingTurn(batch) {
  const total = SEQUENCES * SEQUENCE_FRAMES * JOINTS;
  await model.setSequences({
    keypoints: randomArray(2 * total, 'keypoints'),
    poses: randomArray(3 * total, 'poses'),
    lengths: new Int32Array(SEQUENCES).fill(SEQUENCE_FRAMES),
  });
  const random = createRandom(0, 'samples');
  return async (steps) => {
    const samples = new Int32Array(3 * steps * batch);
    for (let i = 0; i < samples.length; i += 3) {
      samples.set([random.integer(SEQUENCES), random.integer(SEQUENCE_FRAMES), (i / 3) % 2], i);
    }
    const request = { samples, batch, stride: 1, shuffleFrames: false, learningRate: 1e-4, seed: 0, firstStep: step };
    await model.train({ ...request, update: true, flip: false });
    step += steps;
  };
}

function forwardTurn(frames, batch) {
  const keypoints = randomArray(batch * frames * JOINTS * 2, 'keypoints');
  return async (steps) => {
    for (let i = 0; i < steps; i++) {
      await model.forward({ keypoints, batch });
    }
  };
}

await answerRequests(async (request) => {
  if (request.task) {
    return open(request);
  }
  const start = performance.now();
  await turn(request.steps);
  const seconds = (performance.now() - start) / 1000;
  return { seconds, peakResidentBytes: peakResidentBytes(), nativeBytes: model.memoryBytes };
});
await model?.close();
