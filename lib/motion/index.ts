export { type BoneSpread, boneLengthSpread, medianBoneLengths, rigidBones } from './bone-lengths.js';
export type { Extrinsics, Intrinsics } from './camera.js';
export { detectFootContacts, type FootContacts, type FootSkate, footSkate } from './foot-contact.js';
export { lockFeet } from './foot-lock.js';
export type { Motion } from './motion.js';
export { type StanceAxes, stanceAxes } from './stance.js';
export { estimateTrajectory, type Trajectory, type TrajectoryInput } from './trajectory.js';
export { toWorld, type WorldOptions } from './world.js';
