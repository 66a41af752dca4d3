import { MOTION } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { largest, pushAll } from '../base/lists.js';
import { PoseError } from '../base/pose-error.js';
import { columnName } from '../keypoints/layout.js';
import { jointsOf, type Motion, positionsYUp, rateOf } from '../motion/motion.js';
import { skeletonByName } from '../skeletons/skeletons.js';

const BLOCK = 512;
const INTEL = 84;
const MOST_FRAMES = 65_535;

type Value =
  | { kind: 'text'; rows: readonly string[] }
  | { kind: 'words'; values: readonly number[]; scalar?: boolean }
  | { kind: 'reals'; values: readonly number[]; scalar?: boolean };

const word = (value: number): Value => ({ kind: 'words', values: [value], scalar: true });
const real = (value: number): Value => ({ kind: 'reals', values: [value], scalar: true });
const texts = (rows: readonly string[]): Value => ({ kind: 'text', rows });
const text = (row: string): Value => ({ kind: 'text', rows: [row] });

/**
 * A motion as a C3D file that starts at its frame of the video, counted from 1: a point a joint (`left_hip`), millimetres, y up, little-endian floats, no analogue channels.
 * Throws `ERR_ARGUMENT` without a frame rate and `ERR_LIMIT` for more frames than the format's 16 bits count.
 */
export function writeC3d(motion: Motion): Uint8Array {
  checkArguments('writeC3d', { motion }, MOTION);
  const fps = rateOf(motion, 'C3D');
  const joints = jointsOf(motion);
  const { frames, start = 0 } = motion;
  if (frames > MOST_FRAMES) {
    throw new PoseError('ERR_LIMIT', `C3D: expected at most ${MOST_FRAMES} frames, got ${frames}.`);
  }
  const labels = skeletonByName(motion.layout).joints.map(columnName);
  // Where the data start is among the parameters: their length is the same whatever it is.
  const range = { start, frames };
  const blocks = Math.ceil(parameters(labels, range, fps, 0).length / BLOCK);
  const dataBlock = 2 + blocks;
  const bytes = new Uint8Array((1 + blocks) * BLOCK + Math.ceil((frames * joints * 16) / BLOCK) * BLOCK);
  const view = new DataView(bytes.buffer);
  bytes.set([2, 0x50], 0);
  const head: [offset: number, value: number][] = [
    [2, joints],
    // Beyond 16 bits the header counts from 1, and TRIAL alone says where the motion starts.
    [6, start + frames > MOST_FRAMES ? 1 : start + 1],
    [8, start + frames > MOST_FRAMES ? frames : start + frames],
    [10, 10],
    [16, dataBlock],
  ];
  for (const [offset, value] of head) view.setUint16(offset, value, true);
  view.setFloat32(12, -1, true);
  view.setFloat32(20, fps, true);
  bytes.set(parameters(labels, range, fps, dataBlock), BLOCK);
  bytes[BLOCK + 2] = blocks;
  const points = positionsYUp(motion);
  let at = (dataBlock - 1) * BLOCK;
  for (let point = 0; point < frames * joints; point++, at += 16) {
    for (let axis = 0; axis < 3; axis++) view.setFloat32(at + 4 * axis, points[3 * point + axis] * 1000, true);
    // The fourth number, residual and cameras, stays 0: a point that is there.
  }
  return bytes;
}

/** The parameter section: groups, each with its parameters. */
function parameters(
  labels: readonly string[],
  { start, frames }: { start: number; frames: number },
  fps: number,
  dataBlock: number,
): Uint8Array {
  const words = (frame: number): Value => ({ kind: 'words', values: [frame % 65_536, Math.floor(frame / 65_536)] });
  const groups: [name: string, parameters: [name: string, value: Value][]][] = [
    [
      'POINT',
      [
        ['USED', word(labels.length)],
        ['SCALE', real(-1)],
        ['RATE', real(fps)],
        ['DATA_START', word(dataBlock)],
        ['FRAMES', word(frames)],
        ['LABELS', texts(labels)],
        ['DESCRIPTIONS', texts(labels.map((label) => label.replaceAll('_', ' ')))],
        ['UNITS', text('mm')],
        ['X_SCREEN', text('+X')],
        ['Y_SCREEN', text('+Y')],
      ],
    ],
    [
      'ANALOG',
      [
        ['USED', word(0)],
        ['GEN_SCALE', real(1)],
        ['RATE', real(0)],
      ],
    ],
    [
      'TRIAL',
      [
        ['ACTUAL_START_FIELD', words(start + 1)],
        ['ACTUAL_END_FIELD', words(start + frames)],
      ],
    ],
    ['FORCE_PLATFORM', [['USED', word(0)]]],
  ];
  const out: number[] = [1, 0x50, 0, INTEL];
  groups.forEach(([name, members], index) => {
    pushAll(out, [name.length, 256 - (index + 1), ...ascii(name), 3, 0, 0]);
    for (const [member, value] of members) {
      const body = bodyOf(value);
      const next = 2 + body.length + 1;
      pushAll(out, [member.length, index + 1, ...ascii(member), next & 255, next >> 8, ...body, 0]);
    }
  });
  out.push(0, 0);
  return Uint8Array.from(out);
}

/** Element size, dimensions and values, as bytes. */
function bodyOf(value: Value): number[] {
  if (value.kind === 'text') {
    const width = largest(value.rows.map((row) => row.length));
    const dimensions = value.rows.length === 1 ? [1, width] : [2, width, value.rows.length];
    return [255, ...dimensions, ...value.rows.flatMap((row) => ascii(row.padEnd(width)))];
  }
  const size = value.kind === 'words' ? 2 : 4;
  const view = new DataView(new ArrayBuffer(size * value.values.length));
  value.values.forEach((one, index) => {
    if (size === 2) view.setUint16(2 * index, one, true);
    else view.setFloat32(4 * index, one, true);
  });
  return [size, ...(value.scalar ? [0] : [1, value.values.length]), ...new Uint8Array(view.buffer)];
}

function ascii(row: string): number[] {
  return Array.from(row, (letter) => letter.charCodeAt(0));
}
