import { withCallbacks } from '../base/callbacks.js';
import { checkArguments } from '../base/check-arguments.js';
import { type OldViewerOptions, withoutOldNames } from '../base/old-names.js';
import type { FrameInspector } from './frame-inspector.js';
import { packedParts } from './packed-arrays.js';
import { readPageFiles, selfContainedPage } from './page-files.js';
import type { Scene } from './scene.js';
import { storeFrames } from './stored-frames.js';

const PAGE = { title: 'text', scene: { value: 'object', arrays: 'Map' }, inspector: 'object?' } as const;

export interface PageOptions extends OldViewerOptions<FrameInspector> {
  title: string;
  scene: Scene;
  inspector?: FrameInspector | undefined;
  onProgress?: (done: number, total: number) => void;
}

/** The HTML of one file that shows a scene without a server, and what a model does at some of its frames. */
export async function viewerPage(options: PageOptions): Promise<string> {
  checkArguments('viewerPage', { options }, PAGE);
  return Array.from(await pageParts(options)).join('');
}

/** The text of {@link viewerPage} in parts. */
export async function pageParts(options: PageOptions): Promise<Iterable<string>> {
  return withCallbacks(withoutOldNames(options), partsOf);
}

async function partsOf({ title, scene, inspector, onProgress }: PageOptions): Promise<Iterable<string>> {
  const files = readPageFiles();
  if (!inspector) return selfContainedPage(files, title, packedParts(scene));
  const stored = await storeFrames(inspector, scene.value.results[0].people.length, onProgress);
  const value = { ...scene.value, model: { ...inspector.facts, stored: stored.frames } };
  return selfContainedPage(files, title, packedParts({ ...scene, value }), stored.packed);
}
