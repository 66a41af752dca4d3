import type { LoadedScene, Person } from '../source.js';
import type { Look } from './look.js';

/** Where a person's joints go in the scene: turned, then moved so that the ground is at 0. */
export interface Placement {
  rotation: readonly number[];
  offset: readonly [number, number, number];
}

/** Frames that are looked at to find the ground and the extent. */
const samples = 160;
/** Between people whose places are not known, metres. */
const spacing = 1.5;
/** An ankle's centre above the sole, metres. */
const ankleHeight = 0.08;
const unturned = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/** Puts a joint of (T, J, 3) into the scene. */
export function place(
  out: Float32Array,
  to: number,
  from: Float32Array,
  at: number,
  { rotation: r, offset }: Placement,
): void {
  const [x, y, z] = [from[at], from[at + 1], from[at + 2]];
  out[to] = r[0] * x + r[1] * y + r[2] * z + offset[0];
  out[to + 1] = r[3] * x + r[4] * y + r[5] * z + offset[1];
  out[to + 2] = r[6] * x + r[7] * y + r[8] * z + offset[2];
}

/** Where a person is on the ground at a frame, (x, z); undefined where the person is absent. */
export function groundPosition(
  person: Person,
  frame: number,
  placement: Placement,
): readonly [number, number] | undefined {
  const { joints, parents } = person.skeleton;
  const root = Math.max(0, parents.indexOf(-1));
  place(spot, 0, person.positions, (frame * joints.length + root) * 3, placement);
  return Number.isFinite(spot[0]) ? [spot[0], spot[2]] : undefined;
}

const spot = new Float32Array(3);

/** A result's person who stands out. */
export function watched(people: readonly Person[], look: Look): number {
  return Math.min(look.person, people.length - 1);
}

/** What everybody moves in, metres. */
export interface Box {
  centre: readonly [number, number, number];
  /** Half of its size along each axis. */
  half: readonly [number, number, number];
}

/** Every person's placement, by result and person, and the box that holds what moves. */
export function placements(scene: LoadedScene, look: Look): { placed: Placement[][]; box: Box } {
  const placed = scene.results.map(({ people, root, upright }) => {
    const rotation = look.upright && upright ? upright.rotation : unturned;
    const floors = people.map((person) => floorOf(person, rotation));
    const lowest = floors.reduce((least, floor) => Math.min(least, floor), Infinity);
    const order = root === 'relative' ? orderOf(people) : people.map(() => 0);
    return people.map((_, index): Placement => {
      const aside = root === 'relative' ? (order[index] - (people.length - 1) / 2) * spacing : 0;
      return { rotation, offset: [aside, -(root === 'relative' ? floors[index] : lowest), 0] };
    });
  });
  return { placed, box: boxOf(scene, placed, look) };
}

/** The box that holds people and truth in some frames, from the ground up; followed people stand at its middle. */
function boxOf({ results }: LoadedScene, placed: readonly Placement[][], look: Look): Box {
  const low = [Number.POSITIVE_INFINITY, 0, Number.POSITIVE_INFINITY];
  const high = [Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY];
  const point = new Float32Array(3);
  const take = (points: Float32Array, at: number, placement: Placement, [x, z]: readonly [number, number]) => {
    place(point, 0, points, at, placement);
    if (!Number.isFinite(point[0])) return;
    point[0] -= x;
    point[2] -= z;
    for (const axis of [0, 1, 2]) {
      low[axis] = Math.min(low[axis], point[axis]);
      high[axis] = Math.max(high[axis], point[axis]);
    }
  };
  const shown = results.flatMap(({ people }) => (look.follow ? [people[watched(people, look)]] : people));
  for (const person of shown) {
    const placement = placed[person.result][person.index];
    for (const start of sampled(person)) {
      const frame = start / (person.skeleton.joints.length * 3);
      const middle = (look.follow && groundPosition(person, frame, placement)) || ([0, 0] as const);
      for (let at = start; at < start + person.skeleton.joints.length * 3; at += 3) {
        take(person.positions, at, placement, middle);
        if (person.truth) take(person.truth, at, placement, middle);
      }
    }
  }
  if (!Number.isFinite(low[0])) return { centre: [0, 0.9, 0], half: [0.5, 0.9, 0.5] };
  const middle = (axis: number) => (low[axis] + high[axis]) / 2;
  const half = (axis: number) => Math.max(0.2, (high[axis] - low[axis]) / 2);
  return { centre: [middle(0), middle(1), middle(2)], half: [half(0), half(1), half(2)] };
}

/** Starts of some frames in which a person is there. */
function sampled({ positions, skeleton }: Person): number[] {
  const row = skeleton.joints.length * 3;
  const frames = positions.length / row;
  const step = Math.max(1, Math.floor(frames / samples));
  const starts: number[] = [];
  for (let frame = 0; frame < frames; frame += step) {
    if (Number.isFinite(positions[frame * row])) starts.push(frame * row);
  }
  return starts;
}

/** Height of the ground: the usual lowest of the lowest joint, which is an ankle where there is nothing below. */
function floorOf(person: Person, rotation: readonly number[]): number {
  const { joints } = person.skeleton;
  const heights = sampled(person).map((start) => {
    let least = Number.POSITIVE_INFINITY;
    for (let at = start; at < start + joints.length * 3; at += 3) {
      const [x, y, z] = person.positions.subarray(at, at + 3);
      const height = rotation[3] * x + rotation[4] * y + rotation[5] * z;
      if (height < least) least = height;
    }
    return least;
  });
  if (heights.length === 0) return 0;
  heights.sort((a, b) => a - b);
  const feet = joints.some((name) => /toe|heel|foot/i.test(name));
  return heights[Math.floor(heights.length / 20)] - (feet ? 0.02 : ankleHeight);
}

/** People from left to right, as the image shows them where it does. */
function orderOf(people: readonly Person[]): number[] {
  const middles = people.map(({ keypoints }, index) => {
    if (!keypoints) return index;
    let [sum, count] = [0, 0];
    for (let at = 0; at < keypoints.length; at += 3 * 17) {
      if (Number.isFinite(keypoints[at])) {
        sum += keypoints[at];
        count++;
      }
    }
    return count > 0 ? sum / count : 0;
  });
  const sorted = people.map((_, index) => index).sort((a, b) => middles[a] - middles[b]);
  return people.map((_, index) => sorted.indexOf(index));
}
