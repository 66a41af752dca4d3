import { isBlank } from './frame-fields.js';
import { isRecord, wrongValue } from './json-value.js';

const sureFields = ['score', 'confidence', 'visibility', 'conf', 'likelihood', 'inFrameLikelihood'];
const nameFields = ['name', 'part', 'bodyPart', 'type'];

/** Whether a value is a point as an object: {x, y}, or {position: {x, y}}; its coordinates may be null. */
export function isPointObject(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const place = isRecord(value.position) ? value.position : value;
  return 'x' in place && 'y' in place;
}

/** x, y, confidence of a point as an object; NaN where nothing is known. Throws `ERR_FORMAT` that names the place. */
export function tripleOf(place: string, point: unknown): number[] {
  if (isBlank(point)) return [Number.NaN, Number.NaN, 0];
  if (!isRecord(point)) throw wrongValue(place, 'an object with x and y', point);
  const at = isRecord(point.position) ? point.position : point;
  const field = sureFields.find((name) => point[name] !== undefined);
  return [
    coordinate(`${place}.x`, at.x),
    coordinate(`${place}.y`, at.y),
    field === undefined ? 1 : coordinate(`${place}.${field}`, point[field]),
  ];
}

/** The point's name; undefined where it has none. */
export function pointName(point: unknown): string | undefined {
  if (!isRecord(point)) return undefined;
  const name = nameFields.map((field) => point[field]).find((value) => typeof value === 'string' && value !== '');
  return name as string | undefined;
}

function coordinate(place: string, value: unknown): number {
  if (value === null || value === undefined) return Number.NaN;
  if (typeof value !== 'number') throw wrongValue(place, 'a number', value);
  return value;
}
