// A process whose GPU is lost to a kernel that touches a wrong address: what two lifts on it and one on the CPU come to, as JSON.
import { PoseLifter } from '../../dist/index.js';

const keypoints = {
  data: Float32Array.from({ length: 3 * 17 * 2 }, (_, i) => 500 + 200 * Math.sin(i)),
  shape: [3, 17, 2],
};

async function liftOn(device) {
  try {
    const lifter = await PoseLifter.load('pstmo-s-27', { device });
    try {
      const { data } = await lifter.lift(keypoints, { width: 1000, height: 1000 });
      return { poses: data.length };
    } finally {
      await lifter.close();
    }
  } catch ({ code, message }) {
    return { code, message };
  }
}

const first = await liftOn('cuda:0');
const second = await liftOn('cuda:0');
console.log(JSON.stringify({ first, second, cpu: await liftOn('cpu') }));
