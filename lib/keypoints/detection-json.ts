import { PoseError } from '../pose-error.js';
import { type FoundTrack, trackOfPerson } from './assemble-track.js';
import { isRecord, type JsonRecord, numberField, shown, sizeOfImages } from './json-value.js';
import type { ReadKeypointsOptions } from './keypoint-track.js';
import { layoutOfJointNames } from './layout.js';
import { type Detection, followPerson } from './person-track.js';

/** Layouts that a plain list of detections implies by its number of joints (AlphaPose's and COCO's own). */
const impliedLayouts = new Map([
  [17, 'coco-17'],
  [26, 'halpe-26'],
]);

/**
 * A list of detections: AlphaPose's results or COCO's (`image_id`, flat `keypoints` triples, `score`; `idx` or
 * `track_id` where a tracker ran). Throws `ERR_FORMAT` that names the entry.
 */
export function readDetectionList(where: string, list: readonly unknown[], options: ReadKeypointsOptions): FoundTrack {
  const images = new Map<string | number, number>();
  const detections: Detection[] = [];
  for (const [index, entry] of list.entries()) {
    const place = `${where}: [${index}]`;
    if (!isRecord(entry)) throw wrong(place, 'an object with image_id and keypoints', entry);
    const id = entry.image_id;
    if (typeof id !== 'string' && typeof id !== 'number') throw wrong(`${place}.image_id`, 'a name or a number', id);
    if (!images.has(id)) images.set(id, images.size);
    detections.push(detectionOf(place, entry, images.get(id)!));
  }
  return followed(where, [...images.keys()], detections, options);
}

/**
 * COCO's annotation file: `images` are the frames, `annotations` the people, `categories` name the joints. Crowds and
 * people without a labelled joint are left out.
 */
export function readCocoAnnotations(where: string, file: JsonRecord, options: ReadKeypointsOptions): FoundTrack {
  const { images, annotations } = file;
  if (!Array.isArray(images)) throw wrong(`${where}: images`, 'a list', images);
  if (!Array.isArray(annotations)) throw wrong(`${where}: annotations`, 'a list', annotations);
  const places = new Map<unknown, number>();
  const names: (string | number)[] = [];
  for (const [index, image] of images.entries()) {
    const place = `${where}: images[${index}]`;
    if (!isRecord(image)) throw wrong(place, 'an object with id', image);
    const name = image.file_name ?? image.id;
    if (typeof name !== 'string' && typeof name !== 'number') throw wrong(`${place}.id`, 'a number or a name', name);
    if (places.has(image.id)) throw wrong(`${place}.id`, 'an id of its own', image.id);
    places.set(image.id, index);
    names.push(name);
  }
  const detections: Detection[] = [];
  let labelled = false;
  for (const [index, annotation] of annotations.entries()) {
    const place = `${where}: annotations[${index}]`;
    if (!isRecord(annotation)) throw wrong(place, 'an object', annotation);
    if (annotation.keypoints === undefined || annotation.iscrowd === 1) continue;
    const image = places.get(annotation.image_id);
    if (image === undefined) throw wrong(`${place}.image_id`, 'the id of one of the images', annotation.image_id);
    const detection = detectionOf(place, annotation, image);
    // COCO's third number is 0 for no label, 1 for hidden, 2 for seen.
    const triples = detection.triples.map((value, at) => (at % 3 === 2 ? value / 2 : value));
    if (!triples.some((value, at) => at % 3 === 2 && value > 0)) continue;
    labelled ||= numberField(annotation, 'score') === undefined;
    const score = numberField(annotation, 'score') ?? numberField(annotation, 'area') ?? detection.score;
    detections.push({ ...detection, triples, score });
  }
  const found = followed(where, names, detections, options);
  if (labelled && found.people > 1)
    found.notices.push('Annotations have no score: the largest area counts as the best.');
  const stated = jointNames(file.categories);
  if (stated) found.layout = layoutOfJointNames(stated)?.name;
  return { ...found, ...sizeOfImages(images, found.notices) };
}

function detectionOf(place: string, entry: JsonRecord, image: number): Detection {
  const { keypoints } = entry;
  if (!Array.isArray(keypoints) || keypoints.length === 0 || keypoints.length % 3 !== 0) {
    const got = Array.isArray(keypoints) ? `${keypoints.length} values` : shown(keypoints);
    throw new PoseError('ERR_FORMAT', `${place}.keypoints: expected x, y, confidence for each joint, got ${got}.`);
  }
  const bad = keypoints.findIndex((value) => typeof value !== 'number');
  if (bad >= 0) throw wrong(`${place}.keypoints[${bad}]`, 'a number', keypoints[bad]);
  const triples = keypoints as number[];
  const mean = triples.reduce((sum, value, at) => (at % 3 === 2 ? sum + value : sum), 0) / (triples.length / 3);
  const detection: Detection = { image, triples, score: numberField(entry, 'score') ?? mean };
  const track = trackName(entry.track_id ?? entry.idx);
  if (track !== undefined) detection.track = track;
  return detection;
}

/** A tracker's id: a number or name, or (as AlphaPose writes it) wrapped in lists. */
function trackName(value: unknown): string | undefined {
  let inner = value;
  for (let depth = 0; depth < 4 && Array.isArray(inner) && inner.length === 1; depth++) inner = inner[0];
  return typeof inner === 'number' || typeof inner === 'string' ? String(inner) : undefined;
}

function followed(
  where: string,
  images: readonly (string | number)[],
  detections: readonly Detection[],
  options: ReadKeypointsOptions,
): FoundTrack {
  const values = detections[0]?.triples.length ?? 0;
  const other = detections.findIndex(({ triples }) => triples.length !== values);
  if (other >= 0) {
    const joints = detections[other].triples.length / 3;
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected ${values / 3} joints a person, got ${joints} (person ${other}).`,
    );
  }
  const found = trackOfPerson(followPerson(where, images, detections, options.person), values / 3);
  found.layout = impliedLayouts.get(values / 3);
  return found;
}

function jointNames(categories: unknown): string[] | undefined {
  if (!Array.isArray(categories)) return undefined;
  const names = categories.find((category) => isRecord(category) && Array.isArray(category.keypoints))?.keypoints;
  return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : undefined;
}

function wrong(place: string, expected: string, got: unknown): PoseError {
  return new PoseError('ERR_FORMAT', `${place}: expected ${expected}, got ${shown(got)}.`);
}
