import { withCallbacks, withoutPromise } from '../../base/callbacks.js';
import { checkArguments } from '../../base/check-arguments.js';
import { PoseError } from '../../base/pose-error.js';
import { readMocapText } from './asf-amc.js';
import type { MocapClip } from './mocap-clip.js';
import { addTurned, multiplyMatrices, setIdentity, turnAbout } from './rotation.js';

const MAX_JOINTS = 1024;
const MAX_WORDS = 16;
const MAX_FRAMES = 10_000_000;
/** Metres in a unit. */
export const UNITS = { m: 1, cm: 0.01, mm: 0.001, in: 0.0254 } as const;

/** A unit by its name, or how many metres a number of the file is. */
export type BvhUnits = keyof typeof UNITS | number;

export interface BvhOptions {
  /** The file's length unit, which BVH does not state. Without it: guessed from the height of the rest pose. */
  units?: BvhUnits;
  /** The unit where none can be guessed. Without it: an error. */
  fallbackUnits?: keyof typeof UNITS;
  /** Gets a sentence when the units were guessed, or the frames are not as many as the file says. */
  onNotice?: (message: string, about: 'units' | 'frames') => void;
}

interface BvhJoint {
  name: string;
  parent: number;
  offset: [number, number, number];
  /** Per channel: 0 to 2 a position on x, y, z; 3 to 5 a rotation about x, y, z. */
  channels: number[];
}

const CHANNELS = ['xposition', 'yposition', 'zposition', 'xrotation', 'yrotation', 'zrotation'];

/** Words with the line they stand on: BVH is read word by word. */
class Words {
  readonly file: string;
  private readonly text: string;
  private readonly pattern = /[{}]|[^\s{}]+/g;
  private last = 0;

  constructor(text: string, file: string) {
    this.text = text;
    this.file = file;
  }

  next(): string {
    const match = this.pattern.exec(this.text);
    this.last = match === null ? this.text.length : match.index;
    return match === null ? '' : match[0];
  }

  fail(message: string): never {
    let line = 1;
    for (let at = this.text.indexOf('\n'); at >= 0 && at < this.last; at = this.text.indexOf('\n', at + 1)) line++;
    throw new PoseError('ERR_FORMAT', `${this.file}, line ${line}: ${message}`);
  }

  expect(...allowed: string[]): string {
    const word = this.next();
    if (!allowed.includes(word.toUpperCase())) this.wrong(allowed.join(' or '), word);
    return word.toUpperCase();
  }

  /** A joint's name, which may have blanks: up to the brace. */
  name(): string {
    const words: string[] = [];
    for (let word = this.next(); word !== '{'; word = this.next()) {
      if (word === '') this.wrong('{ after the name of a joint', word);
      if (words.push(word) > MAX_WORDS) this.fail(`a joint's name has more than ${MAX_WORDS} words`);
    }
    return words.join(' ');
  }

  number(): number {
    const word = this.next();
    const value = Number(word);
    if (word === '' || !Number.isFinite(value)) this.wrong('a number', word);
    return value;
  }

  /** All numbers that are left, in whole rows of `width`, and how many more there are. */
  rest(width: number): { values: Float64Array; left: number } {
    let values = new Float64Array(1024 * width);
    let count = 0;
    for (let word = this.next(); word !== ''; word = this.next()) {
      const value = Number(word);
      if (!Number.isFinite(value)) this.wrong('a number', word);
      if (count === values.length) {
        const longer = new Float64Array(2 * values.length);
        longer.set(values);
        values = longer;
      }
      values[count++] = value;
    }
    const left = count % width;
    return { values: values.slice(0, count - left), left };
  }

  wrong(expected: string, word: string): never {
    return this.fail(`expected ${expected}, but found ${word === '' ? 'the end' : `"${word.slice(0, 40)}"`}`);
  }
}

function readOffset(words: Words): [number, number, number] {
  words.expect('OFFSET');
  return [words.number(), words.number(), words.number()];
}

function readChannels(words: Words): number[] {
  const count = words.number();
  if (!Number.isInteger(count) || count < 0 || count > 6) words.fail(`a joint has ${count} channels, not 0 to 6`);
  return Array.from({ length: count }, () => {
    const word = words.next();
    const channel = CHANNELS.indexOf(word.toLowerCase());
    return channel >= 0 ? channel : words.wrong('a channel such as Xrotation', word);
  });
}

/** Joints in the order of the file; an end site is a joint called after its parent with `_end`. */
function readHierarchy(words: Words): BvhJoint[] {
  words.expect('HIERARCHY');
  words.expect('ROOT');
  const joints: BvhJoint[] = [];
  const open: number[] = [];
  const begin = (name: string, end: boolean) => {
    if (name === '') words.fail('a joint has no name');
    if (joints.length >= MAX_JOINTS) words.fail(`more than ${MAX_JOINTS} joints`);
    if (joints.some((joint) => joint.name === name)) words.fail(`joint "${name.slice(0, 40)}" comes twice`);
    const parent = open.length > 0 ? open[open.length - 1] : -1;
    joints.push({ name, parent, offset: readOffset(words), channels: [] });
    if (end) words.expect('}');
    else open.push(joints.length - 1);
  };
  begin(words.name(), false);
  while (open.length > 0) {
    const word = words.expect('CHANNELS', 'JOINT', 'END', '}');
    const current = joints[open[open.length - 1]];
    if (word === 'CHANNELS') current.channels = readChannels(words);
    else if (word === 'JOINT') begin(words.name(), false);
    else if (word === 'END') {
      words.expect('SITE');
      words.expect('{');
      // A joint may end more than once, as a foot in heel and toe.
      const ends = joints.filter(({ parent, channels }) => parent === open[open.length - 1] && channels.length === 0);
      begin(`${current.name}_end${ends.length > 0 ? ends.length + 1 : ''}`, true);
    } else open.pop();
  }
  return joints;
}

