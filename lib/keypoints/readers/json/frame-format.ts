import { PoseError } from '../../../base/pose-error.js';
import type { Detection } from '../../detection-table.js';
import type { FoundPerson } from './found-person.js';
import { type FrameKey, frameKeyOf, isBlank } from './frame-fields.js';
import { described, isRecord, type JsonRecord, shown } from './json-value.js';
import { findItem, isList, type JsonList, LongList, LongObject, made } from './long-value.js';
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
  layoutOf: (joints: number, people: Iterable<Pick<Detection, 'triples'>>, notices: string[]) => string | undefined;
  /** Layouts that a person whose points have names may lack points of, the likeliest first. */
  namedLayouts?: readonly string[];
  /** true: coordinates are fractions of the image; else the values tell. */
  fractions?: boolean;
}

/** A frame's people with their place for messages and, where a folder or an object tells it, the frame's name. */
export interface FrameValue {
  place: string;
  people: JsonList;
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
  for (const field of peopleFields) {
    const list = frame[field];
    if (Array.isArray(list) && list.some(format.isPerson)) return list;
  }
  return undefined;
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

/**
 * The frames of a JSON value: itself, the items of a list, the values of an object; undefined where it has none. They are
 * made when somebody goes through them, and again each time: a long value is not held.
 */
export function framesIn(
  format: FrameFormat,
  place: string,
  value: unknown,
  notices: string[],
  facts: ListFacts = new ListFacts([format]),
  depth = 0,
): Iterable<FrameValue> | undefined {
  if (depth > mostDepth) return undefined;
  if (format.isPerson(value)) return [frameValue(format, place, value)];
  if (isList(value)) return framesInList(format, place, value, notices, facts, depth);
  if (value instanceof LongObject) return framesByName(format, place, () => value.fields(), notices, facts, depth);
  if (!isRecord(value)) return undefined;
  if (isFrame(format, value)) {
    const people = peopleIn(format, value) ?? [];
    // People of several frames in one list are a clip; a list under a wrapper's name may be one, unless a frame is named beside it.
    if (idsOf(people).size > 1) return framesInList(format, place, people, notices, facts, depth);
    const own = format.peopleOf(value) !== undefined || hasKey(frameKeyOf(value));
    if (own) return [frameValue(format, place, value)];
  }
  for (const name of wrappers) {
    const inner = value[name] === undefined ? undefined : value[name];
    const frames = inner && framesIn(format, `${place}: ${name}`, inner, notices, facts, depth + 1);
    if (frames) return frames;
  }
  const fields = Object.entries(value);
  return framesByName(format, place, () => fields, notices, facts, depth);
}

/** The frames of an object's fields. */
function framesByName(
  format: FrameFormat,
  place: string,
  fields: () => Iterable<[string, unknown]>,
  notices: string[],
  facts: ListFacts,
  depth: number,
): Iterable<FrameValue> | undefined {
  let framed = 0;
  let first: [string, unknown] | undefined;
  const clips: string[] = [];
  let numbered = true;
  for (const [name, item] of fields()) {
    const { shows, isClip } = fieldOf(format, item, facts);
    if (!shows) continue;
    framed++;
    first ??= [name, item];
    if (isClip) clips.push(name);
    if (!/\d/.test(name)) numbered = false;
  }
  if (first === undefined) return framesOfIds(format.isPerson, place, fields, notices);
  const [name, item] = first;
  if (framed === 1 && (clips.length === 1 || !numbered)) {
    return framesIn(format, `${place}: ${shown(name)}`, item, notices, facts, depth + 1);
  }
  if (clips.length > 0) {
    const names = clips.slice(0, 4).map(shown);
    throw new PoseError(
      'ERR_FORMAT',
      `${place}: expected one clip, got several: ${names.join(', ')}; give each by itself.`,
    );
  }
  return made(function* () {
    for (const [name, item] of fields()) {
      if (!isFrame(format, item) && !(isNobody(format, item) && (!numbered || /\d/.test(name)))) continue;
      yield { ...frameValue(format, `${place}: ${shown(name)}`, item), key: {}, name };
    }
  });
}

/** Whether a field shows people, and whether these are of several frames. */
function fieldOf(format: FrameFormat, item: unknown, facts: ListFacts): { shows: boolean; isClip: boolean } {
  if (item instanceof LongList) {
    const { people, peopleAlone, keyed } = facts.of(format, item);
    const shows = people > 0 && peopleAlone;
    return { shows, isClip: shows && keyed };
  }
  const shows = isFrame(format, item);
  return { shows, isClip: shows && Array.isArray(item) && idsOf(peopleIn(format, item) ?? []).size > 1 };
}

function isNobody(format: FrameFormat, value: unknown): boolean {
  if (isBlank(value)) return true;
  return typeof value === 'object' && peopleIn(format, value)?.length === 0;
}

/** What the items of a list are to a format. */
interface Facts {
  /** How many are people. */
  people: number;
  /** Whether all others are blank or describe somebody without points. */
  peopleAlone: boolean;
  /** Whether some person says its frame. */
  keyed: boolean;
  /** Whether some item is a frame. */
  frames: boolean;
  /** Whether some item is a list of people of several frames. */
  spread: boolean;
}

/** Looks through lists, through a long one once for all formats. */
export class ListFacts {
  readonly #formats: readonly FrameFormat[];
  readonly #known = new Map<LongList, Map<FrameFormat, Facts>>();

