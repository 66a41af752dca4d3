import { PoseError } from '../base/pose-error.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import type { Detection, FoundDetections } from './detections.js';
import { fitLayout } from './joint-names.js';
import type { ReadKeypointsOptions } from './keypoint-track.js';
import type { FoundTrack } from './people/assemble-track.js';
import { PointRules } from './point-rules.js';
import { meanConfidence } from './readers/json/json-value.js';

/** A detection as a reader gives it: its score may be unknown. */
export type FoundDetection = Omit<Detection, 'score'> & { score?: number | undefined };

/** What a reader found, before it is settled. */
export interface RawDetections extends Omit<FoundDetections, 'detections'> {
  detections: readonly FoundDetection[];
}

/**
 * Gives every reader's detections one meaning before people are ranked, linked or boxed: joints in their layout's order by
 * name, unknown points NaN without confidence, confidences from 0 to 1, nobody where no point is known. What was changed
 * is counted in a notice each. Throws `ERR_FORMAT` for a file without anybody.
 */
export function settleDetections(where: string, raw: RawDetections, options: ReadKeypointsOptions): FoundDetections {
  const notices = [...raw.notices];
  const found = inLayout(raw, options, notices);
  const size = options.size ?? found;
  const rules = new PointRules(found.detections, { ...size, fractions: found.fractions }, options);
  const detections: Detection[] = [];
  let pointless = 0;
  for (const { triples, score, ...detection } of found.detections) {
    const settled = rules.settle(triples);
    if (settled.some((value, at) => at % 3 === 2 && value > 0)) {
      detections.push({ ...detection, triples: settled, score: score ?? meanConfidence(settled) });
    } else pointless++;
  }
  rules.report(notices);
  if (detections.length === 0) throw nobody(where, found.images.length, options);
  if (pointless > 0) notices.push(`${counted(pointless, 'detection')} without a known point: nobody there.`);
  const shown = new Set(detections.map(({ image }) => image)).size;
  if (shown < found.images.length) {
    notices.push(`${found.images.length - shown} of ${found.images.length} frames show nobody.`);
  }
  return { ...found, detections, fractions: rules.fractions, notices };
}

/** The same for tracks that a file has as such; `anySize` leaves fractions of an image of unknown size as they are. */
export function settleTracks(
  where: string,
  tracks: readonly FoundTrack[],
  options: ReadKeypointsOptions,
  anySize: boolean,
): FoundTrack[] {
  const raw = tracks.map(triplesOf);
  const [first] = tracks;
  const size = options.size ?? first;
  const rules = new PointRules(raw, { ...size, fractions: first.fractions }, options);
  const settled = raw.map(({ triples }) => rules.settle(triples));
  const seen = settled.map((triples) => triples.some((value, at) => at % 3 === 2 && value > 0));
  const people = seen.filter((some) => some).length;
  if (people === 0) throw nobody(where, first.frames, options);
  const said: string[] = [];
  rules.report(said);
  const nobodies = tracks.length - people;
  if (nobodies > 0) said.push(`${counted(nobodies, 'person', 'people')} without a known point: left out.`);
  const [width, height] = rules.fractions && !anySize ? pixelSize(where, size) : [size.width, size.height];
  const scale = rules.fractions ? [width ?? 1, height ?? 1] : [1, 1];
  return tracks.flatMap((track, person) => {
    if (!seen[person]) return [];
    const triples = settled[person];
    const keypoints = Float32Array.from({ length: (triples.length / 3) * 2 }, (_, at) => {
      return triples[Math.floor(at / 2) * 3 + (at % 2)] * scale[at % 2];
    });
    const confidence = Float32Array.from({ length: triples.length / 3 }, (_, point) => triples[point * 3 + 2]);
    const fractions = rules.fractions ? { fractions: true } : {};
    return [{ ...track, keypoints, confidence, people, ...fractions, notices: [...track.notices, ...said] }];
  });
}

function triplesOf({ keypoints, confidence, frames, joints }: FoundTrack): { triples: number[] } {
  const triples = new Array<number>(frames * joints * 3);
  for (let point = 0; point < frames * joints; point++) {
    triples[point * 3] = keypoints[point * 2];
    triples[point * 3 + 1] = keypoints[point * 2 + 1];
    triples[point * 3 + 2] = confidence?.[point] ?? 1;
  }
  return { triples };
}

/** Sorts joints by their names into the layout that these fit, or the one that the caller names; others stay named. */
function inLayout(raw: RawDetections, { layout: asked }: ReadKeypointsOptions, notices: string[]): RawDetections {
  const { jointNames: names } = raw;
  if (names === undefined || typeof asked === 'object') return raw;
  const fit = (asked === undefined ? undefined : fitLayout(names, [skeletonByName(asked)])) ?? fitLayout(names);
  if (fit === undefined) return raw;
  const { layout, places } = fit;
  const extra = names.filter((_, index) => !places.includes(index));
  if (extra.length > 0) notices.push(`Passed over, being no joints of ${layout.name}: ${listed(extra)}.`);
  const sorted = raw.detections.map((detection) => {
    const { triples } = detection;
    return { ...detection, triples: places.flatMap((place) => triples.slice(place * 3, place * 3 + 3)) };
  });
  return { ...raw, detections: sorted, layout: layout.name, jointNames: undefined };
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
