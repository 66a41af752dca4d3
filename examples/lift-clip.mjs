// Lifts one clip and writes it for the tools that animate:
//   node examples/lift-clip.mjs examples/walking.json walking.bvh 1920 1080 50
import { PoseLifter } from 'pstmo';
import { motionOf, workMotion, writeMotion } from 'pstmo/export';
import { readKeypoints } from 'pstmo/keypoints';

const [input, output, width, height, fps] = process.argv.slice(2);
if (!fps) throw new Error('Usage: node lift-clip.mjs <keypoints> <motion.bvh|.glb|.trc|.c3d> <width> <height> <fps>');

// Any detector's file: what it is shows in its content. Size and rate matter, and most files lack them.
const size = { width: Number(width), height: Number(height) };
const track = readKeypoints(input, { size, fps: Number(fps) });
for (const notice of track.notices) console.log(notice); // what was filled, linked or assumed

const lifter = await PoseLifter.load('pstmo-s-27');
const keypoints = { data: track.keypoints, shape: [track.frames, track.joints, 2] };
const poses = await lifter.lift(keypoints, { ...size, fps: track.fps, layout: track.layout });
await lifter.close(); // frees the native memory now
// poses: (T, 17, 3) metres, x right, y down, z away from the camera, the hip at zero.

// Where the person walks, and which way is up, are estimated: only when asked for.
const lifted = { poses: poses.data, layout: 'h36m-17', model: 'pstmo-s-27', track };
const { result } = workMotion(lifted, { trajectory: {}, world: { from: 'stance' } });
const motion = motionOf(result);
for (const note of motion.notes) console.log(note); // what that assumed
await writeMotion(output, motion);
console.log(`${output}: ${track.frames} frames`);