/** (J, 3), in the file's units: where the joints are when nothing is turned, the root at the origin. */
function restPose(joints: readonly BvhJoint[]): Float64Array {
  const places = new Float64Array(joints.length * 3);
  for (const [j, { parent, offset }] of joints.entries()) {
    for (let axis = 0; axis < 3 && parent >= 0; axis++) {
      places[3 * j + axis] = places[3 * parent + axis] + offset[axis];
    }
  }
  return places;
}

function guessUnits(rest: Float64Array, words: Words, { fallbackUnits, onNotice }: BvhOptions): number {
  const [low, high] = [
    [0, 0, 0],
    [0, 0, 0],
  ];
  for (const [at, value] of rest.entries()) {
    low[at % 3] = Math.min(low[at % 3], value);
    high[at % 3] = Math.max(high[at % 3], value);
  }
  const height = Math.max(high[0] - low[0], high[1] - low[1], high[2] - low[2]);
  for (const units of ['m', 'cm', 'mm'] as const) {
    const metres = height * UNITS[units];
    if (metres >= 0.5 && metres < 5) {
      onNotice?.(
        `${words.file}: the rest pose measures ${height.toFixed(2)}, so its units are taken as ${units}.`,
        'units',
      );
      return UNITS[units];
    }
  }
  if (fallbackUnits !== undefined) {
    onNotice?.(
      `${words.file}: the rest pose measures ${height.toFixed(2)}, from which no unit can be guessed: taken as ${fallbackUnits}.`,
      'units',
    );
    return UNITS[fallbackUnits];
  }
  const named = Object.keys(UNITS).join(', ');
  return words.fail(
    `the rest pose measures ${height}, from which no unit can be guessed; say it with the option units: ${named}, or how many metres one is`,
  );
}

/** A motion whose joints are known to hang on one another. */
export interface BvhClip extends MocapClip {
  /** (J), each before its children; -1 for the root. */
  parents: readonly number[];
}

/**
 * Reads the text of a BVH file. Rotations apply in the order of the channels, whatever it is; position channels
 * replace the joint's offset. Throws `ERR_FORMAT` with the line on rubbish.
 */
export function parseBvh(text: string, file: string, options: BvhOptions = {}): BvhClip {
  checkArguments('parseBvh', { text, file, options }, 'text', 'text', 'object?');
  const onNotice = withoutPromise(options.onNotice);
  const words = new Words(text, file);
  const joints = readHierarchy(words);
  words.expect('MOTION');
  words.expect('FRAMES:');
  const stated = words.number();
  if (!Number.isInteger(stated) || stated < 1 || stated > MAX_FRAMES) {
    words.fail(`expected 1 to ${MAX_FRAMES} frames, but found ${stated}`);
  }
  words.expect('FRAME');
  words.expect('TIME:');
  const frameTime = words.number();
  if (!(frameTime >= 1e-4 && frameTime <= 1)) {
    words.fail(`expected a frame time from 0.0001 to 1 second, but found ${frameTime}`);
  }
  const width = joints.reduce((sum, joint) => sum + joint.channels.length, 0);
  if (width === 0) words.fail('no joint has a channel');
  // Recorders count wrong, or stop within a frame: the rows that are there are the frames.
  const { values, left } = words.rest(width);
  const frames = values.length / width;
  if (frames === 0) words.fail(`expected ${width} numbers a frame, but found ${left} in all`);
  if (frames !== stated || left > 0) {
    const cut = left > 0 ? `, and ${left} of the ${width} numbers of another, which are left out` : '';
    onNotice?.(`${file}: says ${stated} frames and has ${frames}${cut}.`, 'frames');
  }
  const rest = restPose(joints);
  const { units } = options;
  const metres =
    units === undefined
      ? guessUnits(rest, words, { ...options, onNotice })
      : typeof units === 'number'
        ? units
        : UNITS[units];
  // Frame times are written with few digits: 0.041667 means 24 frames a second.
  const rate = 1 / frameTime;
  const fps = Math.abs(rate - Math.round(rate)) < 0.01 ? Math.round(rate) : rate;
  const local = new Float64Array(9);

  function pose(frame: number, positions: Float64Array, rotations: Float64Array): void {
    let at = frame * width;
    for (let j = 0; j < joints.length; j++) {
      const { parent, channels, offset } = joints[j];
      setIdentity(local, 0);
      let [x, y, z] = offset;
      for (const channel of channels) {
        const value = values[at++];
        if (channel === 0) x = value;
        else if (channel === 1) y = value;
        else if (channel === 2) z = value;
        else turnAbout(local, 0, channel - 3, (value * Math.PI) / 180);
      }
      if (parent < 0) {
        rotations.set(local, 0);
        positions[0] = x * metres;
        positions[1] = y * metres;
        positions[2] = z * metres;
      } else {
        multiplyMatrices(rotations, j * 9, rotations, parent * 9, local, 0);
        for (let i = 0; i < 3; i++) positions[j * 3 + i] = positions[parent * 3 + i];
        addTurned(positions, j * 3, rotations, parent * 9, x * metres, y * metres, z * metres);
      }
    }
  }

  const parents = joints.map((joint) => joint.parent);
  const names = joints.map((joint) => joint.name);
  return { file, joints: names, parents, frames, fps, rest: rest.map((value) => value * metres), pose };
}

/** Reads a motion from a BVH file. */
export async function readBvh(path: string, options: BvhOptions = {}): Promise<BvhClip> {
  checkArguments('readBvh', { path, options }, 'text', 'object?');
  return withCallbacks(options, async (watched) => parseBvh(await readMocapText(path), path, watched));
}
