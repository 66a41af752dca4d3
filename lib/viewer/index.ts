export { type BuiltScene, buildScene, type PlacedTrack, type SceneOptions } from './build-scene.js';
export { FrameInspector, type FramePlace } from './frame-inspector.js';
export { groupResults, type ResultFiles } from './group-results.js';
export * from './old-names.js';
export { type Packed, packArrays, unpackArrays } from './packed-arrays.js';
export { readClip, type ViewedClip } from './read-clip.js';
export type { FrameValue, ModelFacts, Scene, ScenePerson, SceneResult, SceneValue } from './scene.js';
export { startViewer, type Viewer, type ViewerOptions } from './server.js';
export { type PageOptions, viewerPage } from './viewer-page.js';
