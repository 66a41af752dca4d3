/** Names that are remembered: all people of a file have the same. */
const mostRemembered = 1000;

/** A function of a name that looks into each name once. */
export function remembered<Value>(of: (name: string) => Value): (name: string) => Value {
  const known = new Map<string, Value>();
  return (name) => {
    if (known.has(name)) return known.get(name)!;
    const value = of(name);
    if (known.size < mostRemembered) known.set(name, value);
    return value;
  };
}
