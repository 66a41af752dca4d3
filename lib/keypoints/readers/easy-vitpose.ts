import { DetectionTable } from '../detection-table.js';
import type { FoundDetections } from '../detections.js';
import { isBlank } from './json/frame-fields.js';
import { isRecord, type JsonRecord, numberList, wrongValue } from './json/json-value.js';
import { isList } from './json/long-value.js';

/** Whether a JSON value is what easy_ViTPose saves: frames under `keypoints`, and the joints' names under `skeleton`. */
export function isEasyVitPose(value: unknown): value is JsonRecord {
  if (!isRecord(value) || !isList(value.keypoints) || !isRecord(value.skeleton)) return false;
  const names = Object.values(value.skeleton);
  return names.length > 0 && names.every((name) => typeof name === 'string');
}

/**
 * Reads easy_ViTPose's JSON: a frame is {id: [[y, x, score], ...]}, y before x, and `skeleton` names the joints by their
 * places. Throws `ERR_FORMAT` that names the entry.
 */
export function readEasyVitPose(where: string, file: JsonRecord): FoundDetections {
  const skeleton = file.skeleton as JsonRecord;
  const jointNames = Object.keys(skeleton).map((_, place) => {
    const name = skeleton[String(place)];
    if (typeof name !== 'string') throw wrongValue(`${where}: skeleton`, `the name of joint ${place}`, name);
    return name;
  });
  const detections = new DetectionTable();
  const images: number[] = [];
  for (const frame of isList(file.keypoints) ? file.keypoints : []) {
    const image = images.push(images.length) - 1;
    const place = `${where}: keypoints[${image}]`;
    if (isBlank(frame)) continue;
    if (!isRecord(frame)) throw wrongValue(place, 'an object of people by their ids', frame);
    for (const [track, points] of Object.entries(frame)) {
      if (isBlank(points)) continue;
      if (!Array.isArray(points) || points.length !== jointNames.length) {
        throw wrongValue(`${place}: "${track}"`, `${jointNames.length} points, as skeleton names`, points);
      }
      const triples = points.flatMap((point, joint) => {
        if (isBlank(point)) return [Number.NaN, Number.NaN, 0];
        const numbers = numberList(`${place}: "${track}"[${joint}]`, point);
        if (numbers.length !== 3) throw wrongValue(`${place}: "${track}"[${joint}]`, '[y, x, score]', point);
        const [y, x, sure] = numbers;
        return [x, y, sure];
      });
      detections.push({ image, track, triples });
    }
  }
  return { images, detections, jointNames, notices: [] };
}
