import { pushAll } from '../../base/lists.js';
import { PoseError } from '../../base/pose-error.js';
import { skeletons } from '../../skeletons/skeletons.js';
import type { DetectionTable } from '../detection-table.js';
import type { FoundDetections } from '../detections.js';
import { orderFrames } from '../frames/frame-order.js';
import type { FrameOrder } from '../frames/time-line.js';
import type { ReadKeypointsOptions } from '../keypoint-track.js';
import { pixelSize } from '../settle-detections.js';
import type { FoundTrack } from './assemble-track.js';
import { joinBroken, mergeTracks, type Track } from './join-tracks.js';
import { PoseLikeness } from './pose-likeness.js';
import { trackPeople } from './track-people.js';

/** Of people who were linked here, those with fewer detections are taken for false ones where others have more. */
const leastDetections = 3;
/** Words that programs write where a person has no id. */
const noId = /^(|-1|-1\.0|nan|none|null|undefined)$/i;
/** Taken for the rate where it is unknown, to count the frames of a second. */
const assumedRate = 30;

/**
 * Everybody in a file, largest for longest first (the diagonals of a person's boxes summed over the frames), each from
 * their first frame to the last. The file's tracks are kept; detections without one are placed by their poses, and where
 * there are none, people are linked ({@link trackPeople}). Tracks that break off are joined ({@link joinBroken}). Throws
 * `ERR_FORMAT` when the file holds nobody or people of different joints, `ERR_ARGUMENT` for fractions of an image of
 * unknown size.
 */
export function tracksOfPeople(where: string, found: FoundDetections, options: ReadKeypointsOptions): FoundTrack[] {
  const { detections } = found;
  if (detections.length === 0) throw new PoseError('ERR_FORMAT', `${where}: expected detected people, got none.`);
  const { width: values, odd } = detections;
  if (odd) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected ${values / 3} joints a person, got ${odd.values / 3} (person ${odd.index}).`,
    );
  }
  const scale = pixelScale(where, found, options);
  const order = orderFrames(found.images, { where, times: found.times });
  const notices = [...order.notices, ...found.notices];
  const { points, diagonals } = flattened(detections, values, scale);
  const tracks = tracksIn(where, found, order, points, options, notices);
  const sizeOfTrack = ({ detections: own }: Track) => own.reduce((sum, index) => sum + diagonals[index], 0);
  const sizes = new Map(tracks.map((track) => [track, sizeOfTrack(track)]));
  tracks.sort((a, b) => sizes.get(b)! - sizes.get(a)!);
  return tracks.map(({ id, detections: own }, person) => {
    // For each frame the person's detection; what others of it say better is added to the first.
    const rows = new Int32Array(order.frames).fill(-1);
    for (const index of own) {
      const frame = order.frameOf[detections.image(index)];
      if (rows[frame] < 0) rows[frame] = index;
      else addHalf(points, rows[frame] * values, index * values, values);
    }
    const first = rows.findIndex((row) => row >= 0);
    const last = rows.findLastIndex((row) => row >= 0);
    const said = [...notices];
    if (tracks.length > 1) {
      said.push(`${tracks.length} people: took person ${person} (track ${id}, ${count(own.length, 'detection')}).`);
    }
    if (first > 0 || last < order.frames - 1) {
      said.push(
        `${whoIs(tracks.length, person)} is seen from frame ${order.names[first]} to ${order.names[last]}; the file's other frames are left out.`,
      );
    }
    const track: FoundTrack = {
      ...laidOut(rows.subarray(first, last + 1), values / 3, points),
      frameIds: order.names.slice(first, last + 1),
      start: first,
      id,
      people: tracks.length,
      notices: said,
    };
    const { layout, jointNames, fractions } = found;
    const { step, fps = found.fps } = order;
    const [width, height] = sizeOf(found, options);
    return { ...track, layout, jointNames, width, height, fps, step, fractions };
  });
}

/** Adds the joints of another half of the same body to a detection: of a joint that both have, the surer one. */
function addHalf(points: Float32Array, half: number, other: number, values: number): void {
  for (let at = 0; at < values; at += 3) {
    if (points[half + at + 2] >= points[other + at + 2]) continue;
    points.copyWithin(half + at, other + at, other + at + 3);
  }
}

