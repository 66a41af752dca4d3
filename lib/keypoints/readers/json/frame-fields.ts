import { remembered } from '../../../base/remembered.js';
import type { FrameTimes } from '../../detections.js';
import { isRecord, type JsonRecord } from './json-value.js';
import { everyItem, isList, LongObject } from './long-value.js';

/** Names of fields and columns that tell the frame, without capitals and signs, the likeliest first. */
const frameNames = [
  ...[
    'frame',
    'frameid',
    'frameidx',
    'frameindex',
    'framenumber',
    'frameno',
    'framenum',
    'framenr',
    'imageid',
    'imgid',
  ],
  ...[
    'imageidx',
    'imgidx',
    'imagename',
    'imgname',
    'filename',
    'imagepath',
    'imagepaths',
    'imgpath',
    'image',
    'img',
    'file',
  ],
];
const timeUnits = { s: 's', sec: 's', ms: 'ms', milli: 'ms', us: 'us', micro: 'us', ns: 'ns', nano: 'ns' } as const;
const timePattern =
  /^(?:(?:time|timestamp|ts|t)(?:in)?(s|secs?|seconds?|ms|msecs?|millis?|milliseconds?|us|usecs?|micros?|microseconds?|ns|nanos?|nanoseconds?)?|(seconds?|secs?|ms|msecs?|millis|milliseconds?|us|usecs?|microseconds?|ns|nanoseconds?))$/;

/** When a frame is, as its fields tell. */
export interface FrameKey {
  id?: string | number;
  time?: number;
  unit?: FrameTimes['unit'];
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** How likely a field or column names the frame: its rank from 0; undefined for others. */
export const frameRank = remembered((name: string): number | undefined => {
  const rank = frameNames.indexOf(plain(name));
  return rank < 0 ? undefined : rank;
});

/** The unit of a time field or column; null where its name does not tell, undefined where it is no time. */
export const timeUnit = remembered((name: string): FrameTimes['unit'] | null => {
  const match = timePattern.exec(plain(name));
  if (!match) return undefined;
  const word = match[1] ?? match[2];
  if (word === undefined) return null;
  const start = ['milli', 'micro', 'nano', 'ms', 'us', 'ns'].find((unit) => word.startsWith(unit)) ?? 's';
  return timeUnits[start as keyof typeof timeUnits];
});

/** A time as a number, or as hours, minutes and seconds ("0:01:02.5"); undefined for other values. */
export function timeValue(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const clock = /(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)\s*$/.exec(value);
  if (clock) return Number(clock[1] ?? 0) * 3600 + Number(clock[2]) * 60 + Number(clock[3]);
  return Number.isFinite(Number(value)) ? Number(value) : undefined;
}

/** What an object says of its frame. */
export function frameKeyOf(record: JsonRecord): FrameKey {
  const key: FrameKey = {};
  let best = Number.POSITIVE_INFINITY;
  for (const [name, field] of Object.entries(record)) {
    const value = Array.isArray(field) && field.length === 1 ? field[0] : field;
    const rank = frameRank(name);
    if (rank !== undefined && rank < best && isFrameId(value)) {
      key.id = value;
      best = rank;
    }
    const unit = timeUnit(name);
    const time = unit === undefined ? undefined : timeValue(value);
    if (time === undefined || key.time !== undefined) continue;
    key.time = time;
    key.unit = typeof value === 'string' && value.includes(':') ? 's' : (unit ?? undefined);
  }
  return key;
}

function isFrameId(value: unknown): value is string | number {
  return (typeof value === 'number' && Number.isFinite(value)) || (typeof value === 'string' && value !== '');
}

/** The images of a file: their names and times. */
export interface FrameImages {
  images: (string | number)[];
  times?: FrameTimes;
}

/** Names and times of images from their keys; frames without either are named by `fallback`. */
export function imagesOf(keys: readonly FrameKey[], fallback: (index: number) => string | number): FrameImages {
  const timed = keys.length > 0 && keys.every(({ time }) => time !== undefined);
  const named = keys.some(({ id }) => id !== undefined);
  const images = keys.map(({ id, time }, index) => id ?? (timed && !named ? time! : fallback(index)));
  if (!timed) return { images };
  return { images, times: { values: keys.map(({ time }) => time!), unit: keys[0].unit } };
}

/** Whether a value has nothing in it: null, "", [], {}, and lists and objects of such. */
export function isBlank(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  if (isList(value)) return everyItem(value, isBlank);
  if (value instanceof LongObject) return everyItem(value.fields(), (field) => isBlank((field as unknown[])[1]));
  if (!isRecord(value)) return false;
  // Without a list of the fields: every point of a file is asked.
  for (const name in value) if (!isBlank(value[name])) return false;
  return true;
}
