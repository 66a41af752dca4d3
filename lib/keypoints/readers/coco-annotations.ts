import { PoseError } from '../../base/pose-error.js';
import { DetectionTable } from '../detection-table.js';
import type { FoundDetections } from '../detections.js';
import { flatList } from './json/flat-list.js';
import { isBlank } from './json/frame-fields.js';
import { isRecord, type JsonRecord, sizeOfImages, wrongValue } from './json/json-value.js';
import { isList } from './json/long-value.js';

/** A category of COCO's that has joints. */
interface Category {
  name: string;
  joints: string[];
}

/**
 * COCO's annotation file: `images` are the frames, `annotations` the people, `categories` name the joints, whose order is
 * theirs. Crowds and people without a labelled joint are left out, as are categories whose joints are others than those of
 * the category with the most annotations. Throws `ERR_FORMAT` that names the entry.
 */
export function readCocoAnnotations(where: string, file: JsonRecord): FoundDetections {
  const { images, annotations } = file;
  if (!isList(images)) throw wrongValue(`${where}: images`, 'a list', images);
  if (!isList(annotations)) throw wrongValue(`${where}: annotations`, 'a list', annotations);
  const notices: string[] = [];
  const places = new Map<unknown, number>();
  const names: (string | number)[] = [];
  for (const image of images) {
    const index = names.length;
    const place = `${where}: images[${index}]`;
    if (!isRecord(image)) throw wrongValue(place, 'an object with id', image);
    const name = image.file_name ?? image.id;
    if (typeof name !== 'string' && typeof name !== 'number') {
      throw wrongValue(`${place}.id`, 'a number or a name', name);
    }
    if (places.has(image.id)) throw wrongValue(`${place}.id`, 'an id that no other image has', image.id);
    places.set(image.id, index);
    names.push(name);
  }
  const categories = categoriesOf(file.categories);
  const chosen = mostUsed(annotations, categories);
  const joints = chosen === undefined ? undefined : categories.get(chosen)?.joints;
  const detections = new DetectionTable();
  let others = 0;
  let index = 0;
  for (const annotation of annotations) {
    const place = `${where}: annotations[${index++}]`;
    if (isBlank(annotation)) continue;
    if (!isRecord(annotation)) throw wrongValue(place, 'an object', annotation);
    if (annotation.iscrowd === 1) continue;
    const person = flatList.readPerson(place, annotation);
    if (person === undefined || !person.triples.some((value, at) => at % 3 === 2 && value > 0)) continue;
    if (!sameJoints(joints, categories.get(annotation.category_id)?.joints)) {
      others++;
      continue;
    }
    if (joints && person.triples.length !== joints.length * 3) {
      throw new PoseError(
        'ERR_FORMAT',
        `${place}.keypoints: expected ${joints.length} joints, as its category names, got ${person.triples.length / 3}.`,
      );
    }
    const image = places.get(annotation.image_id);
    if (image === undefined) throw wrongValue(`${place}.image_id`, 'the id of one of the images', annotation.image_id);
    detections.push({ ...person, image });
  }
  if (others > 0) {
    const name = categories.get(chosen)?.name ?? String(chosen);
    notices.push(`${others} annotations of categories with other joints than ${name} are left out.`);
  }
  const found: FoundDetections = { images: names, detections, notices, ...sizeOfImages(images, notices) };
  if (joints) return { ...found, jointNames: joints };
  return { ...found, layout: flatList.layoutOf(detections.width / 3, detections, notices) };
}

/** Categories that name their joints, by id. */
function categoriesOf(value: unknown): Map<unknown, Category> {
  const found = new Map<unknown, Category>();
  for (const category of Array.isArray(value) ? value : []) {
    if (!isRecord(category) || !Array.isArray(category.keypoints) || category.keypoints.length === 0) continue;
    if (!category.keypoints.every((name) => typeof name === 'string')) continue;
    found.set(category.id, { name: String(category.name ?? category.id), joints: category.keypoints });
  }
  return found;
}

/** The category with joints that most annotations have; where they name none, the only one there is. */
function mostUsed(annotations: Iterable<unknown>, categories: ReadonlyMap<unknown, Category>): unknown {
  const counts = new Map<unknown, number>();
  for (const annotation of annotations) {
    if (!isRecord(annotation) || !categories.has(annotation.category_id)) continue;
    counts.set(annotation.category_id, (counts.get(annotation.category_id) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function sameJoints(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((name, index) => name === b[index]);
}