/** People by the file's ids and by the likeness of their poses. */
function tracksIn(
  where: string,
  found: FoundDetections,
  order: FrameOrder,
  points: Float32Array,
  options: ReadKeypointsOptions,
  notices: string[],
): Track[] {
  const { detections } = found;
  const ids = namesOf(detections, options, notices);
  const crowd = largestCrowd(detections);
  const frameOf = (index: number) => order.frameOf[detections.image(index)];
  const merged = (tracks: readonly Track[]) => {
    if (!options.mergeIds) return [...tracks];
    const found = mergeTracks(where, tracks, options.mergeIds, frameOf);
    pushAll(notices, found.notices);
    return found.tracks;
  };
  const indices = Array.from({ length: detections.length }, (_, index) => index);
  if (!ids && crowd === 1) {
    return merged([{ id: '0', named: false, detections: indices.sort((a, b) => frameOf(a) - frameOf(b)) }]);
  }
  const joints = points.length / detections.length / 3;
  const { step = 1, fps: timed } = order;
  const fps = options.fps === undefined ? (timed ?? found.fps ?? assumedRate) : options.fps / step;
  const asked = typeof options.layout === 'string' ? options.layout : found.layout;
  const layout = skeletons.some((one) => one.name === asked && one.joints.length === joints) ? asked : undefined;
  const people = trackPeople({ data: points, shape: [detections.length, joints, 3] }, indices.map(frameOf), {
    ...(layout && { layout }),
    maxGap: Math.max(1, Math.round(fps)),
    ...(ids && { ids }),
  });
  const tracks = groupsOf(people, ids, frameOf, notices);
  const sole = ids || options.mergeIds || tracks.length === 1 ? undefined : soleOf(lasting(tracks), frameOf);
  if (sole) {
    sayFew(tracks.length - lasting(tracks).length, notices);
    return sole;
  }
  if (!ids && tracks.length > 1) {
    notices.push(`Up to ${crowd} people in a frame and no track ids: linked by the likeness of their poses.`);
  }
  const joined = joinBroken(merged(tracks), { likeness: new PoseLikeness(points, joints, layout), frameOf, fps });
  pushAll(notices, joined.notices);
  const kept = lasting(joined.tracks);
  sayFew(joined.tracks.length - kept.length, notices);
  return kept;
}

/** The file's id of each detection, or undefined where ids do not tell people apart. */
function namesOf(
  detections: DetectionTable,
  { ignoreIds }: ReadKeypointsOptions,
  notices: string[],
): (string | undefined)[] | undefined {
  const ids = Array.from({ length: detections.length }, (_, index) => {
    const track = detections.track(index);
    return track === undefined || noId.test(track.trim()) ? undefined : track;
  });
  const named = ids.reduce((sum, id) => sum + (id === undefined ? 0 : 1), 0);
  if (named === 0) return undefined;
  if (ignoreIds) {
    notices.push('The track ids of the file are ignored, as asked: people are linked by the likeness of their poses.');
    return undefined;
  }
  const crowds = new Map<number, string[]>();
  for (const [index, id] of ids.entries()) {
    const image = detections.image(index);
    const there = crowds.get(image);
    if (there && id !== undefined) there.push(id);
    else if (id !== undefined) crowds.set(image, [id]);
  }
  let [repeated, crowded, mixedUp] = [0, 0, 0];
  for (const there of crowds.values()) {
    const twice = there.length - new Set(there).size;
    repeated += twice;
    if (there.length > 1) crowded++;
    if (twice > 0) mixedUp++;
  }
  const missing = detections.length - named;
  if (missing + repeated === 0) return ids;
  const odd = [
    ...(missing > 0 ? [`${missing} without one`] : []),
    ...(repeated > 0 ? [`${repeated} with one that another of the frame has`] : []),
  ].join(', ');
  // As of AlphaPose without a tracker, where everybody's id is 0.
  if (2 * mixedUp > crowded && 4 * repeated >= named) {
    notices.push(
      `The track ids do not tell people apart (of ${count(detections.length, 'detection')}, ${odd}): people are linked by the likeness of their poses.`,
    );
    return undefined;
  }
  notices.push(
    `Track ids: of ${count(detections.length, 'detection')}, ${odd}: placed by the likeness of their poses.`,
  );
  return ids;
}

function largestCrowd(detections: DetectionTable): number {
  const counts = new Map<number, number>();
  for (let index = 0; index < detections.length; index++) {
    const image = detections.image(index);
    counts.set(image, (counts.get(image) ?? 0) + 1);
  }
  let largest = 0;
  for (const inFrame of counts.values()) largest = Math.max(largest, inFrame);
  return largest;
}

