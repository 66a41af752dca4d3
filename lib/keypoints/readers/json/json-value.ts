import { parseJsonText } from '../../../base/json-text.js';
import { PoseError } from '../../../base/pose-error.js';
import { findItem, isList, LongObject } from './long-value.js';

export type JsonRecord = Record<string, unknown>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !isList(value) && !(value instanceof LongObject);
}

/** A value as it may stand in a message: short. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (isList(value)) return `a list of ${value.length}`;
  if (isRecord(value) || value instanceof LongObject) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

/** A JSON value with its type, where another type was expected. */
export function typed(value: unknown): string {
  if (typeof value !== 'string') return shown(value);
  return `the string '${value.length > 60 ? `${value.slice(0, 60)}...` : value}'`;
}

/** What a JSON value is made of, for somebody who wonders why it was not read: its keys, its first item. */
export function described(value: unknown, depth = 0): string {
  if (isList(value)) {
    if (value.length === 0) return 'an empty list';
    return depth > 2
      ? `a list of ${value.length}`
      : `a list of ${value.length} whose first item is ${described(findItem(value, () => true)?.item, depth + 1)}`;
  }
  if (!isRecord(value) && !(value instanceof LongObject)) return typed(value);
  const keys = isRecord(value) ? Object.keys(value) : Array.from(value.fields(), ([key]) => key);
  if (keys.length === 0) return 'an empty object';
  const named = keys
    .slice(0, 8)
    .map((key) => key.slice(0, 40))
    .join(', ');
  return `an object with the ${keys.length === 1 ? 'key' : 'keys'} ${named}${keys.length > 8 ? `, ... (${keys.length})` : ''}`;
}

export function numberField(record: JsonRecord, name: string): number | undefined {
  const value = record[name];
  return typeof value === 'number' ? value : undefined;
}

/** Width and height that all of COCO's images share; a notice where they differ. */
export function sizeOfImages(images: Iterable<unknown>, notices: string[]): { width?: number; height?: number } {
  const sizes = new Set<string>();
  let size: { width?: number; height?: number } = {};
  for (const image of images) {
    if (!isRecord(image)) continue;
    const width = numberField(image, 'width');
    const height = numberField(image, 'height');
    if (width === undefined || height === undefined) return {};
    sizes.add(`${width}x${height}`);
    size = { width, height };
  }
  if (sizes.size <= 1) return size;
  notices.push(`The images have ${sizes.size} different sizes: no size is taken from the file.`);
  return {};
}

/** An error that says at what place a JSON value is not what it should be. */
export function wrongValue(place: string, expected: string, got: unknown): PoseError {
  return new PoseError('ERR_FORMAT', `${place}: expected ${expected}, got ${typed(got)}.`);
}

/** A list of numbers; null (as Python's NaN is read) becomes NaN. Throws `ERR_FORMAT` that names the entry. */
export function numberList(place: string, value: unknown): number[] {
  if (!Array.isArray(value)) throw wrongValue(place, 'a list of numbers', value);
  const bad = value.findIndex((item) => typeof item !== 'number' && item !== null);
  if (bad >= 0) throw wrongValue(`${place}[${bad}]`, 'a number', value[bad]);
  return value.map((item: number | null) => item ?? Number.NaN);
}

/** A flat list of x, y, confidence for each joint. */
export function tripleList(place: string, value: unknown): number[] {
  if (!Array.isArray(value)) throw wrongValue(place, 'x, y, confidence for each joint', value);
  if (value.length === 0 || value.length % 3 !== 0) {
    throw new PoseError(
      'ERR_FORMAT',
      `${place}: expected x, y, confidence for each joint, got ${value.length} values.`,
    );
  }
  return numberList(place, value);
}

/** Whether a value is a list of numbers, some perhaps missing or wrong: its first that is there is no list or object. */
export function isFlatList(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const first = value.find((item) => item !== null);
  return value.length > 0 && typeof first !== 'object';
}

/** A tracker's id: a number or name, or (as AlphaPose and OpenPose write it) wrapped in lists; -1 is none. */
export function trackName(value: unknown): string | undefined {
  let inner = value;
  for (let depth = 0; depth < 4 && Array.isArray(inner) && inner.length === 1; depth++) inner = inner[0];
  return (typeof inner === 'number' && inner !== -1) || typeof inner === 'string' ? String(inner) : undefined;
}

/** Fields in which trackers write their id, the likeliest first. */
const trackFields = ['track_id', 'trackId', 'tracking_id', 'person_id', 'id_', 'idx', 'instance_id'];

/** The tracker's id of a person; undefined where none of the usual fields has one. */
export function trackOf(person: JsonRecord): string | undefined {
  for (const field of trackFields) {
    const track = trackName(person[field]);
    if (track !== undefined) return track;
  }
  return undefined;
}

/** Bare words that Python writes for numbers that JSON does not have. */
const pythonNumbers = /(?<=[[,:\s])(?:NaN|-?Infinity)(?=[\s,\]}])/g;

/** How json_tricks marks an array: {"__ndarray__": [...], "dtype": "float32", "shape": [17, 3]}. */
const arrayMark = '__ndarray__';

function withoutArrayMarks(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutArrayMarks);
  if (!isRecord(value)) return value;
  if (Array.isArray(value[arrayMark])) return value[arrayMark];
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withoutArrayMarks(item)]));
}

/**
 * Parses JSON, or JSON lines into a list of their values; Python's NaN and Infinity become null, the arrays of json_tricks
 * lists. Throws `ERR_FORMAT`, with the line where the first line is JSON by itself.
 */
export function parseJson(where: string, text: string): unknown {
  const value = parseLines(where, text);
  return text.includes(`"${arrayMark}"`) ? withoutArrayMarks(value) : value;
}

function parseLines(where: string, text: string): unknown {
  try {
    return parsed(text);
  } catch (cause) {
    const lines = text.split('\n').map((line, index) => ({ line: line.trim(), number: index + 1 }));
    const own = lines.filter(({ line }) => line !== '');
    if (own.length > 1 && isJson(own[0].line) && /^[[{]/.test(own[0].line)) {
      return own.map(({ line, number }) => {
        try {
          return parsed(line);
        } catch (wrong) {
          throw notJson(`${where}: line ${number}`, wrong);
        }
      });
    }
    throw notJson(where, cause);
  }
}

function notJson(where: string, cause: unknown): PoseError {
  return new PoseError('ERR_FORMAT', `${where}: expected JSON, got ${(cause as Error).message}.`, { cause });
}

function isJson(text: string): boolean {
  try {
    parsed(text);
    return true;
  } catch {
    return false;
  }
}

function parsed(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch (cause) {
    try {
      if (text.search(pythonNumbers) >= 0) return parseJsonText(text.replace(pythonNumbers, 'null'));
    } catch {
      // The first complaint is about the text as it is.
    }
    throw cause;
  }
}
