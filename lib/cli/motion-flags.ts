import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { parseJsonText } from '../base/json-text.js';
import { PoseError } from '../base/pose-error.js';
import { type MotionReport, type MotionSteps, motionOf, workMotion } from '../export/lifted-motion.js';
import type { LiftedPoses } from '../export/poses/lifted-poses.js';
import { writePoses } from '../export/poses/write-poses.js';
import { type RigName, rigNames } from '../export/rigs.js';
import { motionFormatOf, writeMotion } from '../export/write-motion.js';
import type { Intrinsics } from '../motion/camera.js';
import type { StanceAxes } from '../motion/stance.js';
import type { WorldOptions } from '../motion/world.js';
import { positiveNumber } from './parse.js';

/** What is asked of the motion, beside the poses. */
export interface MotionFlags {
  rig?: RigName;
  world?: string;
  trajectory?: boolean;
  focal?: number;
  rigid?: boolean;
  lockFeet?: boolean;
}

export function addMotionFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--rig <rig>', 'joint names and rest pose of .bvh and .glb (default: h36m)').choices(rigNames),
    )
    .option(
      '--world <frame>',
      'y up: "stance" from how people stand, or a JSON file of the camera: rotation, translation, up',
    )
    .option('--trajectory', 'estimate the path through the room from the keypoints')
    .option('--focal <pixels>', "the camera's focal length for --trajectory; else assumed, and said so", positiveNumber)
    .option('--rigid', 'bones of constant length')
    .option('--lock-feet', 'hold standing feet where they are; needs --trajectory and --world');
}

/** The flags, found to go together, and the camera's place read. */
export interface MotionSettings extends Omit<MotionFlags, 'world'> {
  world?: WorldOptions;
}

/**
 * Looks at the flags before any work: throws `ERR_USAGE` where they do not go together or with the files that are to be
 * written, `ERR_FILE` and `ERR_FORMAT` for the file of `--world`.
 */
export function motionSettings(outputs: readonly string[], flags: MotionFlags & { camera?: unknown }): MotionSettings {
  const { rig, world, trajectory, focal, rigid, lockFeet } = flags;
  const refuse = (text: string) => {
    throw new PoseError('ERR_USAGE', text);
  };
  if (rig && !outputs.some((path) => rigFormats.includes(motionFormatOf(path) ?? ''))) {
    refuse(`--rig ${rig}: expected --out with a .bvh or .glb file, or --format bvh or glb; got ${outputs[0]}.`);
  }
  if (focal !== undefined && !trajectory) refuse('--focal: expected --trajectory with it, which it is for.');
  if (focal !== undefined && flags.camera) refuse('--focal: the focal length is in --camera already; leave one out.');
  const missing = [...(trajectory ? [] : ['--trajectory']), ...(world === undefined ? ['--world'] : [])];
  if (lockFeet && missing.length > 0) {
    refuse(`--lock-feet: expected ${missing.join(' and ')} with it: feet slide only over a floor.`);
  }
  return {
    ...(rig && { rig }),
    ...(trajectory && { trajectory }),
    ...(focal !== undefined && { focal }),
    ...(rigid && { rigid }),
    ...(lockFeet && { lockFeet }),
    ...(world !== undefined && { world: worldOf(world) }),
  };
}

/** Formats of files whose joints are those of a rig. */
const rigFormats = ['bvh', 'glb'];

