export { readVideo, type VideoOptions } from './read-video.js';
export { isVideo, probeVideo, type VideoAbout, videoFrames } from './video-frames.js';
