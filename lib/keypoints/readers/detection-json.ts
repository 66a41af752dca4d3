import { PoseError } from '../../base/pose-error.js';
import type { Detection, FoundDetections } from '../detections.js';
import { layoutOfJointNames } from '../layout.js';
import {
  isRecord,
  type JsonRecord,
  meanConfidence,
  numberField,
  shown,
  sizeOfImages,
  trackName,
} from './json-value.js';

/** Layouts that a plain list of detections implies by its number of joints (AlphaPose's and COCO's own). */
const impliedLayouts = new Map([
  [17, 'coco-17'],
  [26, 'halpe-26'],
  [133, 'coco-133'],
  [136, 'halpe-136'],
]);

/**
 * A list of detections: AlphaPose's results or COCO's (`image_id`, flat `keypoints` triples, `score`; `idx` or
 * `track_id` where a tracker ran). Throws `ERR_FORMAT` that names the entry.
 */
export function readDetectionList(where: string, list: readonly unknown[]): FoundDetections {
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
  return found([...images.keys()], detections);
}

/**
 * COCO's annotation file: `images` are the frames, `annotations` the people, `categories` name the joints. Crowds and
 * people without a labelled joint are left out.
 */
export function readCocoAnnotations(where: string, file: JsonRecord): FoundDetections {
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
  for (const [index, annotation] of annotations.entries()) {
    const place = `${where}: annotations[${index}]`;
    if (!isRecord(annotation)) throw wrong(place, 'an object', annotation);
    if (annotation.keypoints === undefined || annotation.iscrowd === 1) continue;
    const image = places.get(annotation.image_id);
    if (image === undefined) throw wrong(`${place}.image_id`, 'the id of one of the images', annotation.image_id);
    const detection = detectionOf(place, annotation, image);
    if (!detection.triples.some((value, at) => at % 3 === 2 && value > 0)) continue;
    const score = numberField(annotation, 'score') ?? numberField(annotation, 'area') ?? detection.score;
    detections.push({ ...detection, score });
  }
  const people = found(names, detections);
  const stated = jointNames(file.categories);
  if (stated) people.layout = layoutOfJointNames(stated)?.name;
  return { ...people, ...sizeOfImages(images, people.notices) };
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
  const detection: Detection = { image, triples, score: numberField(entry, 'score') ?? meanConfidence(triples) };
  const track = trackName(entry.track_id ?? entry.idx);
  if (track !== undefined) detection.track = track;
  return detection;
}

function found(images: readonly (string | number)[], detections: readonly Detection[]): FoundDetections {
  return { images, detections, layout: impliedLayouts.get((detections[0]?.triples.length ?? 0) / 3), notices: [] };
}

function jointNames(categories: unknown): string[] | undefined {
  if (!Array.isArray(categories)) return undefined;
  const names = categories.find((category) => isRecord(category) && Array.isArray(category.keypoints))?.keypoints;
  return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : undefined;
}

function wrong(place: string, expected: string, got: unknown): PoseError {
  return new PoseError('ERR_FORMAT', `${place}: expected ${expected}, got ${shown(got)}.`);
}
