import type { FoundDetections } from '../detections.js';
import type { ReadKeypointsOptions } from '../keypoint-track.js';
import { isRecord, shown, wrongValue } from './json-value.js';

/** One person of a frame. */
export interface FoundPerson {
  /** J triples x, y, confidence. */
  triples: number[];
  score: number;
  track?: string;
}

/** One frame as a detector's JSON has it. */
export interface FoundFrame {
  people: FoundPerson[];
  /** The frame's name or number, where it says one. */
  id?: string | number;
  width?: number;
  height?: number;
}

/** A detector whose JSON is made of frames: one a file, or many in a list or by name. */
export interface FrameFormat {
  /** Whether a value has the form of one frame with somebody in it. */
  isFrame: (value: unknown) => boolean;
  /** Throws `ERR_FORMAT` that names the place. */
  readFrame: (place: string, value: unknown) => FoundFrame;
  /** Layout of people with so many joints; all people are given where their number does not settle it. */
  layoutOf: (joints: number, people: readonly FoundPerson[], notices: string[]) => string | undefined;
  /** Coordinates are fractions of the image: always, or where none is above 1.5. */
  fractions?: 'always' | 'small';
}

/** A frame's value with its place for messages and, where a folder or an object tells it, its name. */
export interface FrameValue {
  place: string;
  value: unknown;
  name?: string;
}

/** Fields that files wrap their list of frames in. */
const wrappers = ['instance_info', 'frames', 'predictions', 'results'];
const mostDepth = 3;

/** The frames of a JSON value: itself, the items of a list, the values of an object; undefined where it has none. */
export function framesIn(place: string, value: unknown, format: FrameFormat, depth = 0): FrameValue[] | undefined {
  if (format.isFrame(value)) return [{ place, value }];
  if (Array.isArray(value)) {
    if (!value.some((item) => format.isFrame(item))) return undefined;
    return value.map((item, index) => ({ place: `${place}: [${index}]`, value: item }));
  }
  if (!isRecord(value) || depth >= mostDepth) return undefined;
  const wrapper = wrappers.find((name) => value[name] !== undefined);
  if (wrapper !== undefined) {
    const inner = framesIn(`${place}: ${wrapper}`, value[wrapper], format, depth + 1);
    if (inner) return inner;
  }
  const entries = Object.entries(value);
  if (!entries.some(([, item]) => format.isFrame(item))) return undefined;
  return entries
    .filter(([, item]) => format.isFrame(item) || isEmpty(item))
    .map(([name, item]) => ({ place: `${place}: ${shown(name)}`, value: item, name }));
}

function isEmpty(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

/** Reads frames one after the other. Throws `ERR_FORMAT` that names the place. */
export function readFrames(
  format: FrameFormat,
  values: readonly FrameValue[],
  options: ReadKeypointsOptions,
): FoundDetections {
  const notices: string[] = [];
  const found: FoundDetections = { images: [], detections: [], notices };
  const images: (string | number)[] = [];
  const names = new Set<string | number>();
  const detections = values.flatMap(({ place, value, name }, image) => {
    const frame: FoundFrame = isEmpty(value) ? { people: [] } : format.readFrame(place, value);
    const id = frame.id ?? name ?? image;
    if (names.has(id)) throw wrongValue(place, 'a frame of its own', id);
    names.add(id);
    images.push(id);
    found.width ??= frame.width;
    found.height ??= frame.height;
    return frame.people.map((person) => ({ ...person, image }));
  });
  const joints = (detections[0]?.triples.length ?? 0) / 3;
  if (joints > 0 && options.layout === undefined) found.layout = format.layoutOf(joints, detections, notices);
  let fractions = format.fractions === 'always';
  if (format.fractions === 'small' && detections.length > 0) {
    fractions = detections.every(({ triples }) =>
      triples.every((value, at) => at % 3 === 2 || !(Math.abs(value) > 1.5)),
    );
    if (fractions) notices.push('All coordinates are below 1.5: taken as fractions of the image.');
  }
  return { ...found, images, detections, fractions };
}
