import { PoseError } from './pose-error.js';
import { valueText } from './value-text.js';

/** Kinds with names for people; every other name is that of a class, as `Object.prototype.toString` tells it. */
const NAMES: Readonly<Record<string, string>> = {
  text: 'a string',
  number: 'a number',
  boolean: 'true or false',
  function: 'a function',
  list: 'a list',
  numbers: 'a list or a typed array of numbers',
  object: 'an object',
  null: 'null',
  AbortSignal: 'an AbortSignal',
};

function isOfKind(value: unknown, kind: string): boolean {
  switch (kind) {
    case 'text':
      return typeof value === 'string';
    case 'number':
    case 'boolean':
    case 'function':
      return typeof value === kind;
    case 'list':
      return Array.isArray(value);
    case 'numbers':
      return Array.isArray(value) || ArrayBuffer.isView(value);
    case 'null':
      return value === null;
    case 'AbortSignal':
      // A name alone makes no signal; those of other realms are ones.
      return (
        typeof (value as AbortSignal | null | undefined)?.addEventListener === 'function' &&
        'aborted' in (value as object)
      );
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
    default:
      return Object.prototype.toString.call(value) === `[object ${kind}]`;
  }
}

/** Options of these names mean the same in every function that has them. */
const WATCHERS = { signal: 'AbortSignal', onProgress: 'function', onNotice: 'function', onEpoch: 'function' } as const;

/** A kind, several with `|` between, or those of an object's fields. A `?` at the end of a text lets it be undefined. */
export type ArgumentKind = string | { readonly [field: string]: ArgumentKind };

/**
 * Checks the arguments of a public function, which plain JavaScript may call with anything. An object's signal and callbacks are looked at too. Throws `ERR_ARGUMENT` that names function and argument.
 */
export function checkArguments(where: string, values: object, ...kinds: readonly ArgumentKind[]): void {
  for (const [index, [name, value]] of Object.entries(values).entries()) {
    const given = kinds[index];
    const kind = typeof given === 'string' ? given : 'object';
    const optional = kind.endsWith('?');
    const wanted = (optional ? kind.slice(0, -1) : kind).split('|');
    if (optional && value === undefined) continue;
    if (!wanted.some((kind) => isOfKind(value, kind))) {
      const expected = wanted.map((kind) => NAMES[kind] ?? `a ${kind}`).join(' or ');
      throw new PoseError(
        'ERR_ARGUMENT',
        `${where}: ${name}: expected ${expected}, got ${valueText(value)}${hint(value)}.`,
      );
    }
    if (wanted.includes('object') && isOfKind(value, 'object')) checkOptionKinds(where, value as object, WATCHERS);
  }
  for (const [index, [name, value]] of Object.entries(values).entries()) {
    const given = kinds[index];
    if (typeof given !== 'string') checkFields(where, name, value as object, given);
  }
}

/** A URL in place of a path is a common slip. */
function hint(value: unknown): string {
  return value instanceof URL ? '; fileURLToPath(url) of node:url makes a path of it' : '';
}

function checkFields(
  where: string,
  name: string,
  value: object,
  kinds: { readonly [field: string]: ArgumentKind },
): void {
  for (const [field, kind] of Object.entries(kinds)) {
    checkArguments(where, { [`${name}.${field}`]: (value as Record<string, unknown>)[field] }, kind);
  }
}

/** {@link checkArguments} for those options that are given, by their names. */
export function checkOptionKinds(where: string, options: object, kinds: Readonly<Record<string, string>>): void {
  for (const [name, kind] of Object.entries(kinds)) {
    if (!(name in options)) continue;
    checkArguments(where, { [name]: (options as Record<string, unknown>)[name] }, `${kind}?`);
  }
}