/** Detections by person, each in the order of frames; says how many are left out as a body's second. */
function groupsOf(
  people: Int32Array,
  ids: readonly (string | undefined)[] | undefined,
  frameOf: (index: number) => number,
  notices: string[],
): Track[] {
  const groups: Track[] = [];
  let doubles = 0;
  for (const [index, person] of people.entries()) {
    if (person < 0) {
      doubles++;
      continue;
    }
    groups[person] ??= { id: String(person), named: false, detections: [] };
    const group = groups[person];
    group.detections.push(index);
    const id = ids?.[index];
    if (id !== undefined && !group.named) Object.assign(group, { id, named: true });
  }
  const used = new Set(groups.filter(({ named }) => named).map(({ id }) => id));
  for (const group of groups) {
    group.detections.sort((a, b) => frameOf(a) - frameOf(b));
    if (ids && !group.named) group.id = freeName(used);
  }
  const halves = groups
    .map(({ detections }) => detections.length - new Set(detections.map(frameOf)).size)
    .reduce((sum, extra) => sum + extra, 0);
  if (halves > 0) {
    notices.push(`In ${count(halves, 'frame')} a person was found in two halves: merged.`);
  }
  if (doubles > 0) {
    notices.push(
      `${count(doubles, 'detection')} ${doubles === 1 ? 'says' : 'say'} a body that the same frame has already: left out.`,
    );
  }
  return groups;
}

/** "unnamed 1", "unnamed 2", ...: none that the file has. */
function freeName(used: Set<string>): string {
  let number = 1;
  while (used.has(`unnamed ${number}`)) number++;
  const name = `unnamed ${number}`;
  used.add(name);
  return name;
}

/** Without those of whom linking saw too little, unless that is all there is. */
function lasting(tracks: readonly Track[]): Track[] {
  const kept = tracks.filter(({ named, detections }) => named || detections.length >= leastDetections);
  return kept.length === 0 ? [...tracks] : kept;
}

/** One person made of all tracks, where no frame has two of them: as of a detector that finds one person. */
function soleOf(tracks: readonly Track[], frameOf: (index: number) => number): Track[] | undefined {
  if (tracks.length === 1) return undefined;
  const detections = tracks.flatMap((track) => track.detections).sort((a, b) => frameOf(a) - frameOf(b));
  const frames = tracks
    .map((track) => new Set(track.detections.map(frameOf)).size)
    .reduce((sum, count) => sum + count, 0);
  const twice = new Set(detections.map(frameOf)).size < frames;
  return twice ? undefined : [{ id: '0', named: false, detections }];
}

function sayFew(few: number, notices: string[]): void {
  if (few === 0) return;
  const who = few === 1 ? '1 person is' : `${few} people are`;
  notices.push(`${who} there in fewer than ${leastDetections} frames: left out.`);
}

/** What a sentence about one of several people begins with. */
function whoIs(people: number, person: number): string {
  return people > 1 ? `Person ${person}` : 'The person';
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function sizeOf(found: FoundDetections, { size }: ReadKeypointsOptions): [number | undefined, number | undefined] {
  return size ? [size.width, size.height] : [found.width, found.height];
}

/** What coordinates are multiplied by: 1 for pixels. */
function pixelScale(where: string, found: FoundDetections, options: ReadKeypointsOptions): readonly [number, number] {
  return found.fractions ? pixelSize(where, options.size ?? found) : [1, 1];
}

/**
 * (D, J, 3) of all detections, coordinates in pixels, and (D) the diagonals of their boxes in the file's unit. The
 * detections' own triples are given back on the way.
 */
function flattened(
  detections: DetectionTable,
  values: number,
  scale: readonly [number, number],
): { points: Float32Array; diagonals: Float64Array } {
  const points = new Float32Array(detections.length * values);
  const diagonals = new Float64Array(detections.length);
  detections.drain((triples, index) => {
    diagonals[index] = diagonal(triples);
    for (let at = 0; at < values; at++) {
      points[index * values + at] = triples[at] * (at % 3 === 2 ? 1 : scale[at % 3]);
    }
  });
  return { points, diagonals };
}

/** A person's detections (T) out of all points as arrays; frames of -1, without one, are NaN. */
function laidOut(
  rows: Int32Array,
  joints: number,
  points: Float32Array,
): Pick<FoundTrack, 'keypoints' | 'confidence' | 'frames' | 'joints'> {
  const frames = rows.length;
  const keypoints = new Float32Array(frames * joints * 2).fill(Number.NaN);
  const confidence = new Float32Array(frames * joints);
  for (const [frame, row] of rows.entries()) {
    if (row < 0) continue;
    for (let joint = 0; joint < joints; joint++) {
      const at = frame * joints + joint;
      const from = (row * joints + joint) * 3;
      keypoints[at * 2] = points[from];
      keypoints[at * 2 + 1] = points[from + 1];
      confidence[at] = points[from + 2];
    }
  }
  return { keypoints, confidence, frames, joints };
}

/** Diagonal of the box about the points that were found. */
function diagonal(triples: ArrayLike<number>): number {
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (let at = 0; at < triples.length; at += 3) {
    if (!(triples[at + 2] > 0)) continue;
    for (const axis of [0, 1]) {
      low[axis] = Math.min(low[axis], triples[at + axis]);
      high[axis] = Math.max(high[axis], triples[at + axis]);
    }
  }
  return high[0] >= low[0] ? Math.hypot(high[0] - low[0], high[1] - low[1]) : 0;
}
