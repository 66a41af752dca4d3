import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';

/** Limit of PCK in millimetres. */
export const PCK_LIMIT_MM = 150;

/** The thresholds of AUC in millimetres: 0, 5, ..., 150. */
export const AUC_THRESHOLDS_MM: readonly number[] = Array.from({ length: 31 }, (_, i) => 5 * i);

/** PCK: share, in [0, 1], of joint errors strictly below `limitMm`. */
export function pck(errorsMm: Float32Array, limitMm = PCK_LIMIT_MM): number {
  checkArguments('pck', { errorsMm, limitMm }, 'Float32Array', 'number?');
  if (errorsMm.length === 0) {
    throw new PoseError('ERR_ARGUMENT', 'PCK needs at least one joint error, but none came.');
  }
  let below = 0;
  for (const error of errorsMm) {
    if (error < limitMm) {
      below++;
    }
  }
  return below / errorsMm.length;
}

/** AUC: mean, in [0, 1], of {@link pck} over the 31 thresholds. The first one, 0 mm, always gives 0. */
export function auc(errorsMm: Float32Array): number {
  checkArguments('auc', { errorsMm }, 'Float32Array');
  return AUC_THRESHOLDS_MM.reduce((sum, limit) => sum + pck(errorsMm, limit), 0) / AUC_THRESHOLDS_MM.length;
}
