import { checkArguments, checkOptionKinds } from '../base/check-arguments.js';
import { largest } from '../base/lists.js';
import { withMemoryErrors } from '../base/memory-error.js';
import { PoseError } from '../base/pose-error.js';
import type { KeypointTrack } from '../keypoints/keypoint-track.js';
import { readPeople } from '../keypoints/read-keypoints.js';
import { stanceAxes } from '../motion/stance.js';
import { type Alignment, alignFrames } from './align-frames.js';
import { groupResults, type ResultFiles } from './group-results.js';
import { readClip, skeletonOf, type ViewedClip } from './read-clip.js';
import { partName, type Scene, type ScenePerson, type SceneResult, type SceneValue } from './scene.js';
import { truthArrays } from './truth.js';

export interface SceneOptions {
  /** 3D truth, a file for each person of a result in turn. */
  truth?: readonly string[];
  /** 2D keypoints for results whose files have none. */
  keypoints?: string;
  /** Image size of the 2D keypoints, where no file says it. */
  size?: { width: number; height: number };
  /** Frames a second, where no file says it. */
  fps?: number;
}

/** A clip's 2D and where its frames lie: what a model needs to look at one. */
export interface PlacedTrack {
  result: number;
  person: number;
  track: KeypointTrack;
  /** Frame of the timeline of each of the track's frames. */
  frameOf: readonly number[];
}

export interface BuiltScene {
  scene: Scene;
  tracks: PlacedTrack[];
}

/** Taken where no file says the rate. */
const assumedRate = 30;

interface Member {
  result: number;
  person: number;
  clip: ViewedClip;
  track: KeypointTrack | undefined;
}

/**
 * Reads one or two results, see {@link groupResults}, and lays them out for the page: everything on one timeline, metres, y up.
 * Throws `PoseError`.
 */
export function buildScene(paths: readonly string[], options: SceneOptions = {}): BuiltScene {
  checkArguments('buildScene', { paths, options }, 'list', 'object?');
  checkOptionKinds('buildScene', options, { truth: 'list', keypoints: 'text', size: 'object', fps: 'number' });
  return withMemoryErrors(() => sceneOf(paths, options));
}

function sceneOf(paths: readonly string[], options: SceneOptions): BuiltScene {
  const groups = groupResults(paths);
  const unworked = (options.truth?.length ?? 0) > 0;
  const given = options.keypoints === undefined ? undefined : readPeople(options.keypoints, keypointOptions(options));
  const members = groups.flatMap((group, result) =>
    group.people.flatMap(({ files }, person) =>
      files.map((path): Member => {
        const clip = readClip(path, { unworked });
        return { result, person, clip, track: trackFor(clip, person, given, options) };
      }),
    ),
  );
  const named = members.map(({ clip, track }) => clip.track?.frameIds ?? sameLength(clip, track));
  // Files of motion number their frames: theirs keep step where no file names its frames otherwise.
  const numbered = named.every((names) => names === undefined);
  const alignment = alignFrames(
    members.map(({ clip }, index) => ({
      frames: clip.frames,
      names: numbered ? numbersFrom(clip) : named[index],
    })),
  );
  const rate = options.fps ?? members.find(({ clip }) => clip.fps !== undefined)?.clip.fps;
  const arrays = new Map<string, Float32Array | Uint8Array>();
  const results = groups.map((group, index) => resultOf(group, index, members, alignment, arrays));
  addTruth(results, members, alignment, arrays, options.truth ?? []);
  const plain = alignment.names.every((name, frame) => name === '' || name === String(frame));
  const value: SceneValue = {
    ...{ frames: alignment.frames, fps: rate ?? assumedRate, fpsKnown: rate !== undefined, results },
    ...(!plain && { frameNames: alignment.names }),
  };
  const tracks = members.flatMap(({ result, person, track }, index) =>
    track ? [{ result, person, track, frameOf: alignment.frameOf[index] }] : [],
  );
  return { scene: { value, arrays }, tracks };
}

function keypointOptions({ size, fps }: SceneOptions) {
  return { maxGap: Number.POSITIVE_INFINITY, ...(size && { size }), ...(fps !== undefined && { fps }) };
}