/** Works and writes the poses, and says what was assumed, estimated and changed, and the upright axes that were found. */
export async function writeLifted(
  path: string,
  lifted: LiftedPoses,
  settings: MotionSettings,
  camera?: Intrinsics,
  put?: (result: LiftedPoses) => void,
): Promise<{ notices: string[]; stance?: StanceAxes }> {
  const steps = stepsOf(settings, camera);
  const worked = steps && workMotion(lifted, steps);
  const result = worked?.result ?? lifted;
  const notices = worked ? [...motionOf(result).notes, ...measured(worked.report, settings)] : [];
  const said = { notices, ...(worked?.report.stance && { stance: worked.report.stance }) };
  if (put || motionFormatOf(path) === undefined) {
    if (put) put(result);
    else writePoses(path, result);
    return said;
  }
  const motion = motionOf(result);
  const residual = await writeMotion(path, motion, { ...(settings.rig && { rig: settings.rig }) });
  if (motion.start) notices.push(startNotice(path, motion.start, motion.fps));
  if (residual) {
    notices.push(
      `Bones of the file are constant: joints lie ${residual.meanMm.toFixed(1)} mm from the lifted ones on average, ` +
        `${residual.maxMm.toFixed(1)} mm at most. Feet, hands and fingers were not lifted and stay at rest.`,
    );
  }
  return said;
}

/** Says how a file starts with a person who is not there from the video's first frame on. */
function startNotice(path: string, start: number, fps: number | undefined): string {
  const when = fps === undefined ? `frame ${start}` : `frame ${start} of the video, ${(start / fps).toFixed(2)} s`;
  return motionFormatOf(path) === 'bvh'
    ? `Starts at ${when}: BVH has no start, so the first pose is held until then (${start === 1 ? '1 frame' : `${start} frames`}).`
    : `Starts at ${when}: the file's times begin there.`;
}

function stepsOf(settings: MotionSettings, camera: Intrinsics | undefined): MotionSteps | undefined {
  const { world, trajectory, focal, rigid, lockFeet } = settings;
  if (!(world || trajectory || rigid)) return undefined;
  return {
    ...(rigid && { rigid }),
    ...(trajectory && { trajectory: { ...(camera && { camera }), ...(focal !== undefined && { focal }) } }),
    ...(world && { world }),
    ...(lockFeet && { lockFeet }),
  };
}

/** "stance", or a file { "rotation": 9 numbers, "translation": 3 numbers in metres, "up": "y" | "z" }: world to camera. */
function worldOf(world: string): WorldOptions {
  if (world === 'stance') return { from: 'stance' };
  let file: { rotation?: unknown; translation?: unknown; up?: unknown };
  try {
    file = parseJsonText(readFileSync(world, 'utf8')) as typeof file;
  } catch (cause) {
    throw new PoseError(
      'ERR_FILE',
      `--world ${world}: expected "stance" or a JSON file: ${(cause as Error).message}.`,
      {
        cause,
      },
    );
  }
  const rotation = numbersOf(file?.rotation, 9);
  const translation = numbersOf(file?.translation, 3);
  if (!rotation || !translation || (file.up !== 'y' && file.up !== 'z')) {
    throw new PoseError(
      'ERR_FORMAT',
      `${world}: expected "rotation" of 9 numbers, row by row, "translation" of 3 in metres and "up" ("y" or "z").`,
    );
  }
  return { from: 'extrinsics', extrinsics: { rotation, translation }, up: file.up };
}

function numbersOf(value: unknown, count: number): number[] | undefined {
  const flat: unknown[] = Array.isArray(value) ? value.flat(1) : [];
  return flat.length === count && flat.every((one) => Number.isFinite(one)) ? (flat as number[]) : undefined;
}

function measured(
  { bonesBefore, bonesAfter, skateBefore, skateAfter }: MotionReport,
  { rigid }: MotionSettings,
): string[] {
  const lines: string[] = [];
  if (rigid) {
    lines.push(
      `Bone lengths spread by ${bonesBefore.meanMm.toFixed(1)} mm before, ${bonesAfter.meanMm.toFixed(1)} mm now.`,
    );
  }
  if (skateBefore && skateAfter) {
    lines.push(
      `Standing feet strayed by ${skateBefore.meanMm.toFixed(1)} mm before, ${skateAfter.meanMm.toFixed(1)} mm now ` +
        `(a frame's step: ${skateBefore.stepMm.toFixed(1)} and ${skateAfter.stepMm.toFixed(1)} mm).`,
    );
  }
  return lines;
}
