// The forward pass in ONNX Runtime for Node.js, a turn at a time. First line: { task: 'windows', files, frames, batch, threads },
// then { steps }.
import { readFileSync } from 'node:fs';
import { answerTurns } from './answer.mjs';
import { openOnnxSession } from './onnxruntime-session.mjs';

await answerTurns(async ({ files, frames, batch, threads }) => {
  const { session, tensor, name } = await openOnnxSession(files.onnx, { batch, threads });
  const input = new Float32Array(readFileSync(files.keypoints).buffer, 0, batch * frames * 34);
  const feeds = { keypoints: tensor(input, [batch, frames, 17, 2]) };
  const { pose } = await session.run(feeds);
  const turn = async (steps) => {
    for (let i = 0; i < steps; i++) {
      await session.run(feeds);
    }
  };
  return { turn, about: { name, device: `CPU, ${threads} threads`, pose: [...pose.data.slice(0, 51)] } };
});
