// Prints a line when the pose of a video of one frame is there.
import { PoseLifter } from '../../../dist/index.js';

const { side, files, threads } = JSON.parse(process.argv[2]);
const lifter = await PoseLifter.load(files.weights, {
  device: 'cpu',
  threads,
  compiled: side === 'compiled' ? 'auto' : 'off',
});
const keypoints = { data: new Float32Array(34).fill(500), shape: [1, 17, 2] };
const poses = await lifter.lift(keypoints, { width: 1000, height: 1000, flip: false });
console.log(poses.data.length);
await lifter.close();
