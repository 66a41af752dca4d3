import { readFile, stat } from 'node:fs/promises';
import { checkArguments } from '../../base/check-arguments.js';
import { PoseError } from '../../base/pose-error.js';
import type { MocapClip } from './mocap-clip.js';
import { addTurned, multiplyMatrices, setIdentity, turnAbout } from './rotation.js';

/** `AsfSkeleton` */
const SKELETON_FILE = {
  ...{ file: 'text', bones: 'list', metres: 'number', degrees: 'boolean', rootPosition: 'list' },
} as const;

/** The frame rate of the CMU recordings; AMC files do not state one. */
const DEFAULT_FPS = 120;
const INCH = 0.0254;
const MAX_FILE_BYTES = 512 * 1024 * 1024;
const MAX_ASF_BYTES = 4 * 1024 * 1024;
const MAX_LINE = 4096;
const MAX_BONES = 512;

/** One bone of an ASF skeleton: its joint is the bone's far end; the root is a bone of length 0. */
interface AsfBone {
  name: string;
  parent: number;
  /** From the bone's start to its end, metres, in world axes at rest. */
  offset: [number, number, number];
  /** Turns the axes in which the bone's angles are given into world axes at rest. */
  axis: Float64Array;
  /** Rotation axes (0 x, 1 y, 2 z) in the order in which their angles are listed and applied. */
  turns: number[];
  /** The root alone: which value is which coordinate, as [value index, axis]. */
  moves: [number, number][];
  /** For each of `turns`, the index of its angle among the bone's values. */
  turnAt: number[];
  /** Number of values that an AMC line gives. */
  values: number;
}

/** A skeleton out of an ASF file: bones with parents before children, the root first. */
export interface AsfSkeleton {
  file: string;
  bones: AsfBone[];
  /** Metres in a length unit of the file. */
  metres: number;
  degrees: boolean;
  rootPosition: [number, number, number];
}

class Lines {
  readonly file: string;
  private readonly lines: string[];
  private at = 0;

  constructor(text: string, file: string) {
    this.file = file;
    this.lines = text.split('\n');
  }

  /** The words of the next line that has any, or undefined at the end. */
  next(): string[] | undefined {
    while (this.at < this.lines.length) {
      const words = this.lines[this.at++]
        .split('#', 1)[0]
        .trim()
        .split(/[\s(),]+/)
        .filter(Boolean);
      if (words.length > 0) return words;
    }
    return undefined;
  }

  fail(message: string): never {
    throw new PoseError('ERR_FORMAT', `${this.file}, line ${Math.max(this.at, 1)}: ${message}`);
  }

  number(word: string | undefined): number {
    const value = Number(word);
    if (word === undefined || !Number.isFinite(value)) this.fail(`expected a number, but found ${quote(word)}`);
    return value;
  }

  three(words: string[]): [number, number, number] {
    if (words.length < 3) this.fail(`expected three numbers, but found ${words.length}`);
    return [this.number(words[0]), this.number(words[1]), this.number(words[2])];
  }
}

function quote(word: string | undefined): string {
  return word === undefined ? 'nothing' : `"${word.slice(0, 40)}"`;
}

/** Axis letters such as `XYZ` to 0, 1, 2. */
function axisOrder(word: string | undefined, lines: Lines): number[] {
  const order = [...(word ?? '').toUpperCase()].map((letter) => 'XYZ'.indexOf(letter));
  if (order.length !== 3 || new Set(order).size !== 3 || order.includes(-1)) {
    lines.fail(`expected an axis order such as XYZ, but found ${quote(word)}`);
  }
  return order;
}

/** The rotation that turns about the axes in the order given, the first one first (world axes). */
function rotationOf(angles: readonly number[], order: readonly number[], unit: number): Float64Array {
  const matrix = new Float64Array(9);
  setIdentity(matrix, 0);
  for (let i = order.length - 1; i >= 0; i--) turnAbout(matrix, 0, order[i], angles[i] * unit);
  return matrix;
}

interface RawBone {
  name: string;
  direction: [number, number, number];
  length: number;
  angles: [number, number, number];
  order: number[];
  dof: string[];
}

function newRawBone(name: string): RawBone {
  return { name, direction: [0, 0, 0], length: 0, angles: [0, 0, 0], order: [0, 1, 2], dof: [] };
}

function readBone(lines: Lines): RawBone {
  const bone = newRawBone('');
  for (;;) {
    const words = lines.next();
    if (words === undefined) return lines.fail('the file ends inside a bone');
    const [keyword, ...rest] = words;
    if (keyword === 'end') break;
    if (keyword === 'name') bone.name = rest[0] ?? '';
    else if (keyword === 'direction') bone.direction = lines.three(rest);
    else if (keyword === 'length') bone.length = lines.number(rest[0]);
    else if (keyword === 'axis') {
      bone.angles = lines.three(rest);
      bone.order = axisOrder(rest[3], lines);
    } else if (keyword === 'dof') bone.dof = rest.map((word) => word.toLowerCase());
  }
  if (bone.name === '') lines.fail('a bone has no name');
  return bone;
}

