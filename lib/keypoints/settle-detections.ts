import { PoseError } from '../base/pose-error.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import type { FoundDetections } from './detections.js';
import { fitLayout } from './joint-names.js';
import type { ReadKeypointsOptions } from './keypoint-track.js';
import type { FoundTrack } from './people/assemble-track.js';
import { PointRules } from './point-rules.js';

/**
 * Gives every reader's detections one meaning before people are ranked, linked or boxed: joints in their layout's order by
 * name, unknown points NaN without confidence, confidences from 0 to 1, nobody where no point is known. The detections are
 * changed in place. What was changed is counted in a notice each. Throws `ERR_FORMAT` for a file without anybody.
 */
export function settleDetections(where: string, raw: FoundDetections, options: ReadKeypointsOptions): FoundDetections {
  const notices = [...raw.notices];
  const found = inLayout(raw, options, notices);
  const { detections, images } = found;
  const size = options.size ?? found;
  const rules = new PointRules(detections, { ...size, fractions: found.fractions }, options);
  const before = detections.length;
  detections.retain((triples) => rules.settle(triples));
  const pointless = before - detections.length;
  rules.report(notices);
  if (detections.length === 0) throw nobody(where, images.length, options);
  if (pointless > 0) notices.push(`${counted(pointless, 'detection')} without a known point: nobody there.`);
  const shows = new Uint8Array(images.length);
  for (let index = 0; index < detections.length; index++) shows[detections.image(index)] = 1;
  const shown = shows.reduce((sum, flag) => sum + flag, 0);
  if (shown < images.length) {
    notices.push(`${images.length - shown} of ${images.length} frames show nobody.`);
  }
  return { ...found, fractions: rules.fractions, notices };
}

/** The same for tracks that a file has as such; `anySize` leaves fractions of an image of unknown size as they are. */
export function settleTracks(
  where: string,
  tracks: readonly FoundTrack[],
  options: ReadKeypointsOptions,
  anySize: boolean,
): FoundTrack[] {
  const [first] = tracks;
  const size = options.size ?? first;
  const rules = new PointRules(framesOf(tracks), { ...size, fractions: first.fractions }, options);
  const settled = tracks.map((track) => settledTrack(track, rules));
  const people = settled.filter(({ seen }) => seen).length;
  if (people === 0) throw nobody(where, first.frames, options);
  const said: string[] = [];
  rules.report(said);
  const nobodies = tracks.length - people;
  if (nobodies > 0) said.push(`${counted(nobodies, 'person', 'people')} without a known point: left out.`);
  const [width, height] = rules.fractions && !anySize ? pixelSize(where, size) : [size.width, size.height];
  return settled.flatMap(({ seen, track }) => {
    if (!seen) return [];
    const { keypoints } = track;
    const fractions = rules.fractions ? { fractions: true } : {};
    if (rules.fractions) {
      for (let at = 0; at < keypoints.length; at++) keypoints[at] *= (at % 2 === 0 ? width : height) ?? 1;
    }
    return [{ ...track, people, ...fractions, notices: [...track.notices, ...said] }];
  });
}

/** The frames of all tracks, as triples in one piece of memory, as often as somebody goes through them. */
function framesOf(tracks: readonly FoundTrack[]): Iterable<{ triples: Float64Array }> {
  return {
    *[Symbol.iterator]() {
      for (const track of tracks) {
        const triples = new Float64Array(track.joints * 3);
        for (let frame = 0; frame < track.frames; frame++) {
          putTriples(track, frame, triples);
          yield { triples };
        }
      }
    },
  };
}

function putTriples({ keypoints, confidence, joints }: FoundTrack, frame: number, triples: Float64Array): void {
  for (let joint = 0; joint < joints; joint++) {
    const point = frame * joints + joint;
    triples[joint * 3] = keypoints[point * 2];
    triples[joint * 3 + 1] = keypoints[point * 2 + 1];
    triples[joint * 3 + 2] = confidence?.[point] ?? 1;
  }
}

/** A track whose points are settled in place, and whether one of them is known. */
function settledTrack(track: FoundTrack, rules: PointRules): { seen: boolean; track: FoundTrack } {
  const { keypoints, frames, joints, confidence = new Float32Array(frames * joints).fill(1) } = track;
  const triples = new Float64Array(joints * 3);
  let seen = false;
  for (let frame = 0; frame < frames; frame++) {
    putTriples(track, frame, triples);
    if (rules.settle(triples)) seen = true;
    for (let joint = 0; joint < joints; joint++) {
      const point = frame * joints + joint;
      keypoints[point * 2] = triples[joint * 3];
      keypoints[point * 2 + 1] = triples[joint * 3 + 1];
      confidence[point] = triples[joint * 3 + 2];
    }
  }
  return { seen, track: { ...track, confidence } };
}

/** Sorts joints by their names into the layout that these fit, or the one that the caller names; others stay named. */
function inLayout(raw: FoundDetections, { layout: asked }: ReadKeypointsOptions, notices: string[]): FoundDetections {
  const { jointNames: names, detections } = raw;
  if (names === undefined || typeof asked === 'object') return raw;
  const fit = (asked === undefined ? undefined : fitLayout(names, [skeletonByName(asked)])) ?? fitLayout(names);
  if (fit === undefined) return raw;
  const { layout, places } = fit;
  const extra = names.filter((_, index) => !places.includes(index));
  if (extra.length > 0) notices.push(`Passed over, being no joints of ${layout.name}: ${listed(extra)}.`);
  if (names.length !== places.length || places.some((place, index) => place !== index)) {
    detections.rewrite(places.length * 3, (triples, row) => {
      for (const [joint, place] of places.entries()) row.set(triples.subarray(place * 3, place * 3 + 3), joint * 3);
    });
  }
  return { ...raw, layout: layout.name, jointNames: undefined };
}

/** The image's size, which fractions need. */
export function pixelSize(
  where: string,
  { width, height }: { width?: number | undefined; height?: number | undefined },
): [number, number] {
  if (width !== undefined && height !== undefined) return [width, height];
  throw new PoseError(
    'ERR_ARGUMENT',
    `${where}: the coordinates are fractions of the image: expected its size in pixels (option size, --size WIDTHxHEIGHT), got none.`,
  );
}

function nobody(where: string, frames: number, { minConfidence = 0 }: ReadKeypointsOptions): PoseError {
  const sure = minConfidence > 0 ? ` and a confidence of at least ${minConfidence}` : '';
  return new PoseError(
    'ERR_FORMAT',
    `${where}: expected detected people, got none: no joint with a position${sure} in ${counted(frames, 'frame')}.`,
  );
}

function counted(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}

function listed(names: readonly string[]): string {
  return names.slice(0, 8).join(', ') + (names.length > 8 ? `, ... (${names.length})` : '');
}
