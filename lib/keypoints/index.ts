export type { KeypointTrack, ReadKeypointsOptions } from './keypoint-track.js';
export { denormalizeKeypoints, normalizeKeypoints } from './normalize.js';
export { parseKeypoints, readKeypoints } from './read-keypoints.js';
