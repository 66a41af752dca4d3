import { MOTION } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { detectFootContacts, type FootContacts, standsOf } from './foot-contact.js';
import { legsOf } from './legs.js';
import { jointsOf, type Motion, rateOf } from './motion.js';
import { add, anySquare, length, pointAt, scaled, squareTo, subtract, unit, type Vector } from './vector.js';

/** Corrections come and go within this time, so that nothing jumps (seconds). */
const ease = 0.2;

/**
 * The motion with standing feet held where they stand. Where the feet agree the whole body is moved (its path is what the
 * camera sees worst); what is left is taken up by the leg: the ankle goes to its place, the knee stays on its side, thigh
 * and shin keep their lengths. Before and after a stand the correction eases in and out. Needs world axes, an estimated root
 * and a frame rate, as {@link detectFootContacts} does.
 */
export function lockFeet(motion: Motion, contacts: FootContacts = detectFootContacts(motion)): Motion {
  checkArguments('lockFeet', { motion, contacts }, MOTION, 'Uint8Array?');
  const joints = jointsOf(motion);
  const { frames } = motion;
  const reach = Math.max(1, Math.round(ease * rateOf(motion, 'Foot locking')));
  const legs = legsOf(motion.layout);
  const stands = ([0, 1] as const).map((foot) => standsOf(motion, contacts, foot));
  const at = (positions: Float32Array, frame: number, joint: number) => pointAt(positions, frame * joints + joint);

  const shifts = bodyShifts(motion, stands, reach);
  const positions = motion.positions.slice();
  for (let frame = 0; frame < frames; frame++) {
    for (let i = 0; i < 3 * joints; i++) positions[frame * joints * 3 + i] += shifts[frame][i % 3];
  }
  const moved = positions.slice();
  for (const foot of [0, 1] as const) {
    const [hip, knee, ankle] = [legs.hips[foot], legs.knees[foot], legs.ankles[foot]];
    const left = Array.from({ length: frames }, (): Vector => [0, 0, 0]);
    for (const { first, last, place } of stands[foot]) {
      const off = (frame: number) => subtract(place, at(moved, frame, ankle));
      for (let frame = first; frame <= last; frame++) left[frame] = off(frame);
      for (let step = 1; step < reach; step++) {
        const share = easing(1 - step / reach);
        // Between two stands that are close the one correction fades into the other.
        if (first - step >= 0) left[first - step] = add(left[first - step], off(first), share);
        if (last + step < frames) left[last + step] = add(left[last + step], off(last), share);
      }
      for (let frame = first; frame <= last; frame++) left[frame] = off(frame);
    }
    for (let frame = 0; frame < frames; frame++) {
      if (length(left[frame]) < 1e-6) continue;
      const goal = add(at(moved, frame, ankle), left[frame]);
      const bent = bendLeg(at(moved, frame, hip), at(moved, frame, knee), at(moved, frame, ankle), goal);
      positions.set(bent.knee, 3 * (frame * joints + knee));
      positions.set(bent.ankle, 3 * (frame * joints + ankle));
    }
  }
  const count = stands[0].length + stands[1].length;
  const hint = count === 0 ? ' The path may be too fast or too slow for the steps: its focal length decides that.' : '';
  const note = `Feet are held where they stand: ${count} stands were found by their height and speed.${hint}`;
  return { ...motion, positions, notes: [...motion.notes, note] };
}

type Stands = ReturnType<typeof standsOf>;

/** How far the body goes in each frame: the mean of what its standing feet ask, in between linear in time, then smoothed. */
function bodyShifts(motion: Motion, stands: readonly Stands[], reach: number): Vector[] {
  const joints = jointsOf(motion);
  const { ankles } = legsOf(motion.layout);
  const asked: Vector[][] = Array.from({ length: motion.frames }, () => []);
  stands.forEach((list, foot) => {
    for (const { first, last, place } of list) {
      for (let frame = first; frame <= last; frame++) {
        asked[frame].push(subtract(place, pointAt(motion.positions, frame * joints + ankles[foot])));
      }
    }
  });
  const known = asked.flatMap((list, frame) => (list.length > 0 ? [frame] : []));
  if (known.length === 0) return asked.map((): Vector => [0, 0, 0]);
  const mean = (frame: number): Vector =>
    scaled(
      asked[frame].reduce((sum, one) => add(sum, one), [0, 0, 0]),
      1 / asked[frame].length,
    );
  let next = 0;
  const raw = asked.map((_, frame): Vector => {
    while (next < known.length - 1 && known[next] < frame) next++;
    const after = known[next];
    const before = after <= frame ? after : known[Math.max(0, next - 1)];
    if (after <= frame || before >= frame) return mean(after <= frame ? after : before);
    return add(
      scaled(mean(before), (after - frame) / (after - before)),
      mean(after),
      (frame - before) / (after - before),
    );
  });
  return raw.map((_, frame) => {
    let [sum, mass]: [Vector, number] = [[0, 0, 0], 0];
    for (let step = -reach; step <= reach; step++) {
      const other = raw[Math.min(raw.length - 1, Math.max(0, frame + step))];
      const weight = easing(1 - Math.abs(step) / (reach + 1));
      sum = add(sum, other, weight);
      mass += weight;
    }
    return scaled(sum, 1 / mass);
  });
}

/** From 0 to 1 with no slope at either end. */
function easing(share: number): number {
  return share * share * (3 - 2 * share);
}

/** The leg bent so that the ankle is at `goal`, or as near as it reaches; the knee keeps its side. */
function bendLeg(hip: Vector, knee: Vector, ankle: Vector, goal: Vector): { knee: Vector; ankle: Vector } {
  const thigh = length(subtract(knee, hip));
  const shin = length(subtract(ankle, knee));
  const way = subtract(goal, hip);
  const far = Math.min(Math.max(length(way), Math.abs(thigh - shin) + 1e-6), (thigh + shin) * (1 - 1e-6));
  const axis = unit(way, [0, -1, 0]);
  const side = unit(squareTo(subtract(knee, hip), axis), anySquare(axis));
  const along = (far * far + thigh * thigh - shin * shin) / (2 * far);
  const out = Math.sqrt(Math.max(0, thigh * thigh - along * along));
  return { knee: add(add(hip, axis, along), side, out), ankle: add(hip, axis, far) };
}
