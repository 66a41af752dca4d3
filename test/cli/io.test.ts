import { describe, expect, it } from 'vitest';
import { jsonText } from '../../lib/cli/io.js';

describe('JSON for people and programs', () => {
  const rows = Array.from({ length: 8 }, (_, i) => ({ name: `row ${i}`, errors: [i, i + 0.5, null] }));
  const value = {
    text: 'a "quoted" line\n',
    missing: undefined,
    empty: {},
    none: [],
    rows,
    deep: { rows, list: [rows] },
  };

  it('means what JSON.stringify means', () => {
    expect(JSON.parse(jsonText(value))).toEqual(JSON.parse(JSON.stringify(value)));
    for (const single of [1, 'x', null, true, [], {}, [undefined], Number.NaN]) {
      expect(jsonText(single)).toBe(JSON.stringify(single));
    }
  });

  it('puts a row on a line, and no line is long', () => {
    const lines = jsonText(value).split('\n');
    expect(lines).toContain('    {"name":"row 1","errors":[1,1.5,null]},');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(165);
  });
});
