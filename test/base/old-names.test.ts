import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  addOldLifterProperties,
  withOldProperties,
  withoutOldFlags,
  withoutOldNames,
} from '../../lib/base/old-names.js';

describe('old names', () => {
  it('of options become those of today, and warn', async () => {
    const warning = once(process, 'warning');
    expect(withoutOldNames(JSON.parse('{ "plan": "off", "products": "own", "threads": 1 }'))).toEqual({
      compiled: 'off',
      matmul: 'own',
      threads: 1,
    });
    const [{ name, message }] = await warning;
    expect(name).toBe('DeprecationWarning');
    expect(message).toBe('The option plan is an old name and goes in the next version: use compiled.');
  });

  it('are refused beside their new ones', () => {
    expect(() => withoutOldNames<object>({ plan: 'off', compiled: 'on' })).toThrow(
      'plan is the old name of compiled: expected one of them, got both.',
    );
  });

  it('of flags become those of today, with values after them or after =', () => {
    const said: string[] = [];
    const args = withoutOldFlags(['lift', 'a', '--plan', 'off', '--products=own', '--planet'], (text) =>
      said.push(text),
    );
    expect(args).toEqual(['lift', 'a', '--compiled', 'off', '--matmul=own', '--planet']);
    expect(said).toHaveLength(2);
    const minutes = withoutOldFlags(['--checkpoint-minutes', '5', '--checkpoint-minutes=0.5'], () => undefined);
    expect(minutes).toEqual(['--checkpoint-every', '5m', '--checkpoint-every=0.5m']);
    expect(withoutOldNames(JSON.parse('{ "checkpointMinutes": 5 }'))).toEqual({ checkpointEvery: '5m' });
  });

  it('of a lifter are read from its new ones', () => {
    class Lifter {
      readonly unsupportedReason = 'it was switched off';
    }
    addOldLifterProperties(Lifter.prototype);
    expect(Reflect.get(new Lifter(), 'planObstacle')).toBe('it was switched off');
  });

  it('of printed properties stand beside those of today', () => {
    expect(withOldProperties('selfTest', { compiledError: 1e-7 })).toEqual(
      JSON.parse('{ "compiledError": 1e-7, "planError": 1e-7 }'),
    );
  });
});
