export type { LiftedPoses } from './lifted-poses.js';
export { posesToCsv } from './poses-csv.js';
export { posesToJson } from './poses-json.js';
export { parsePoses, readPoses } from './read-poses.js';
export { type StripOptions, skeletonStrip } from './skeleton-strip.js';
export { type PoseFormat, poseFormatOf, poseFormats, writePoses } from './write-poses.js';
