export { type BuiltScene, buildScene, type PlacedTrack, type SceneOptions } from './build-scene.js';
export { groupResults, type ResultFiles } from './group-results.js';
export { type MomentPlace, Moments } from './moments.js';
export { type Packed, packArrays, unpackArrays } from './packed-arrays.js';
export { readClip, type ViewedClip } from './read-clip.js';
export type { ModelFacts, MomentValue, Scene, ScenePerson, SceneResult, SceneValue } from './scene.js';
export { startViewer, type Viewer, type ViewerOptions } from './server.js';
export { type PageOptions, viewerPage } from './viewer-page.js';
