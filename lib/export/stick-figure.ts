import { pushAll } from '../base/lists.js';
import { add, anySquare, cross, length, scaled, subtract, unit, type Vector } from '../motion/vector.js';
import type { Rig } from './rigs.js';

/** A mesh of n corners, three a triangle, each moved by one joint. */
export interface StickFigure {
  /** (n, 3) metres. */
  positions: Float32Array;
  /** (n, 3). */
  normals: Float32Array;
  /** (n, 4), linear: left red, right blue, the middle grey. */
  colours: Float32Array;
  /** (n, 4) and (n, 4): glTF's four joints a corner, of which only the first is used. */
  joints: Uint16Array;
  weights: Float32Array;
}

const colours = { left: [0.64, 0.08, 0.11, 1], right: [0.03, 0.16, 0.3, 1], middle: [0.2, 0.2, 0.24, 1] };

/** A spindle for each bone of a rig in its rest pose, thickest a fifth of the way along, held by the joint that turns it. */
export function stickFigure(rig: Rig, rest: readonly Vector[]): StickFigure {
  const corners: Vector[] = [];
  const normals: Vector[] = [];
  const shades: number[] = [];
  const holders: number[] = [];
  rig.joints.forEach(({ parent }, joint) => {
    if (parent < 0) return;
    const bone = subtract(rest[joint], rest[parent]);
    const size = length(bone);
    if (size < 1e-6) return;
    const [x] = rest[joint];
    const shade = colours[x > 1e-6 ? 'left' : x < -1e-6 ? 'right' : 'middle'];
    for (const triangle of spindle(rest[parent], rest[joint], unit(bone, [0, 1, 0]), Math.min(0.03, 0.2 * size))) {
      const normal = unit(cross(subtract(triangle[1], triangle[0]), subtract(triangle[2], triangle[0])), [0, 1, 0]);
      for (const corner of triangle) {
        corners.push(corner);
        normals.push(normal);
        pushAll(shades, shade);
        holders.push(parent);
      }
    }
  });
  return {
    positions: Float32Array.from(corners.flat()),
    normals: Float32Array.from(normals.flat()),
    colours: Float32Array.from(shades),
    joints: Uint16Array.from(holders.flatMap((joint) => [joint, 0, 0, 0])),
    weights: Float32Array.from(holders.flatMap(() => [1, 0, 0, 0])),
  };
}

/** Eight triangles between two ends and a square round the axis. */
function spindle(from: Vector, to: Vector, axis: Vector, radius: number): [Vector, Vector, Vector][] {
  const side = anySquare(axis);
  const other = cross(axis, side);
  const middle = add(scaled(from, 0.8), to, 0.2);
  const ring = [side, other, scaled(side, -1), scaled(other, -1)].map((way) => add(middle, way, radius));
  return ring.flatMap((corner, index): [Vector, Vector, Vector][] => {
    const next = ring[(index + 1) % 4];
    return [
      [from, next, corner],
      [to, corner, next],
    ];
  });
}