  constructor(formats: readonly FrameFormat[]) {
    this.#formats = formats;
  }

  of(format: FrameFormat, list: JsonList): Facts {
    if (!(list instanceof LongList)) return factsOf([format], list).get(format)!;
    const known = this.#known.get(list) ?? factsOf(this.#formats, list);
    this.#known.set(list, known);
    return known.get(format)!;
  }
}

function factsOf(formats: readonly FrameFormat[], list: JsonList): Map<FrameFormat, Facts> {
  const none = { people: 0, peopleAlone: true, keyed: false, frames: false, spread: false };
  const facts = new Map(formats.map((format) => [format, { ...none }]));
  for (const item of list) {
    const blank = isBlank(item);
    for (const [format, fact] of facts) addItem(format, fact, item, blank);
  }
  return facts;
}

function addItem(format: FrameFormat, fact: Facts, item: unknown, blank: boolean): void {
  if (blank) {
    // Somebody whose points are all null.
    if (!format.isPerson(item)) return;
    fact.people++;
    fact.keyed ||= isRecord(item) && hasKey(frameKeyOf(item));
  } else if (isRecord(item)) {
    const isPerson = format.isPerson(item);
    const inside = isPerson ? undefined : (format.peopleOf(item) ?? peopleByField(format, item));
    if (isPerson) {
      fact.people++;
      fact.keyed ||= hasKey(frameKeyOf(item));
    } else if (inside !== undefined) fact.peopleAlone = false;
    fact.frames ||= isPerson || (inside !== undefined && isFrame(format, item));
  } else {
    if (format.isPerson(item)) fact.people++;
    else fact.peopleAlone = false;
    fact.frames ||= isFrame(format, item);
    fact.spread ||= Array.isArray(item) && idsOf(peopleIn(format, item) ?? []).size > 1;
  }
}

function framesInList(
  format: FrameFormat,
  place: string,
  list: JsonList,
  notices: string[],
  facts: ListFacts,
  depth: number,
): Iterable<FrameValue> | undefined {
  const { people, peopleAlone, keyed, frames, spread } = facts.of(format, list);
  if (people > 0 && peopleAlone) {
    const oneEach = keyed || people === 1 || followEachOther(posesOf(format, place, list));
    if (!oneEach) return [{ place, people: list, key: {} }];
    if (!keyed && people > 1) {
      notices.push(`${list.length} poses in one list, each near the one before: taken as one a frame.`);
    }
    return made(function* () {
      let index = 0;
      for (const item of list) {
        const key = isRecord(item) ? frameKeyOf(item) : {};
        yield { place: `${place}: [${index++}]`, people: [item], key, shared: keyed };
      }
    });
  }
  if (spread) return framesIn(format, place, list.flat(), notices, facts, depth + 1);
  if (frames) {
    return made(function* () {
      let index = 0;
      for (const item of list) yield frameValue(format, `${place}: [${index++}]`, item);
    });
  }
  if (areByIds(format, list)) {
    return made(function* () {
      let index = 0;
      for (const item of list) {
        const found = peopleOfIds(format.isPerson, item) ?? { people: [] };
        yield { place: `${place}: [${index++}]`, ...found, key: {} };
      }
    });
  }
  if (list.length !== 1) return undefined;
  return framesIn(format, place, findItem(list, () => true)!.item, notices, facts, depth + 1);
}

/** Whether the items of a list are people under their ids, or blank. */
function areByIds(format: FrameFormat, list: JsonList): boolean {
  let some = false;
  for (const item of list) {
    if (peopleOfIds(format.isPerson, item) !== undefined) some = true;
    else if (!isBlank(item)) return false;
  }
  return some;
}

/** The poses of the people in a list. */
function* posesOf(format: FrameFormat, place: string, list: JsonList): Generator<FoundPerson | undefined> {
  let index = 0;
  for (const item of list) if (format.isPerson(item)) yield format.readPerson(`${place}: [${index++}]`, item);
}

function frameValue(format: FrameFormat, place: string, value: unknown): FrameValue {
  const people = peopleIn(format, value);
  if (people === undefined) {
    throw new PoseError('ERR_FORMAT', `${place}: expected a frame as the others are, got ${described(value, 2)}.`);
  }
  const keyed = isRecord(value) ? value : people.find(isRecord);
  return { place, people, key: keyed === undefined ? {} : frameKeyOf(keyed) };
}

export function hasKey({ id, time }: FrameKey): boolean {
  return id !== undefined || time !== undefined;
}
