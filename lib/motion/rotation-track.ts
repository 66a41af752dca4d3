import { checkArguments } from '../base/check-arguments.js';
import type { Quaternion } from './quaternion.js';

/** A rotation in each frame, in flat memory: an hour at 60 frames a second has 216,000. */
export class RotationTrack implements Iterable<Quaternion> {
  /** Number of frames. */
  readonly length: number;
  /** (T, 4): x, y, z, w. */
  readonly data: Float64Array;

  constructor(frames: number) {
    this.length = frames;
    this.data = new Float64Array(frames * 4);
  }

  /** Throws `ERR_ARGUMENT` unless `frame` is a number. */
  at(frame: number): Quaternion {
    if (typeof frame !== 'number') checkArguments('at', { frame }, 'number');
    const start = frame * 4;
    return [this.data[start], this.data[start + 1], this.data[start + 2], this.data[start + 3]];
  }

  /** Throws `ERR_ARGUMENT` unless `frame` is a number and `rotation` four of them. */
  set(frame: number, rotation: Quaternion): void {
    if (typeof frame !== 'number' || !Array.isArray(rotation)) {
      checkArguments('set', { frame, rotation }, 'number', 'list');
    }
    this.data.set(rotation, frame * 4);
  }

  *[Symbol.iterator](): Generator<Quaternion> {
    for (let frame = 0; frame < this.length; frame++) yield this.at(frame);
  }
}
