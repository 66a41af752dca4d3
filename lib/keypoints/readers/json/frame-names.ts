import { skeletonByName } from '../../../skeletons/skeletons.js';
import { jointKey } from '../../joint-names.js';
import type { FoundPerson } from './found-person.js';
import { wrongValue } from './json-value.js';

/** People whose points have names, all in one order. */
export interface NamedPeople {
  triples: number[][];
  joints: { layout: string } | { jointNames: string[] };
}

/**
 * Points in the order of a layout out of `layouts` that has all their names (a point that somebody lacks is NaN), else in
 * the order in which names come; undefined where points have no names. Throws `ERR_FORMAT` for a name twice.
 */
export function namePoints(
  place: string,
  people: readonly FoundPerson[],
  layouts: readonly string[],
): NamedPeople | undefined {
  if (people.every(({ names }) => names === undefined)) return undefined;
  const places = new Map<string, number>();
  const spelt: string[] = [];
  for (const { names } of people) {
    if (names === undefined) throw wrongValue(place, 'names at all people or at none', names);
    for (const name of names) {
      const key = jointKey(name);
      if (places.has(key)) continue;
      places.set(key, spelt.length);
      spelt.push(name);
    }
  }
  const layout = layouts.map(skeletonByName).find(({ joints }) => {
    const known = new Set(joints.map(jointKey));
    return [...places.keys()].every((key) => known.has(key));
  });
  const order = layout ? layout.joints.map(jointKey) : [...places.keys()];
  const at = new Map(order.map((key, index) => [key, index]));
  const triples = people.map(({ names, triples: own }) => {
    const row = new Array<number>(order.length * 3).fill(Number.NaN);
    for (let joint = 0; joint < order.length; joint++) row[joint * 3 + 2] = 0;
    const taken = new Set<number>();
    for (const [index, name] of names!.entries()) {
      const joint = at.get(jointKey(name))!;
      if (taken.has(joint)) throw wrongValue(place, 'each joint once a person', name);
      taken.add(joint);
      for (const axis of [0, 1, 2]) row[joint * 3 + axis] = own[index * 3 + axis];
    }
    return row;
  });
  return { triples, joints: layout ? { layout: layout.name } : { jointNames: spelt } };
}
