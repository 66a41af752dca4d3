import { skeletonByName } from '../../../skeletons/skeletons.js';
import type { DetectionTable } from '../../detection-table.js';
import { jointKey } from '../../joint-names.js';
import { wrongValue } from './json-value.js';

/** The names that people's points have, each list of names once. */
export class PointNames {
  readonly #lists: (readonly string[] | undefined)[] = [];
  readonly #places = new Map<string, number>();
  /** For each person the place of their list. */
  readonly #of: number[] = [];

  push(names: readonly string[] | undefined): void {
    const key = names === undefined ? '' : JSON.stringify(names);
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.#lists.push(names) - 1;
      this.#places.set(key, place);
    }
    this.#of.push(place);
  }

  /**
   * Puts the people's points into the order of a layout out of `layouts` that has all their names (a point that somebody
   * lacks is NaN), else into the order in which names come; undefined where points have no names. `place` is for messages.
   * Throws `ERR_FORMAT` for a name twice, and where only some have names.
   */
  arrange(
    place: string,
    detections: DetectionTable,
    layouts: readonly string[],
  ): { layout: string } | { jointNames: string[] } | undefined {
    if (this.#lists.every((names) => names === undefined)) return undefined;
    const places = new Map<string, string>();
    for (const names of this.#lists) {
      if (names === undefined) throw wrongValue(place, 'names at all people or at none', names);
      for (const name of names) if (!places.has(jointKey(name))) places.set(jointKey(name), name);
    }
    const layout = layouts.map(skeletonByName).find(({ joints }) => {
      const known = new Set(joints.map(jointKey));
      return [...places.keys()].every((key) => known.has(key));
    });
    const order = layout ? layout.joints.map(jointKey) : [...places.keys()];
    const at = new Map(order.map((key, index) => [key, index]));
    const joints = this.#lists.map((names) => jointsOf(place, names!, at));
    detections.rewrite(order.length * 3, (triples, row, person) => {
      for (let joint = 0; joint < order.length; joint++) row.set(unknownPoint, joint * 3);
      for (const [index, joint] of joints[this.#of[person]].entries()) {
        row.set(triples.subarray(index * 3, index * 3 + 3), joint * 3);
      }
    });
    return layout ? { layout: layout.name } : { jointNames: [...places.values()] };
  }
}

const unknownPoint = [Number.NaN, Number.NaN, 0];

/** The place of each name. Throws `ERR_FORMAT` for a name twice. */
function jointsOf(place: string, names: readonly string[], at: ReadonlyMap<string, number>): number[] {
  const taken = new Set<number>();
  return names.map((name) => {
    const joint = at.get(jointKey(name))!;
    if (taken.has(joint)) throw wrongValue(place, 'each joint once a person', name);
    taken.add(joint);
    return joint;
  });
}
