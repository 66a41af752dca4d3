import { PoseError } from '../../../base/pose-error.js';
import type { ReadKeypointsOptions } from '../../keypoint-track.js';
import type { FoundDetection, RawDetections } from '../../settle-detections.js';
import type { FoundPerson } from './found-person.js';
import { type FrameKey, frameKeyOf, imagesOf, isBlank } from './frame-fields.js';
import { namePoints } from './frame-names.js';
import { described, isRecord, type JsonRecord, shown, wrongValue } from './json-value.js';
import { framesOfIds, peopleOfIds } from './people-by-id.js';
import { followEachOther } from './pose-sequence.js';

/** A detector whose JSON is made of frames: one a file, or many in a list or by name. */
export interface FrameFormat {
  /** Whether a value has the form of one person with points. */
  isPerson: (value: unknown) => boolean;
  /** The field of a frame's object that holds its people (a list, or one); undefined where it has none. */
  peopleOf: (frame: JsonRecord) => unknown;
  /** undefined for somebody without points. Throws `ERR_FORMAT` that names the place. */
  readPerson: (place: string, value: unknown) => FoundPerson | undefined;
  /** Layout of people with so many joints; all people are given where their number does not settle it. */
  layoutOf: (joints: number, people: readonly FoundPerson[], notices: string[]) => string | undefined;
  /** Layouts that a person whose points have names may lack points of, the likeliest first. */
  namedLayouts?: readonly string[];
  /** true: coordinates are fractions of the image; else the values tell. */
  fractions?: boolean;
}

/** A frame's people with their place for messages and, where a folder or an object tells it, the frame's name. */
export interface FrameValue {
  place: string;
  people: readonly unknown[];
  key: FrameKey;
  name?: string | undefined;
  /** true: the frame is one of a list of people, so that others may be of the same frame. */
  shared?: boolean;
  /** The people's ids, where they are names of fields. */
  tracks?: readonly string[];
}

/** Fields that files wrap their list of frames in. */
const wrappers = ['instance_info', 'frames', 'predictions', 'results', 'poses', 'detections', 'annotations', 'data'];
const mostDepth = 4;
/** Fields in which frames of any format may hold the list of their people. */
const peopleFields = [
  ...['people', 'persons', 'instances', 'instance_info', 'predictions', 'results', 'detections', 'poses', 'objects'],
  'annotations',
];

/** The people of a frame's value; undefined for a value that is no frame of the format. */
export function peopleIn(format: FrameFormat, value: unknown): readonly unknown[] | undefined {
  if (isBlank(value)) return [];
  if (format.isPerson(value)) return [value];
  if (Array.isArray(value)) {
    if (value.every((item) => isBlank(item) || isPersonLike(format, item)) && value.some(format.isPerson)) return value;
    return value.length === 1 ? peopleIn(format, value[0]) : undefined;
  }
  if (!isRecord(value)) return undefined;
  const people = format.peopleOf(value) ?? peopleByField(format, value);
  if (people !== undefined) {
    return isRecord(people) && !isBlank(people) && !format.isPerson(people) ? undefined : peopleIn(format, people);
  }
  return hasNoPoints(value) ? [] : undefined;
}

/** The list of a frame's people under a field that the format does not name. */
function peopleByField(format: FrameFormat, frame: JsonRecord): unknown {
  return peopleFields.map((field) => frame[field]).find((list) => Array.isArray(list) && list.some(format.isPerson));
}

/** Whether a value may stand for somebody beside people with points: an object without lists but its box. */
function isPersonLike(format: FrameFormat, value: unknown): boolean {
  if (format.isPerson(value)) return true;
  return isRecord(value) && format.peopleOf(value) === undefined && peopleByField(format, value) === undefined;
}

/** Whether an object holds only what describes a frame: texts, numbers, nothing. */
function hasNoPoints(value: JsonRecord): boolean {
  return Object.values(value).every((field) => isBlank(field) || typeof field !== 'object');
}

/** Whether a value is a frame of the format that shows somebody. */
function isFrame(format: FrameFormat, value: unknown): boolean {
  return peopleIn(format, value)?.some(format.isPerson) ?? false;
}

