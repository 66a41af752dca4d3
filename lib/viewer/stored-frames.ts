import type { FrameInspector } from './frame-inspector.js';
import { packedFrame } from './frame-inspector.js';

/** How much of a page of its own may go to what a model does, bytes before base64. */
const budget = 24_000_000;
const mostFrames = 120;

export interface StoredFrames {
  /** Frames of the timeline, in order. */
  frames: number[];
  /** By `result-person-frame`, as the page asks for them. */
  packed: Map<string, Uint8Array>;
}

/** Looks at evenly spread frames of the first result, as many as a page of its own has room for, so that no model is needed to see them. */
export async function storeFrames(
  inspector: FrameInspector,
  people: number,
  onProgress?: (done: number, total: number) => void,
): Promise<StoredFrames> {
  const every = [...new Set(Array.from({ length: people }, (_, person) => inspector.framesOf(0, person)).flat())];
  every.sort((a, b) => a - b);
  const first = await packedFrame(inspector, {
    result: 0,
    person: 0,
    frame: inspector.framesOf(0, 0)[0] ?? 0,
    seed: 0,
  });
  const room = Math.max(1, Math.floor(budget / ((first?.length ?? 1) * people)));
  const count = Math.min(every.length, room, mostFrames);
  const frames = Array.from({ length: count }, (_, index) => every[Math.floor(((index + 0.5) * every.length) / count)]);
  const stored = new Map<string, Uint8Array>();
  for (const [index, frame] of frames.entries()) {
    for (let person = 0; person < people; person++) {
      const found = await packedFrame(inspector, { result: 0, person, frame, seed: 0 });
      if (found) stored.set(`0-${person}-${frame}`, found);
    }
    onProgress?.(index + 1, count);
  }
  return { frames, packed: stored };
}
