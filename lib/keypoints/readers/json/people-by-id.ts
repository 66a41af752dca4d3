import { isBlank } from './frame-fields.js';
import { isRecord, shown } from './json-value.js';

/** A frame's people with their ids; `name` is the frame's. */
interface FrameOfIds {
  place: string;
  people: unknown[];
  tracks: string[];
  key: Record<string, never>;
  name: string;
}

const framePattern = /frame|image|img|\.(jpe?g|png|bmp)$/i;
const personPattern = /person|people|track|subject|player|actor/i;

/** People under their ids, {"1": person, "2": person}; undefined for anything else. */
export function peopleOfIds(
  isPerson: (value: unknown) => boolean,
  value: unknown,
): { people: unknown[]; tracks: string[] } | undefined {
  if (!isRecord(value) || isPerson(value)) return undefined;
  const entries = Object.entries(value).filter(([, item]) => !isBlank(item));
  if (entries.length === 0 || !entries.every(([, item]) => isPerson(item))) return undefined;
  return { people: entries.map(([, person]) => person), tracks: entries.map(([id]) => id) };
}

/**
 * Frames of an object of objects of people: {frame: {id: person}} or {id: {frame: person}}. Names tell which, else the more
 * numerous keys are the frames, and a notice says so. undefined for anything else.
 */
export function framesOfIds(
  isPerson: (value: unknown) => boolean,
  place: string,
  fields: () => Iterable<[string, unknown]>,
  notices: string[],
): Iterable<FrameOfIds> | undefined {
  const outer: string[] = [];
  const ids = new Set<string>();
  for (const [name, item] of fields()) {
    if (isBlank(item)) continue;
    const found = peopleOfIds(isPerson, item);
    if (found === undefined) return undefined;
    outer.push(name);
    for (const id of found.tracks) ids.add(id);
  }
  if (outer.length === 0) return undefined;
  const inner = [...ids];
  const told = framesOutside(outer, inner);
  const framesFirst = told ?? outer.length >= inner.length;
  if (told === undefined) {
    const [first, second] = framesFirst ? ['frames', 'people'] : ['people', 'frames'];
    notices.push(`${outer.length} names are taken as ${first}, the ${inner.length} below them as ${second}.`);
  }
  return framesFirst ? outerFrames(isPerson, place, fields) : innerFrames(isPerson, place, fields());
}

/** {frame: {id: person}}, a frame at a time and as often as somebody goes through them. */
function outerFrames(
  isPerson: (value: unknown) => boolean,
  place: string,
  fields: () => Iterable<[string, unknown]>,
): Iterable<FrameOfIds> {
  return {
    *[Symbol.iterator]() {
      for (const [name, item] of fields()) {
        const found = isBlank(item) ? undefined : peopleOfIds(isPerson, item);
        if (found) yield { place: `${place}: ${shown(name)}`, ...found, key: {}, name };
      }
    },
  };
}

/** {id: {frame: person}}. */
function innerFrames(
  isPerson: (value: unknown) => boolean,
  place: string,
  fields: Iterable<[string, unknown]>,
): FrameOfIds[] {
  const frames = new Map<string, { people: unknown[]; tracks: string[] }>();
  for (const [name, item] of fields) {
    const found = isBlank(item) ? undefined : peopleOfIds(isPerson, item);
    for (const [at, frame] of (found?.tracks ?? []).entries()) {
      const there = frames.get(frame) ?? { people: [], tracks: [] };
      there.people.push(found!.people[at]);
      there.tracks.push(name);
      frames.set(frame, there);
    }
  }
  return [...frames].map(([name, there]) => ({ place: `${place}: frame ${shown(name)}`, ...there, key: {}, name }));
}

/** Whether names say that the outer ones are frames; undefined where they say nothing. */
function framesOutside(outer: readonly string[], inner: readonly string[]): boolean | undefined {
  const all = (names: readonly string[], pattern: RegExp) => names.every((name) => pattern.test(name));
  if (all(outer, framePattern) || all(inner, personPattern)) return true;
  if (all(inner, framePattern) || all(outer, personPattern)) return false;
  return undefined;
}
