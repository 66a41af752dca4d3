// Prints a line when ONNX Runtime has given the pose of one window.
import { openOnnxSession } from './onnxruntime-session.mjs';

const { files, frames, threads } = JSON.parse(process.argv[2]);
const { session, tensor } = await openOnnxSession(files.onnx, { batch: 1, threads });
const { pose } = await session.run({ keypoints: tensor(new Float32Array(frames * 34), [1, frames, 17, 2]) });
console.log(pose.data.length);
