/** Steps that are averaged. */
export const BLOCK: number;

export interface LossBlock {
  /** The block's last step. */
  step: number;
  ours: number;
  theirs: number;
  /** Difference of the means in standard errors of one. */
  inNoise: number;
}

export function compareLosses(
  ours: readonly number[],
  theirs: readonly number[],
): { blocks: LossBlock[]; meanInNoise: number; largestInNoise: number };
