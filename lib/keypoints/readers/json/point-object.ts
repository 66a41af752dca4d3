import { isBlank } from './frame-fields.js';
import { isRecord, type JsonRecord, wrongValue } from './json-value.js';

const sureFields = ['score', 'confidence', 'visibility', 'conf', 'likelihood', 'inFrameLikelihood'];
const nameFields = ['name', 'part', 'bodyPart', 'type'];

/** The name of a point's field as it is spelt there: "x" may be "X", "visibility" "Visibility". */
function spelt(point: JsonRecord, name: string): string | undefined {
  return [name, name.toUpperCase(), name[0].toUpperCase() + name.slice(1)].find((spelling) => spelling in point);
}

/** Whether a value is a point as an object: {x, y}, or {position: {x, y}}; its coordinates may be null. */
export function isPointObject(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const place = isRecord(value.position) ? value.position : value;
  return spelt(place, 'x') !== undefined && spelt(place, 'y') !== undefined;
}

/** x, y, confidence of a point as an object; NaN where nothing is known. Throws `ERR_FORMAT` that names the place. */
export function tripleOf(place: string, point: unknown): number[] {
  if (isBlank(point)) return [Number.NaN, Number.NaN, 0];
  if (!isRecord(point)) throw wrongValue(place, 'an object with x and y', point);
  const at = isRecord(point.position) ? point.position : point;
  const field = sureFields
    .map((name) => spelt(point, name))
    .find((name) => name !== undefined && point[name] !== undefined);
  return [
    coordinate(`${place}.x`, at[spelt(at, 'x') ?? 'x']),
    coordinate(`${place}.y`, at[spelt(at, 'y') ?? 'y']),
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