/** A clip's own 2D, or that of the same person, or the one in the same place, in the file of keypoints. */
function trackFor(
  { path, track, frames }: ViewedClip,
  person: number,
  given: readonly KeypointTrack[] | undefined,
  { size, keypoints }: SceneOptions,
): KeypointTrack | undefined {
  const found = given ? (given.find(({ id }) => id !== undefined && id === track?.id) ?? given[person]) : track;
  if (!found) return undefined;
  if (found.frames !== frames) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${keypoints}: expected the ${frames} frames of ${path}, got ${found.frames}; give the keypoints that it was lifted from.`,
    );
  }
  return size ? { ...found, ...size } : found;
}

function numbersFrom({ start, frames }: ViewedClip): string[] | undefined {
  return start === undefined ? undefined : Array.from({ length: frames }, (_, frame) => String(start + frame));
}

function sameLength({ frames }: ViewedClip, track: KeypointTrack | undefined): string[] | undefined {
  return track?.frames === frames ? track.frameIds : undefined;
}

function resultOf(
  group: ResultFiles,
  index: number,
  members: readonly Member[],
  alignment: Alignment,
  arrays: Map<string, Float32Array | Uint8Array>,
): SceneResult {
  const own = members.map((member, place) => ({ ...member, place })).filter(({ result }) => result === index);
  const people = group.people.map(({ name }, person): ScenePerson => {
    const parts = own.filter((member) => member.person === person);
    const { skeleton } = parts[0].clip;
    const joints = skeleton.joints.length;
    // One clip that fills the timeline is taken as it is: an hour has 44 MB.
    const [{ clip: whole, place: only }] = parts;
    const fills = parts.length === 1 && alignment.frameOf[only].every((to, frame) => to === frame);
    const positions =
      fills && whole.frames === alignment.frames
        ? whole.positions
        : new Float32Array(alignment.frames * joints * 3).fill(Number.NaN);
    const state = new Uint8Array(alignment.frames).fill(2);
    for (const { clip, place } of parts) {
      if (clip.skeleton.joints.length !== joints) {
        throw new PoseError('ERR_FORMAT', `${clip.path}: expected ${joints} joints as in ${parts[0].clip.path}.`);
      }
      for (const [frame, to] of alignment.frameOf[place].entries()) {
        if (positions !== clip.positions) {
          positions.set(clip.positions.subarray(frame * joints * 3, (frame + 1) * joints * 3), to * joints * 3);
        }
        state[to] = clip.track && clip.track.filled[frame] > 0 ? 1 : 0;
      }
    }
    arrays.set(partName(index, person, 'positions'), positions);
    arrays.set(partName(index, person, 'state'), state);
    const ids = new Set(parts.map(({ track }) => track?.id));
    const [id] = ids;
    const known = ids.size === 1 && id !== undefined && group.people.length > 1;
    const shown = name ?? `Person ${person}`;
    const track = keypointsOf(index, person, parts, alignment, arrays);
    const label = known && id !== shown.slice('Person '.length) ? `${shown} (${id})` : shown;
    return { name: label, skeleton, ...(track && { keypointSkeleton: skeletonOf(track.layout) }) };
  });
  const [first] = own;
  const sized = own.find(({ track }) => track?.width !== undefined && track.height !== undefined)?.track;
  const upright = uprightOf(first.clip);
  return {
    ...{ name: group.name, people, root: own.every(({ clip }) => clip.root === 'relative') ? 'relative' : 'estimated' },
    notes: [...new Set(own.flatMap(({ clip }) => clip.notes))],
    ...(sized && { image: { width: sized.width!, height: sized.height! } }),
    ...(upright && { upright }),
  };
}

/** Puts a person's 2D on the timeline; gives a track whose layout it has. */
function keypointsOf(
  result: number,
  person: number,
  parts: readonly (Member & { place: number })[],
  { frames, frameOf }: Alignment,
  arrays: Map<string, Float32Array | Uint8Array>,
): KeypointTrack | undefined {
  const first = parts.find(({ track }) => track)?.track;
  if (!first) return undefined;
  const { joints } = first;
  const points = new Float32Array(frames * joints * 3).fill(Number.NaN);
  for (const { track, place } of parts) {
    if (!track || track.layout !== first.layout) continue;
    for (const [frame, to] of frameOf[place].entries()) {
      for (let joint = 0; joint < joints; joint++) {
        const at = frame * joints + joint;
        const [x, y] = [track.keypoints[2 * at], track.keypoints[2 * at + 1]];
        points.set([x, y, track.confidence[at]], (to * joints + joint) * 3);
      }
    }
  }
  arrays.set(partName(result, person, 'keypoints'), points);
  return first;
}

/** The rotation that makes people stand upright, from y-up camera axes; none where the legs are unknown. */
function uprightOf({ positions, frames, layout, axes, root }: ViewedClip): SceneResult['upright'] {
  if (axes !== 'camera' || layout === undefined) return undefined;
  const camera = positions.map((value, index) => (index % 3 === 0 ? value : -value));
  try {
    const { axes: rows, tilt } = stanceAxes({ positions: camera, frames, layout, axes, root, notes: [] });
    return { rotation: rows.flatMap(([x, y, z]) => [x, -y, -z]), degrees: (tilt * 180) / Math.PI };
  } catch (error) {
    if (error instanceof PoseError && error.code === 'ERR_UNSUPPORTED') return undefined;
    throw error;
  }
}

function addTruth(
  results: readonly SceneResult[],
  members: readonly Member[],
  alignment: Alignment,
  arrays: Map<string, Float32Array | Uint8Array>,
  files: readonly string[],
): void {
  const most = largest(results.map(({ people }) => people.length));
  if (files.length > most) {
    throw new PoseError('ERR_USAGE', `--truth: expected at most ${most} files, one a person, got ${files.length}.`);
  }
  for (const [person, file] of files.entries()) {
    const truth = readClip(file);
    for (const [result, { people }] of results.entries()) {
      if (person >= people.length) continue;
      const places = members.flatMap((member, index) =>
        member.result === result && member.person === person ? alignment.frameOf[index] : [],
      );
      const { clip } = members.find((member) => member.result === result && member.person === person)!;
      const positions = arrays.get(partName(result, person, 'positions')) as Float32Array;
      const found = truthArrays({ clip, positions, places, names: alignment.names }, truth);
      for (const part of ['truth', 'rooted', 'aligned'] as const) {
        const array = found[part];
        if (array) arrays.set(partName(result, person, part), array);
      }
      people[person].error = found.error;
    }
  }
}