/** Whether a value is one frame that shows somebody, not the frames of a clip in a list. */
export function isOneFrame(format: FrameFormat, value: unknown): boolean {
  const people = peopleIn(format, value)?.filter(format.isPerson) ?? [];
  if (people.length < 2) return people.length === 1;
  return (
    idsOf(people).size <= 1 &&
    (people.length === 2 || !followEachOther(people.map((one) => format.readPerson('', one))))
  );
}

/** The frames that people of a list say they are of. */
function idsOf(people: readonly unknown[]): Set<string | number> {
  const keys = people.map((person) => (isRecord(person) ? frameKeyOf(person) : {}));
  return new Set(keys.map(({ id, time }) => id ?? time).filter((id) => id !== undefined));
}

/** The frames of a JSON value: itself, the items of a list, the values of an object; undefined where it has none. */
export function framesIn(
  format: FrameFormat,
  place: string,
  value: unknown,
  notices: string[],
  depth = 0,
): FrameValue[] | undefined {
  if (depth > mostDepth) return undefined;
  if (format.isPerson(value)) return [frameValue(format, place, value)];
  if (Array.isArray(value)) return framesInList(format, place, value, notices, depth);
  if (!isRecord(value)) return undefined;
  if (isFrame(format, value)) {
    const people = peopleIn(format, value) ?? [];
    // People of several frames in one list are a clip; a list under a wrapper's name may be one, unless a frame is named beside it.
    if (idsOf(people).size > 1) return framesInList(format, place, people, notices, depth);
    const own = format.peopleOf(value) !== undefined || hasKey(frameKeyOf(value));
    if (own) return [frameValue(format, place, value)];
  }
  for (const name of wrappers) {
    const inner = value[name] === undefined ? undefined : value[name];
    const frames = inner && framesIn(format, `${place}: ${name}`, inner, notices, depth + 1);
    if (frames) return frames;
  }
  const entries = Object.entries(value);
  const framed = entries.filter(([, item]) => isFrame(format, item));
  if (framed.length === 0) return framesOfIds(format.isPerson, place, value, notices);
  const clips = framed.filter(([, item]) => Array.isArray(item) && idsOf(peopleIn(format, item) ?? []).size > 1);
  const sole = framed.length === 1 && (clips.length === 1 || !/\d/.test(framed[0][0])) ? framed[0] : undefined;
  if (sole) return framesIn(format, `${place}: ${shown(sole[0])}`, sole[1], notices, depth + 1);
  if (clips.length > 0) {
    const names = clips.slice(0, 4).map(([name]) => shown(name));
    throw new PoseError(
      'ERR_FORMAT',
      `${place}: expected one clip, got several: ${names.join(', ')}; give each by itself.`,
    );
  }
  const numbered = framed.every(([name]) => /\d/.test(name));
  return entries
    .filter(([name, item]) => isFrame(format, item) || (isNobody(format, item) && (!numbered || /\d/.test(name))))
    .map(([name, item]) => ({ ...frameValue(format, `${place}: ${shown(name)}`, item), key: {}, name }));
}

function isNobody(format: FrameFormat, value: unknown): boolean {
  if (isBlank(value)) return true;
  return typeof value === 'object' && peopleIn(format, value)?.length === 0;
}

function framesInList(
  format: FrameFormat,
  place: string,
  list: readonly unknown[],
  notices: string[],
  depth: number,
): FrameValue[] | undefined {
  const people = list.filter(format.isPerson);
  if (people.length > 0 && list.every((item) => isBlank(item) || isPersonLike(format, item))) {
    const keyed = people.some((person) => isRecord(person) && hasKey(frameKeyOf(person)));
    const oneEach =
      keyed ||
      people.length === 1 ||
      followEachOther(people.map((person, index) => format.readPerson(`${place}: [${index}]`, person)));
    if (!oneEach) return [{ place, people: list, key: {} }];
    if (!keyed && people.length > 1) {
      notices.push(`${list.length} poses in one list, each near the one before: taken as one a frame.`);
    }
    return list.map((item, index) => ({
      ...{ place: `${place}: [${index}]`, people: [item], key: isRecord(item) ? frameKeyOf(item) : {} },
      shared: keyed,
    }));
  }
  const spread = list.some((item) => Array.isArray(item) && idsOf(peopleIn(format, item) ?? []).size > 1);
  if (spread) return framesIn(format, place, list.flat(), notices, depth + 1);
  if (list.some((item) => isFrame(format, item))) {
    return list.map((item, index) => frameValue(format, `${place}: [${index}]`, item));
  }
  const byId = list.map((item) => peopleOfIds(format.isPerson, item));
  if (byId.some((people) => people !== undefined) && list.every((item, at) => isBlank(item) || byId[at])) {
    return byId.map((people, index) => ({ place: `${place}: [${index}]`, ...(people ?? { people: [] }), key: {} }));
  }
  return list.length === 1 ? framesIn(format, place, list[0], notices, depth + 1) : undefined;
}

