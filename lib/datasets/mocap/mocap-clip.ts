/** One recorded motion of one skeleton, whose joint positions are worked out a frame at a time. */
export interface MocapClip {
  /** Where it was read from, for messages. */
  file: string;
  joints: readonly string[];
  frames: number;
  fps: number;
  /** (J, 3), metres: where the joints are when nothing is turned. */
  rest?: Float64Array;
  /** true: markers, which may have no place (NaN) in some frames. */
  markers?: boolean;
  /**
   * Forward kinematics of one frame. `positions` (J, 3) takes world positions in metres, `rotations` (J, 9) each
   * joint's rotation as a row-major matrix that turns its own axes into the world's.
   */
  pose(frame: number, positions: Float64Array, rotations: Float64Array): void;
}

/** World positions of every joint in every frame: (T, J, 3), metres. */
export function clipPositions(clip: MocapClip): Float32Array {
  const width = clip.joints.length * 3;
  const all = new Float32Array(clip.frames * width);
  const positions = new Float64Array(width);
  const rotations = new Float64Array(clip.joints.length * 9);
  for (let frame = 0; frame < clip.frames; frame++) {
    clip.pose(frame, positions, rotations);
    all.set(positions, frame * width);
  }
  return all;
}
