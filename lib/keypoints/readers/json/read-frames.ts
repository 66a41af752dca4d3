import { PoseError } from '../../../base/pose-error.js';
import { DetectionTable } from '../../detection-table.js';
import type { FoundDetections } from '../../detections.js';
import type { ReadKeypointsOptions } from '../../keypoint-track.js';
import { type FrameKey, imagesOf, isBlank } from './frame-fields.js';
import type { FrameFormat, FrameValue } from './frame-format.js';
import { PointNames } from './frame-names.js';
import { shown, wrongValue } from './json-value.js';
import { everyItem, made } from './long-value.js';

/** Reads frames one after the other. Throws `ERR_FORMAT` that names the place. */
export function readFrames(
  format: FrameFormat,
  values: Iterable<FrameValue>,
  options: ReadKeypointsOptions,
  notices: string[] = [],
): FoundDetections {
  const images = new Map<string | number, number>();
  const keys: FrameKey[] = [];
  const detections = new DetectionTable();
  const names = new PointNames();
  let pointless = 0;
  let index = 0;
  let firstPlace: string | undefined;
  for (const { place, people, key, name, shared = false, tracks } of placed(values)) {
    firstPlace ??= place;
    const id = key.id ?? key.time ?? name ?? index;
    index++;
    const known = images.get(id);
    if (known !== undefined && !shared) {
      throw new PoseError('ERR_FORMAT', `${place}: expected one entry a frame, got frame ${shown(id)} again.`);
    }
    const image = known ?? images.size;
    if (known === undefined) {
      images.set(id, image);
      keys.push(key.id === undefined ? { ...key, ...(name && { id: name }) } : key);
    }
    let at = 0;
    for (const value of people) {
      const where = people.length > 1 ? `${place}[${at}]` : place;
      const person = isBlank(value) ? undefined : format.readPerson(where, value);
      if (person === undefined) pointless += isBlank(value) && people.length === 1 ? 0 : 1;
      else {
        detections.push({ triples: person.triples, track: person.track ?? tracks?.[at], image });
        names.push(person.names);
      }
      at++;
    }
  }
  if (pointless > 0)
    notices.push(`${pointless} ${pointless === 1 ? 'person has' : 'people have'} no points: passed over.`);
  const found = { ...imagesOf(keys, (index) => index), detections, notices, fractions: format.fractions };
  const named = names.arrange(firstPlace ?? 'points', detections, format.namedLayouts ?? []);
  if (named) return { ...found, ...named };
  const joints = detections.width / 3;
  const layout = joints > 0 && options.layout === undefined ? format.layoutOf(joints, detections, notices) : undefined;
  return { ...found, layout };
}

/**
 * Frames that can be placed: where some say their frame, blank ones that do not are left out (the numbers show the hole);
 * one with people is an error.
 */
function placed(values: Iterable<FrameValue>): Iterable<FrameValue> {
  let [byId, byTime] = [false, false];
  for (const { key, name } of values) {
    if (name !== undefined) return values;
    if (key.id !== undefined) byId = true;
    if (key.time !== undefined) byTime = true;
    if (byId) break;
  }
  if (!byId && !byTime) return values;
  return made(function* () {
    for (const value of values) {
      const { place, key, people } = value;
      if (byId ? key.id !== undefined : key.time !== undefined) yield value;
      else if (!everyItem(people, isBlank)) {
        const expected = `${byId ? 'a frame number or image name' : 'a time'}, as other frames have`;
        throw wrongValue(place, expected, undefined);
      }
    }
  });
}
