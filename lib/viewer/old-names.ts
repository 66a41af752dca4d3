// Exports of version 0.1 by their old names, which work in this version and go in the next: beside lib/base/old-names.ts, since
// that lies below the viewer.

export {
  /** @deprecated Use `FrameInspector`. */
  FrameInspector as Moments,
  /** @deprecated Use `FramePlace`. */
  type FramePlace as MomentPlace,
} from './frame-inspector.js';
export type {
  /** @deprecated Use `FrameValue`. */
  FrameValue as MomentValue,
} from './scene.js';