/** Reads the text of an ASF file. `file` is used in messages. Throws `ERR_FORMAT` with the line on anything else. */
export function parseAsf(text: string, file: string): AsfSkeleton {
  checkArguments('parseAsf', { text, file }, 'text', 'text');
  const lines = new Lines(text, file);
  const root = newRawBone('root');
  let rootPosition: [number, number, number] = [0, 0, 0];
  const raw = new Map<string, RawBone>([['root', root]]);
  const parentOf = new Map<string, string>();
  let metres = INCH;
  let degrees = true;
  let section = '';
  for (let words = lines.next(); words !== undefined; words = lines.next()) {
    const [keyword, ...rest] = words;
    if (keyword.startsWith(':')) {
      section = keyword;
    } else if (section === ':units') {
      if (keyword === 'length') {
        const length = lines.number(rest[0]);
        if (!(length > 0)) lines.fail(`expected a positive length unit, but found ${length}`);
        metres = INCH / length;
      }
      if (keyword === 'angle') {
        if (rest[0] !== 'deg' && rest[0] !== 'rad') lines.fail(`expected deg or rad, but found ${quote(rest[0])}`);
        degrees = rest[0] === 'deg';
      }
    } else if (section === ':root') {
      if (keyword === 'order') root.dof = rest.map((word) => word.toLowerCase());
      if (keyword === 'axis') root.order = axisOrder(rest[0], lines);
      if (keyword === 'position') rootPosition = lines.three(rest);
      if (keyword === 'orientation') root.angles = lines.three(rest);
    } else if (section === ':bonedata') {
      if (keyword !== 'begin') lines.fail(`expected begin, but found ${quote(keyword)}`);
      const bone = readBone(lines);
      if (raw.has(bone.name)) lines.fail(`bone ${quote(bone.name)} comes twice`);
      if (raw.size >= MAX_BONES) lines.fail(`more than ${MAX_BONES} bones`);
      raw.set(bone.name, bone);
    } else if (section === ':hierarchy' && keyword !== 'begin' && keyword !== 'end') {
      for (const name of [keyword, ...rest]) if (!raw.has(name)) lines.fail(`no bone is called ${quote(name)}`);
      for (const child of rest) {
        if (child === 'root' || parentOf.has(child)) lines.fail(`bone ${quote(child)} has a second parent`);
        parentOf.set(child, keyword);
      }
    }
  }
  if (root.dof.length === 0 || raw.size === 1)
    lines.fail('no :root order or no :bonedata was found; is this an ASF file?');
  return { file, bones: orderBones(raw, parentOf, metres, degrees, lines), metres, degrees, rootPosition };
}

function orderBones(
  raw: Map<string, RawBone>,
  parentOf: Map<string, string>,
  metres: number,
  degrees: boolean,
  lines: Lines,
): AsfBone[] {
  const names = ['root'];
  for (let i = 0; i < names.length; i++) {
    for (const [child, parent] of parentOf) if (parent === names[i]) names.push(child);
  }
  if (names.length !== raw.size) {
    const missing = [...raw.keys()].find((name) => !names.includes(name));
    lines.fail(`bone ${quote(missing)} does not hang on the root`);
  }
  return names.map((name) => {
    const bone = raw.get(name) ?? newRawBone(name);
    const turns: number[] = [];
    const turnAt: number[] = [];
    const moves: [number, number][] = [];
    bone.dof.forEach((dof, index) => {
      const axis = 'xyz'.indexOf(dof[1] ?? '?');
      if (dof.length === 2 && axis >= 0 && dof[0] === 'r') {
        turns.push(axis);
        turnAt.push(index);
      } else if (dof.length === 2 && axis >= 0 && dof[0] === 't' && name === 'root') moves.push([index, axis]);
      else lines.fail(`bone ${quote(name)} has the degree of freedom ${quote(dof)}, which is not read`);
    });
    const [x, y, z] = bone.direction;
    const scale = (bone.length * metres) / (Math.hypot(x, y, z) || 1);
    return {
      name,
      parent: name === 'root' ? -1 : names.indexOf(parentOf.get(name) ?? ''),
      offset: [x * scale, y * scale, z * scale],
      axis: rotationOf(bone.angles, bone.order, degrees ? Math.PI / 180 : 1),
      turns,
      turnAt,
      moves,
      values: bone.dof.length,
    };
  });
}

/**
 * Reads the text of an AMC file for its skeleton: one motion of it, every frame with every bone that moves. Throws
 * `ERR_FORMAT` with the line on rubbish.
 */