function frameValue(format: FrameFormat, place: string, value: unknown): FrameValue {
  const people = peopleIn(format, value);
  if (people === undefined) {
    throw new PoseError('ERR_FORMAT', `${place}: expected a frame as the others are, got ${described(value, 2)}.`);
  }
  const keyed = isRecord(value) ? value : people.find(isRecord);
  return { place, people, key: keyed === undefined ? {} : frameKeyOf(keyed) };
}

function hasKey({ id, time }: FrameKey): boolean {
  return id !== undefined || time !== undefined;
}

/** Reads frames one after the other. Throws `ERR_FORMAT` that names the place. */
export function readFrames(
  format: FrameFormat,
  values: readonly FrameValue[],
  options: ReadKeypointsOptions,
  notices: string[] = [],
): RawDetections {
  const placed = withoutUnplaced(values);
  const images = new Map<string | number, { key: FrameKey; shared: boolean }>();
  const people: (FoundPerson & { image: string | number })[] = [];
  let pointless = 0;
  for (const [index, { place, people: list, key, name, shared = false, tracks }] of placed.entries()) {
    const id = key.id ?? key.time ?? name ?? index;
    if (images.has(id) && !shared) {
      throw new PoseError('ERR_FORMAT', `${place}: expected one entry a frame, got frame ${shown(id)} again.`);
    }
    if (!images.has(id))
      images.set(id, { key: key.id === undefined ? { ...key, ...(name && { id: name }) } : key, shared });
    for (const [at, value] of list.entries()) {
      const person = isBlank(value) ? undefined : format.readPerson(list.length > 1 ? `${place}[${at}]` : place, value);
      if (person === undefined) pointless += isBlank(value) && list.length === 1 ? 0 : 1;
      else people.push({ ...person, track: person.track ?? tracks?.[at], image: id });
    }
  }
  if (pointless > 0)
    notices.push(`${pointless} ${pointless === 1 ? 'person has' : 'people have'} no points: passed over.`);
  const ids = new Map([...images.keys()].map((id, index) => [id, index]));
  const detections: FoundDetection[] = people.map(({ names, ...person }) => ({
    ...person,
    image: ids.get(person.image)!,
  }));
  const found = {
    ...imagesOf(
      [...images.values()].map(({ key }) => key),
      (index) => index,
    ),
    notices,
  };
  const named = namePoints(placed[0]?.place ?? 'points', people, format.namedLayouts ?? []);
  const fractions = format.fractions;
  if (named) {
    const triples = named.triples;
    const sorted = detections.map((detection, at) => ({ ...detection, triples: triples[at] }));
    return { ...found, detections: sorted, fractions, ...named.joints };
  }
  const joints = (detections[0]?.triples.length ?? 0) / 3;
  const layout = joints > 0 && options.layout === undefined ? format.layoutOf(joints, people, notices) : undefined;
  return { ...found, detections, fractions, layout };
}

/**
 * Frames that can be placed: where some say their frame, blank ones that do not are left out (the numbers show the hole);
 * one with people is an error.
 */
function withoutUnplaced(values: readonly FrameValue[]): readonly FrameValue[] {
  const keyed = values.find(({ key }) => hasKey(key));
  if (keyed === undefined || values.some(({ name }) => name !== undefined)) return values;
  const byId = values.some(({ key }) => key.id !== undefined);
  return values.filter(({ place, key, people }) => {
    if (byId ? key.id !== undefined : key.time !== undefined) return true;
    if (people.every(isBlank)) return false;
    throw wrongValue(place, `${byId ? 'a frame number or image name' : 'a time'}, as other frames have`, undefined);
  });
}
