import type { LiftRequest, NativeConfig } from '../../binding.js';

/** Frames of a piece. The same for any number of workers, and so are the bits of its poses. */
const PIECE_FRAMES = 64;

/** A part of a lift that a worker takes. */
export interface Piece {
  request: LiftRequest;
  /** Where its frames stand in the result. */
  at: number;
  frames: number;
}

/** A clip of a request: where it begins among all frames, and which of its frames are lifted to which place. */
interface Clip {
  start: number;
  frames: number;
  first: number;
  count: number;
  at: number;
}

/**
 * Cuts a lift into pieces that give the same poses: of each clip some frames, with the frames around them that their windows
 * see. Undefined where there is one piece alone, or a request that only the native code can judge: it then goes there whole.
 */
export function cutLift(request: LiftRequest, config: NativeConfig): Piece[] | undefined {
  const clips = clipsOf(request, config);
  if (clips === undefined) return undefined;
  const reach = ((config.frames - 1) / 2) * request.stride;
  const pieces: Piece[] = [];
  let short: Clip[] = [];
  const flush = () => {
    if (short.length > 0) pieces.push(joinedPiece(request, short, config));
    short = [];
  };
  for (const clip of clips) {
    const together = short.reduce((sum, { frames }) => sum + frames, 0) + clip.frames;
    if (together > PIECE_FRAMES) flush();
    if (clip.count === clip.frames && clip.frames <= PIECE_FRAMES) {
      short.push(clip);
    } else {
      for (const piece of piecesOf(request, clip, reach, config)) pieces.push(piece);
    }
  }
  flush();
  return pieces.length > 1 ? pieces : undefined;
}

/** Undefined for a request that is not plainly right: the native code has the words for what is wrong with it. */
function clipsOf(request: LiftRequest, { joints, stage }: NativeConfig): Clip[] | undefined {
  const { keypoints, stride, first, count, root, camera, lengths, shuffleSeed } = request;
  const whole = (value: unknown, low: number, high: number) =>
    Number.isInteger(value) && (value as number) >= low && (value as number) <= high;
  if (stage !== 2 || !(keypoints instanceof Float32Array) || shuffleSeed !== undefined) return undefined;
  const frames = keypoints.length / (2 * joints);
  if (!whole(stride, 1, 65536) || !whole(first, 0, frames - 1) || !whole(count, 1, frames - first)) return undefined;
  if (!Number.isInteger(frames) || !keypoints.every(Number.isFinite)) return undefined;
  if (root !== undefined && !(root instanceof Float32Array && root.length === 3 * frames && camera)) return undefined;
  if (root !== undefined && !root.every(Number.isFinite)) return undefined;
  if (lengths === undefined) return [{ start: 0, frames, first, count, at: 0 }];
  const sum = lengths instanceof Int32Array && lengths.every((length) => length > 0) ? total(lengths) : -1;
  if (sum !== frames || first !== 0 || count !== frames || root !== undefined) return undefined;
  const clips: Clip[] = [];
  let start = 0;
  for (const length of lengths) {
    clips.push({ start, frames: length, first: 0, count: length, at: start });
    start += length;
  }
  return clips;
}

function total(lengths: Int32Array): number {
  return lengths.reduce((sum, length) => sum + length, 0);
}

/** Short clips that stand one after the other, lifted whole. */
function joinedPiece(request: LiftRequest, clips: readonly Clip[], { joints }: NativeConfig): Piece {
  const frames = clips.reduce((sum, clip) => sum + clip.frames, 0);
  const keypoints = request.keypoints.subarray(clips[0].start * 2 * joints, (clips[0].start + frames) * 2 * joints);
  const lengths = clips.length > 1 ? Int32Array.from(clips, (clip) => clip.frames) : undefined;
  return { request: { ...request, keypoints, first: 0, count: frames, lengths }, at: clips[0].at, frames };
}

function piecesOf(request: LiftRequest, clip: Clip, reach: number, { joints }: NativeConfig): Piece[] {
  const end = clip.first + clip.count;
  const pieces: Piece[] = [];
  for (let first = clip.first; first < end; first += PIECE_FRAMES) {
    const frames = Math.min(PIECE_FRAMES, end - first);
    // A frame beyond the clip's end counts as its last one: the piece ends there too.
    const from = Math.max(0, first - reach);
    const to = Math.min(clip.frames, first + frames + reach);
    const part = (values: Float32Array, width: number) =>
      values.subarray((clip.start + from) * width, (clip.start + to) * width);
    pieces.push({
      request: {
        ...request,
        keypoints: part(request.keypoints, 2 * joints),
        root: request.root && part(request.root, 3),
        lengths: undefined,
        first: first - from,
        count: frames,
      },
      at: clip.at + first - clip.first,
      frames,
    });
  }
  return pieces;
}
