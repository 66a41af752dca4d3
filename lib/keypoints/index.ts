export { type PixelCamera, undistortKeypoints } from './camera.js';
export { type CustomLayout, mapCustomLayout, parseCustomLayout, readCustomLayout } from './custom-layout.js';
export { type FilledGaps, type FillGapsOptions, fillGaps } from './filters/fill-gaps.js';
export { resampleFrames } from './filters/resample.js';
export {
  type OneEuroOptions,
  type SavitzkyGolayOptions,
  smoothOneEuro,
  smoothSavitzkyGolay,
} from './filters/smoothing.js';
export { isFrameFolder } from './frames/frame-folder.js';
export { type InputFormat, inputFormats } from './input-format.js';
export type { KeypointTrack, ReadKeypointsOptions } from './keypoint-track.js';
export { denormalizeKeypoints, normalizeKeypoints } from './normalize.js';
export { cheapestAssignment } from './people/assignment.js';
export { describePeople, type PersonSummary } from './people/describe-people.js';
export { splitAtGaps } from './people/split-track.js';
export { type TrackPeopleOptions, trackPeople } from './people/track-people.js';
export { readKeypoints, readPeople } from './read-keypoints.js';
