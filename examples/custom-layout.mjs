// Lifts joints in an order of your own, here those of a made-up tracker with 13 joints:
//   node examples/custom-layout.mjs poses.npz
import { fileURLToPath } from 'node:url';
import { PoseLifter } from 'pstmo';
import { writePoses } from 'pstmo/export';
import { mapCustomLayout, parseCustomLayout, readKeypoints } from 'pstmo/keypoints';

const [output] = process.argv.slice(2);
if (!output) throw new Error('Usage: node custom-layout.mjs <poses.npz|.npy|.json|.csv>');

// Your joints, in your order, and where the network's come from: a joint, or a mixture with weights that add up to 1.
// The same object in a JSON file is what `pstmo lift recording.npy --layout tracker.json` takes.
const tracker = parseCustomLayout(
  {
    name: 'tracker-13',
    joints: [
      'nose',
      ...sides('shoulder'),
      ...sides('elbow'),
      ...sides('wrist'),
      ...sides('hip'),
      ...sides('knee'),
      ...sides('ankle'),
    ],
    map: {
      ...Object.fromEntries(
        ['shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle'].flatMap((part) => [
          [`left ${part}`, `l_${part}`],
          [`right ${part}`, `r_${part}`],
        ]),
      ),
      neck: 'nose', // Human3.6M's "neck" lies inside the head
      head: { nose: 1.6, l_shoulder: -0.3, r_shoulder: -0.3 }, // its top, as far above the nose again
    },
  },
  'tracker-13',
);

function sides(part) {
  return [`l_${part}`, `r_${part}`];
}

// Frames of 13 points in pixels, as they come from your program; the bundled clip stands in for it.
const clip = readKeypoints(fileURLToPath(new URL('walking.json', import.meta.url)));
const picked = [0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]; // COCO's places of the joints above
const points = new Float32Array(clip.frames * 13 * 2);
const confidence = new Float32Array(clip.frames * 13);
for (let frame = 0; frame < clip.frames; frame++) {
  picked.forEach((from, joint) => {
    const at = frame * clip.joints + from;
    points.set(clip.keypoints.subarray(2 * at, 2 * at + 2), (frame * 13 + joint) * 2);
    confidence[frame * 13 + joint] = clip.confidence[at];
  });
}

const mapped = mapCustomLayout(tracker, points, confidence); // (T, 17, 2) and (T, 17)
const view = { width: 1920, height: 1080, fps: 50, layout: 'h36m-17' };
const lifter = await PoseLifter.load('pstmo-s-27');
const { data } = await lifter.lift({ data: mapped.keypoints, shape: [clip.frames, 17, 2] }, view);
await lifter.close();
const track = { ...clip, ...mapped, ...view, joints: 17 };
writePoses(output, { poses: data, layout: 'h36m-17', model: 'pstmo-s-27', track });
console.log(`${output}: ${clip.frames} frames`);
