import type { Moments } from './moments.js';
import { packArrays } from './packed-arrays.js';
import { readPageFiles, selfContainedPage } from './page-files.js';
import type { Scene } from './scene.js';
import { storeMoments } from './stored-moments.js';

export interface PageOptions {
  title: string;
  scene: Scene;
  moments?: Moments | undefined;
  onProgress?: (done: number, total: number) => void;
}

/** The HTML of one file that shows a scene without a server, and what a model does at some of its frames. */
export async function viewerPage({ title, scene, moments, onProgress }: PageOptions): Promise<string> {
  const files = readPageFiles();
  if (!moments) return selfContainedPage(files, title, packArrays(scene));
  const stored = await storeMoments(moments, scene.value.results[0].people.length, onProgress);
  const value = { ...scene.value, model: { ...moments.facts, stored: stored.frames } };
  return selfContainedPage(files, title, packArrays({ ...scene, value }), stored.moments);
}
