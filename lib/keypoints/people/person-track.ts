import { PoseError } from '../../base/pose-error.js';
import { skeletons } from '../../skeletons/skeletons.js';
import type { Detection, FoundDetections } from '../detections.js';
import { type FrameOrder, orderFrames } from '../frame-order.js';
import type { ReadKeypointsOptions } from '../keypoint-track.js';
import type { FoundTrack } from './assemble-track.js';
import { trackPeople } from './track-people.js';

/** Of people who were linked here, those with fewer detections are taken for false ones where others have more. */
const leastDetections = 3;

/**
 * Everybody in a file, largest for longest first (the diagonals of a person's boxes summed over the frames), each from
 * their first frame to the last. The file's tracks are kept; where it has none and somewhere shows several people, they
 * are linked ({@link trackPeople}). Throws `ERR_FORMAT` when the file holds nobody or people of different joints,
 * `ERR_ARGUMENT` for fractions of an image of unknown size.
 */
export function tracksOfPeople(where: string, found: FoundDetections, options: ReadKeypointsOptions): FoundTrack[] {
  const { detections } = found;
  if (detections.length === 0) throw new PoseError('ERR_FORMAT', `${where}: expected detected people, got none.`);
  const values = detections[0].triples.length;
  const other = detections.findIndex(({ triples }) => triples.length !== values);
  if (other >= 0) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected ${values / 3} joints a person, got ${detections[other].triples.length / 3} (person ${other}).`,
    );
  }
  const scale = pixelScale(where, found, options);
  const order = orderFrames(found.images, { where, times: found.times });
  const notices = [...order.notices, ...found.notices];
  const groups = byTrack(detections) ?? linked(detections, order, found, options, notices);
  const sizes = new Map(groups.map((group) => [group, sizeOfGroup(group.detections)]));
  groups.sort((a, b) => sizes.get(b)! - sizes.get(a)!);
  return groups.map(({ id, detections: own }, person) => {
    const rows = new Array<Detection | undefined>(order.frames).fill(undefined);
    for (const detection of own) rows[order.frameOf[detection.image]] = detection;
    const first = rows.findIndex((row) => row !== undefined);
    const last = rows.findLastIndex((row) => row !== undefined);
    const said = [...notices];
    if (groups.length > 1) {
      said.push(`${groups.length} people: took person ${person} (track ${id}, ${own.length} detections).`);
    }
    if (first > 0 || last < order.frames - 1) {
      said.push(
        `The person is seen from frame ${order.names[first]} to ${order.names[last]}; the file's other frames are left out.`,
      );
    }
    const track: FoundTrack = {
      ...laidOut(rows.slice(first, last + 1), values / 3, scale),
      frameIds: order.names.slice(first, last + 1),
      id,
      people: groups.length,
      notices: said,
    };
    const { layout, jointNames, fractions } = found;
    const { step, fps = found.fps } = order;
    const [width, height] = sizeOf(found, options);
    return { ...track, layout, jointNames, width, height, fps, step, fractions };
  });
}

interface Group {
  id: string;
  detections: Detection[];
}

/** People by the file's tracks; undefined where these do not tell people apart. */
function byTrack(detections: readonly Detection[]): Group[] | undefined {
  const groups = new Map<string, Group>();
  const places = new Set<string>();
  for (const detection of detections) {
    const { track, image } = detection;
    if (track === undefined || places.has(`${image} ${track}`)) return undefined;
    places.add(`${image} ${track}`);
    const group = groups.get(track);
    if (group) group.detections.push(detection);
    else groups.set(track, { id: track, detections: [detection] });
  }
  return [...groups.values()];
}

function linked(
  detections: readonly Detection[],
  order: FrameOrder,
  found: FoundDetections,
  { fps = found.fps, layout: asked }: ReadKeypointsOptions,
  notices: string[],
): Group[] {
  const counts = new Map<number, number>();
  for (const { image } of detections) counts.set(image, (counts.get(image) ?? 0) + 1);
  const crowd = Math.max(...counts.values());
  if (crowd === 1) return [{ id: '0', detections: [...detections] }];
  const joints = detections[0].triples.length / 3;
  const points = new Float32Array(detections.length * joints * 3);
  for (const [index, { triples }] of detections.entries()) points.set(triples, index * joints * 3);
  const layout = typeof asked === 'string' ? asked : found.layout;
  const known = skeletons.some((one) => one.name === layout && one.joints.length === joints);
  const people = trackPeople(
    { data: points, shape: [detections.length, joints, 3] },
    detections.map(({ image }) => order.frameOf[image]),
    { ...(known && { layout }), maxGap: Math.max(1, Math.round(fps ?? 30)) },
  );
  const groups: Group[] = [];
  for (const [index, person] of people.entries()) {
    groups[person] ??= { id: String(person), detections: [] };
    groups[person].detections.push(detections[index]);
  }
  notices.push(`Up to ${crowd} people in a frame and no track ids: linked by the likeness of their poses.`);
  const lasting = groups.filter((group) => group.detections.length >= leastDetections);
  if (lasting.length === 0 || lasting.length === groups.length) return groups;
  notices.push(`${groups.length - lasting.length} people in fewer than ${leastDetections} frames are left out.`);
  return lasting;
}

function sizeOf(found: FoundDetections, { size }: ReadKeypointsOptions): [number | undefined, number | undefined] {
  return size ? [size.width, size.height] : [found.width, found.height];
}

/** What coordinates are multiplied by: 1 for pixels. */
function pixelScale(where: string, found: FoundDetections, options: ReadKeypointsOptions): readonly [number, number] {
  if (!found.fractions) return [1, 1];
  const [width, height] = sizeOf(found, options);
  if (width === undefined || height === undefined) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${where}: the coordinates are fractions of the image: expected its size in pixels (option size, --size WIDTHxHEIGHT), got none.`,
    );
  }
  return [width, height];
}

/** A person's detections as arrays; frames without one are NaN. */
function laidOut(
  rows: readonly (Detection | undefined)[],
  joints: number,
  scale: readonly [number, number],
): Pick<FoundTrack, 'keypoints' | 'confidence' | 'frames' | 'joints'> {
  const frames = rows.length;
  const keypoints = new Float32Array(frames * joints * 2).fill(Number.NaN);
  const confidence = new Float32Array(frames * joints);
  for (const [frame, row] of rows.entries()) {
    if (row === undefined) continue;
    for (let joint = 0; joint < joints; joint++) {
      const at = frame * joints + joint;
      for (const axis of [0, 1]) keypoints[at * 2 + axis] = row.triples[joint * 3 + axis] * scale[axis];
      confidence[at] = row.triples[joint * 3 + 2];
    }
  }
  return { keypoints, confidence, frames, joints };
}

function sizeOfGroup(detections: readonly Detection[]): number {
  return detections.reduce((sum, { triples }) => sum + diagonal(triples), 0);
}

/** Diagonal of the box about the points that were found. */
function diagonal(triples: readonly number[]): number {
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
