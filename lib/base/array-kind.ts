const kindOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!.get!;

/** The typed arrays by name. */
interface ArrayKinds {
  Float32Array: Float32Array;
  Float64Array: Float64Array;
  Uint8Array: Uint8Array;
}

/**
 * "Float32Array" of a typed array, whatever its class and realm; undefined for everything else. `instanceof` knows its own
 * realm alone: native code and test runners with contexts (Jest) hand over arrays of another one.
 */
export function arrayKind(value: unknown): string | undefined {
  return kindOf.call(value) as string | undefined;
}

/** Whether a value is a typed array of that kind, of any realm. */
export function isArrayOf<Kind extends keyof ArrayKinds>(kind: Kind, value: unknown): value is ArrayKinds[Kind] {
  return arrayKind(value) === kind;
}

/** Whether a value is a Map, of any realm. */
export function isMap(value: unknown): value is Map<unknown, unknown> {
  return Object.prototype.toString.call(value) === '[object Map]';
}

/** Names and values of a Map or an object. */
export function entriesOf<Value>(
  named: ReadonlyMap<string, Value> | Readonly<Record<string, Value>>,
): [string, Value][] {
  return isMap(named) ? [...(named as ReadonlyMap<string, Value>)] : Object.entries(named as Record<string, Value>);
}