export function parseAmc(text: string, file: string, skeleton: AsfSkeleton, fps = DEFAULT_FPS): MocapClip {
  checkArguments('parseAmc', { text, file, skeleton, fps }, 'text', 'text', SKELETON_FILE, 'number?');
  const { bones } = skeleton;
  const starts = new Map<string, [number, number]>();
  let width = 0;
  for (const bone of bones) {
    starts.set(bone.name, [width, bone.values]);
    width += bone.values;
  }
  let degrees = skeleton.degrees;
  let line = 0;
  const fail = (message: string): never => {
    throw new PoseError('ERR_FORMAT', `${file}, line ${line}: ${message}`);
  };
  const rows: Float64Array[] = [];
  /** Values that the frame under way has so far. */
  let filled = width;
  const endFrame = () => {
    if (filled < width) fail(`frame ${rows.length} ends with ${filled} of its skeleton's ${width} values`);
  };
  for (let from = 0; from < text.length; ) {
    let to = text.indexOf('\n', from);
    if (to < 0) to = text.length;
    if (to - from > MAX_LINE) return fail(`a line of ${to - from} characters; is this an AMC file?`);
    const words = text.slice(from, to).trim().split(/\s+/);
    from = to + 1;
    line++;
    if (words[0] === '' || words[0].startsWith('#')) continue;
    if (words[0].startsWith(':')) {
      if (words[0] === ':DEGREES') degrees = true;
      if (words[0] === ':RADIANS') degrees = false;
    } else if (words.length === 1 && /^\d+$/.test(words[0])) {
      endFrame();
      rows.push(new Float64Array(width).fill(Number.NaN));
      filled = 0;
    } else {
      const place = starts.get(words[0]);
      if (place === undefined) return fail(`expected a frame number or a bone, but found ${quote(words[0])}`);
      if (rows.length === 0) return fail('a bone comes before the first frame number');
      if (words.length - 1 !== place[1]) {
        return fail(`bone ${quote(words[0])} has ${place[1]} degrees of freedom, but ${words.length - 1} values came`);
      }
      const row = rows[rows.length - 1];
      if (place[1] > 0 && !Number.isNaN(row[place[0]]))
        return fail(`bone ${quote(words[0])} comes twice in frame ${rows.length}`);
      filled += place[1];
      for (let i = 0; i < place[1]; i++) {
        const value = Number(words[i + 1]);
        if (!Number.isFinite(value)) return fail(`expected a number, but found ${quote(words[i + 1])}`);
        row[place[0] + i] = value;
      }
    }
  }
  if (rows.length === 0) return fail('no frames were found; is this an AMC file?');
  endFrame();
  return makeClip(skeleton, rows, degrees, file, fps);
}

function makeClip(
  skeleton: AsfSkeleton,
  rows: readonly Float64Array[],
  degrees: boolean,
  file: string,
  fps: number,
): MocapClip {
  const { bones, metres, rootPosition } = skeleton;
  const unit = degrees ? Math.PI / 180 : 1;
  const turn = new Float64Array(9);
  const ahead = new Float64Array(9);
  const local = new Float64Array(9);

  function pose(frame: number, positions: Float64Array, rotations: Float64Array): void {
    const row = rows[frame];
    let start = 0;
    for (let b = 0; b < bones.length; b++) {
      const { axis, turns, turnAt, moves, offset, parent, values } = bones[b];
      setIdentity(turn, 0);
      for (let i = turns.length - 1; i >= 0; i--) turnAbout(turn, 0, turns[i], row[start + turnAt[i]] * unit);
      // axis * turn * axis^-1: the angles are about the bone's own axes.
      multiplyMatrices(ahead, 0, axis, 0, turn, 0);
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 3; j++) {
          const k = j * 3;
          local[i * 3 + j] = ahead[i * 3] * axis[k] + ahead[i * 3 + 1] * axis[k + 1] + ahead[i * 3 + 2] * axis[k + 2];
        }
      }
      const at = b * 3;
      if (parent < 0) {
        rotations.set(local, 0);
        for (let i = 0; i < 3; i++) positions[i] = rootPosition[i] * metres;
        for (const [value, coordinate] of moves) positions[coordinate] += row[start + value] * metres;
      } else {
        multiplyMatrices(rotations, b * 9, rotations, parent * 9, local, 0);
        for (let i = 0; i < 3; i++) positions[at + i] = positions[parent * 3 + i];
        addTurned(positions, at, rotations, b * 9, offset[0], offset[1], offset[2]);
      }
      start += values;
    }
  }

  return { file, joints: bones.map((bone) => bone.name), frames: rows.length, fps, pose };
}

/** Reads a text file that may not be larger than the limit; throws `ERR_FILE` or `ERR_LIMIT`. */
export async function readMocapText(path: string, limitBytes = MAX_FILE_BYTES): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > limitBytes) throw new PoseError('ERR_LIMIT', `${path} has ${size} bytes; up to ${limitBytes} are read.`);
    return await readFile(path, 'latin1');
  } catch (error) {
    if (error instanceof PoseError) throw error;
    throw new PoseError('ERR_FILE', `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Reads a skeleton from an ASF file. */
export async function readAsf(path: string): Promise<AsfSkeleton> {
  checkArguments('readAsf', { path }, 'text');
  return parseAsf(await readMocapText(path, MAX_ASF_BYTES), path);
}

/** Reads a motion of `skeleton` from an AMC file; `fps` is 120 unless told (the format holds none). */
export async function readAmc(path: string, skeleton: AsfSkeleton, fps = DEFAULT_FPS): Promise<MocapClip> {
  checkArguments('readAmc', { path, skeleton, fps }, 'text', SKELETON_FILE, 'number?');
  return parseAmc(await readMocapText(path), path, skeleton, fps);
}
