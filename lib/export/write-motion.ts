import { MOTION } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import { basename, extname } from '../base/system/node.js';
import { writeAtomically, writeTextAtomically } from '../formats/files/atomic-file.js';
import type { Motion } from '../motion/motion.js';
import { rateOf } from '../motion/motion.js';
import { bvhLines, type RigOptions } from './bvh.js';
import { writeC3d } from './c3d.js';
import { type FitResidual, fitRig } from './fit-rig.js';
import { type PoseFormat, poseFormatOf, poseFormats } from './poses/write-poses.js';
import { rigByName } from './rigs.js';
import { trcLines } from './trc.js';

/** Files of motion that other tools read; the file's ending says which. */
export const motionFormats = ['bvh', 'trc', 'c3d', 'glb'] as const;
export type MotionFormat = (typeof motionFormats)[number];

/** The format of motion that a path's ending names, or undefined. */
export function motionFormatOf(path: string): MotionFormat | undefined {
  checkArguments('motionFormatOf', { path }, 'text');
  const ending = extname(path).slice(1).toLowerCase();
  return motionFormats.find((known) => known === ending);
}

/** All that a lifted result can be written as. */
export const outputFormats = [...poseFormats, ...motionFormats] as const;
export type OutputFormat = PoseFormat | MotionFormat;

/** The format that a path's ending names; throws `ERR_ARGUMENT` for another. */
export function outputFormatOf(path: string): OutputFormat {
  return motionFormatOf(path) ?? poseFormatOf(path);
}

/**
 * Writes a motion as `.bvh`, `.trc`, `.c3d` or `.glb`, under a temporary name that is renamed when all is on the disk. Gives
 * the residual of the fit for BVH and glTF, whose bones are constant. Throws `ERR_ARGUMENT` for another ending or a motion
 * without a frame rate, `ERR_FILE` when the disk refuses.
 */
export async function writeMotion(
  path: string,
  motion: Motion,
  options: RigOptions = {},
): Promise<FitResidual | undefined> {
  checkArguments('writeMotion', { path, motion, options }, 'text', MOTION, 'object?');
  const format = motionFormatOf(path);
  if (format === undefined) {
    throw new PoseError('ERR_ARGUMENT', `${path}: expected a name that ends in .${motionFormats.join(', .')}.`);
  }
  const put = (content: Uint8Array) => writeAtomically(path, (append) => append(content));
  if (format === 'trc') writeTextAtomically(path, trcLines(motion, basename(path)));
  else if (format === 'c3d') put(writeC3d(motion));
  else {
    const fps = rateOf(motion, format);
    const fitted = fitRig(motion, rigByName(options.rig ?? 'h36m'));
    if (format === 'bvh') writeTextAtomically(path, bvhLines(fitted, fps));
    else {
      const { glbOf } = await import('./glb.js');
      put(await glbOf(fitted, fps, motion.notes));
    }
    return fitted.residual;
  }
  return undefined;
}
