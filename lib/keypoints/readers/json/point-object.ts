import { isBlank } from './frame-fields.js';
import { isRecord, type JsonRecord, wrongValue } from './json-value.js';

/** Spellings of a field: "x" may be "X", "visibility" "Visibility". They are made once: a file has millions of points. */
const spellings = (name: string) => [name, name.toUpperCase(), name[0].toUpperCase() + name.slice(1)];
const [xFields, yFields] = [spellings('x'), spellings('y')];
const sureFields = ['score', 'confidence', 'visibility', 'conf', 'likelihood', 'inFrameLikelihood'].flatMap(spellings);
const nameFields = ['name', 'part', 'bodyPart', 'type'];

/** The first of the names that a point's field has. */
function spelt(point: JsonRecord, names: readonly string[]): string | undefined {
  for (const name of names) if (name in point && point[name] !== undefined) return name;
  return undefined;
}

/** Whether a value is a point as an object: {x, y}, or {position: {x, y}}; its coordinates may be null. */
export function isPointObject(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const place = isRecord(value.position) ? value.position : value;
  return spelt(place, xFields) !== undefined && spelt(place, yFields) !== undefined;
}

/** x, y, confidence of a point as an object; NaN where nothing is known. Throws `ERR_FORMAT` that names the place. */
export function tripleOf(place: string, point: unknown): number[] {
  if (isBlank(point)) return [Number.NaN, Number.NaN, 0];
  if (!isRecord(point)) throw wrongValue(place, 'an object with x and y', point);
  const at = isRecord(point.position) ? point.position : point;
  const field = spelt(point, sureFields);
  return [
    coordinate(`${place}.x`, at[spelt(at, xFields) ?? 'x']),
    coordinate(`${place}.y`, at[spelt(at, yFields) ?? 'y']),
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
