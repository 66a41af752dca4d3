import { readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { PoseError } from '../base/pose-error.js';
import { readDatasetMetadata } from '../datasets/dataset-file.js';
import { DATASET_KEY } from '../datasets/dataset-metadata.js';
import { readPoses } from '../export/poses/read-poses.js';
import { type ByteSource, withSource } from '../formats/bytes/byte-source.js';
import { fileKind } from '../formats/files/file-kind.js';
import { readNpy } from '../formats/numpy/npy.js';
import { openNpz } from '../formats/numpy/npz.js';
import { isTensor } from '../formats/pickle/value.js';
import { openSafetensors } from '../formats/safetensors.js';
import { sniffFormat } from '../formats/sniff.js';
import { findStateDict, readTorch } from '../formats/torch/torch.js';
import type { KeypointTrack, ReadKeypointsOptions } from '../keypoints/keypoint-track.js';
import { assembleTrack } from '../keypoints/people/assemble-track.js';
import { type PersonSummary, summariesOf } from '../keypoints/people/describe-people.js';
import { findPeople, readKeypoints } from '../keypoints/read-keypoints.js';
import { decodeText, linesIn } from '../keypoints/readers/decode-text.js';
import { posesFormat } from '../keypoints/readers/own-text.js';
import type { ModelConfig } from '../networks/config.js';
import { PUBLISHED_PREFIX, tensorNames } from '../networks/tensor-names.js';
import { unsupportedReason } from '../networks/unsupported-reason.js';
import { CONFIG_KEY, readWeights } from '../networks/weights.js';
import { CHECKPOINT_KEY, readCheckpointState } from '../training/record/checkpoint.js';
import { readClip } from '../viewer/read-clip.js';
import { modelSummary } from './commands/models.js';

/** What a file is, for programs, and in lines for people. */
export interface Inspection {
  path: string;
  kind: 'model' | 'checkpoint' | 'dataset' | 'keypoints' | 'poses' | 'motion' | 'arrays';
  bytes: number;
  details: Record<string, unknown>;
  lines: string[];
}

type Found = Omit<Inspection, 'path' | 'bytes'>;

/** Finds out what a file is by its content. Throws `PoseError` when it cannot be read or is none of what we know. */
export async function inspectFile(path: string, options: ReadKeypointsOptions = {}): Promise<Inspection> {
  let bytes: number;
  try {
    const state = statSync(path);
    bytes = state.size;
    if (!state.isFile() && !state.isDirectory()) {
      throw new PoseError('ERR_FILE', `${path}: expected a file or a folder, got ${fileKind(state)}.`);
    }
    if (state.isDirectory()) {
      const sizes = readdirSync(path).map((name) => statSync(join(path, name)).size);
      return { path, bytes: sizes.reduce((sum, size) => sum + size, 0), ...keypoints(path, options) };
    }
  } catch (cause) {
    if (cause instanceof PoseError) {
      throw cause;
    }
    throw new PoseError('ERR_FILE', `${path}: cannot be read: ${(cause as Error).message}.`, { cause });
  }
  if (bytes === 0) {
    throw new PoseError('ERR_FORMAT', `${path}: the file is empty.`);
  }
  return { path, bytes, ...(await find(path, options)) };
}

async function find(path: string, options: ReadKeypointsOptions): Promise<Found> {
  switch (sniffFormat(path)) {
    case 'safetensors':
      return safetensors(path);
    case 'torch-zip':
    case 'torch-legacy':
      return torch(path);
    case 'npz':
      return npz(path, options);
    case 'npy':
      return npy(path, options);
    case 'mat5':
    case 'mat73':
      throw new PoseError(
        'ERR_UNSUPPORTED',
        `${path} is a MATLAB file; pstmo prepare mpi-inf-3dhp reads those of its data set.`,
      );
    default:
      return motionEndings.includes(extname(path).toLowerCase()) ? motion(path) : text(path, options);
  }
}

/** Files of motion, which their names tell. */
const motionEndings = ['.bvh', '.trc', '.c3d', '.glb'];

function motion(path: string): Found {
  const { frames, fps, skeleton, layout, positions, notes } = readClip(path);
  const { joints } = skeleton;
  const seconds = fps === undefined ? '' : `, ${rateText(fps)}, ${(frames / fps).toFixed(2)} s`;
  const height = largestHeight(positions);
  const lines = [
    `motion: ${frames} frames${seconds}, ${joints.length} ${layout ? `joints of ${layout}` : 'joints or markers'}, ${height.toFixed(2)} m high`,
    ...(layout ? [] : [`  ${joints.slice(0, 40).join(', ')}${joints.length > 40 ? ', ...' : ''}`]),
    // Where it was read from is known.
    ...notes.slice(1),
  ];
  return { kind: 'motion', details: { frames, fps, joints, layout }, lines };
}

/** A rate as a person says it: 29.969999 is 29.97. */
function rateText(fps: number): string {
  return `${Number(fps.toFixed(3))} frames/s`;
}

/** From the lowest to the highest place, y up, metres. */
function largestHeight(positions: Float32Array): number {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let at = 1; at < positions.length; at += 3) {
    if (positions[at] < low) low = positions[at];
    if (positions[at] > high) high = positions[at];
  }
  return Math.max(0, high - low);
}

function safetensors(path: string): Found {
  const file = openSafetensors(path);
  const { metadata } = file;
  file.close();
  if (metadata[DATASET_KEY] !== undefined) {
    return dataset(path);
  }
  if (metadata[CHECKPOINT_KEY] !== undefined) {
    const { config, state } = readCheckpointState(path);
    const { kind, epoch, step, settings, best } = state;
    const lines = [
      `${kind}, ${epoch} of ${settings.epochs} epochs done, ${step} steps, data set ${state.dataset.name}`,
      `best so far: ${best ? `epoch ${best.epoch}, validation ${validationText({ kind, ...best })}` : 'none'}`,
      ...configLines(config),
      `Go on with: pstmo ${kind} <dataset> --out <folder of this file> --resume`,
    ];
    return { kind: 'checkpoint', details: { config, state }, lines };
  }
  if (metadata[CONFIG_KEY] !== undefined) {
    const { config, training } = modelSummary(path);
    const trained = training
      ? [
          `${training.kind} on ${training.dataset.name}, epoch ${training.epoch}, validation ${validationText(training)}`,
        ]
      : [];
    return { kind: 'model', details: { config, training }, lines: [...configLines(config), ...trained] };
  }
  return arrays([...file.entries].map(([name, { dtype, shape }]) => ({ name, type: dtype, shape })));
}

/** The MPJPE of a lifter, the loss of Stage I. */
function validationText({ kind, validation }: { kind: 'pretrain' | 'finetune'; validation: number | null }): string {
  if (validation === null) {
    return 'none';
  }
  return kind === 'finetune' ? `${validation.toFixed(1)} mm` : validation.toFixed(5);
}

function dataset(path: string): Found {
  const { sequences, ...about } = readDatasetMetadata(path);
  const splits = (['train', 'validation', 'test'] as const).map((split) => {
    const own = sequences.filter((sequence) => sequence.split === split);
    const distinct = (of: (sequence: (typeof own)[number]) => string) => [...new Set(own.map(of))];
    return {
      split,
      sequences: own.length,
      frames: own.reduce((sum, { frames }) => sum + frames, 0),
      subjects: distinct(({ subject }) => subject),
      cameras: distinct(({ camera }) => camera),
    };
  });
  const rates = [...new Set(sequences.map(({ fps }) => fps))];
  const lines = [
    `${about.name}: ${sequences.length} sequences, ${about.inputLayout} to ${about.outputLayout}, ${rates.join(', ')} frames/s`,
    ...splits.map(
      (one) =>
        `  ${one.split}: ${one.sequences} sequences, ${one.frames} frames` +
        (one.sequences > 0 ? `, subjects ${one.subjects.join(' ')}, ${one.cameras.length} cameras` : ''),
    ),
    `source: ${about.source}`,
  ];
  return { kind: 'dataset', details: { ...about, fps: rates, splits }, lines };
}

async function torch(path: string): Promise<Found> {
  try {
    const { config, notices, tensors } = await readWeights(path);
    const lines = [...configLines(config), `${tensors.size} tensors`, ...notices];
    return { kind: 'model', details: { config, notices }, lines };
  } catch (error) {
    if (!(error instanceof PoseError && error.code === 'ERR_MODEL')) {
      throw error;
    }
    const state = findStateDict(readTorch(path), path);
    return arrays([...state].map(([name, { data, shape }]) => ({ name, type: data.constructor.name, shape })));
  }
}

async function npz(path: string, options: ReadKeypointsOptions): Promise<Found> {
  const file = openNpz(path);
  const { names } = file;
  file.close();
  if (names.includes('poses') && names.includes('keypoint_layout')) {
    return poses(path);
  }
  if (names.some((name) => name.startsWith(PUBLISHED_PREFIX) || name === tensorNames.mlpEncoder)) {
    return torch(path);
  }
  return keypointsOr(path, options, () => arrays(names.map((name) => ({ name }))));
}

function npy(path: string, options: ReadKeypointsOptions): Found {
  return keypointsOr(path, options, () => {
    const value = readNpy(path);
    return arrays([
      isTensor(value) ? { name: 'array', type: value.data.constructor.name, shape: value.shape } : { name: 'array' },
    ]);
  });
}

function text(path: string, options: ReadKeypointsOptions): Found {
  const head = withSource(path, undefined, (source) => decodeText(source.read(0, Math.min(headBytes, source.size))));
  const columns = head.slice(0, head.indexOf('\n')).split(',');
  if (columns[0] === 'frame' && columns.some((name) => name.endsWith('_x_m'))) {
    const rows = withSource(path, undefined, rowsIn) - 1;
    return { kind: 'poses', details: { frames: rows, columns }, lines: [`3D poses in metres: ${rows} frames`] };
  }
  return withSource(path, undefined, holdsPoses) ? poses(path) : keypoints(path, options);
}

/** Bytes that tell what a text is. */
const headBytes = 65_536;

/** Whether a text says somewhere that it is one of ours with poses. */
function holdsPoses(source: ByteSource): boolean {
  const bytes = 1 << 20;
  for (let at = 0; at < source.size; at += bytes - posesFormat.length) {
    if (Buffer.from(source.read(at, Math.min(bytes, source.size - at)).buffer).includes(posesFormat)) return true;
  }
  return false;
}

/** Lines that are not empty. */
function rowsIn(source: ByteSource): number {
  let rows = 0;
  for (const line of linesIn(source)) if (line.trim() !== '') rows++;
  return rows;
}

/** Keypoints where the file holds some; `other` where it holds something else. */
function keypointsOr(path: string, options: ReadKeypointsOptions, other: () => Found): Found {
  try {
    return keypoints(path, options);
  } catch (error) {
    if (!(error instanceof PoseError)) {
      throw error;
    }
    const found = other();
    return { ...found, lines: [...found.lines, `no keypoints: ${error.message}`] };
  }
}

/** Most people of whom a line is printed. */
const mostLines = 20;

function keypoints(path: string, options: ReadKeypointsOptions): Found {
  const found = findPeople(path, options, true);
  const people = summariesOf(found);
  const said = people.slice(0, mostLines).map(personLine);
  if (people.length > mostLines) {
    said.push(`  and ${people.length - mostLines} more`);
  }
  const [{ fractions, jointNames }] = people;
  try {
    // Fractions are shown as of a square image; nothing below depends on it.
    const size = fractions && options.size === undefined ? { width: 1000, height: 1000 } : undefined;
    const { width, height, ...track } = size
      ? readKeypoints(path, { ...options, size })
      : assembleTrack(path, { ...found[0], person: 0 }, options);
    if (size) track.notices = track.notices.filter((notice) => !notice.includes(`${size.width}x${size.height}`));
    const about = trackAbout(size || width === undefined || height === undefined ? track : { ...track, width, height });
    if (size) {
      said.push('coordinates are fractions of the image: lifting needs --size');
    }
    return { kind: 'keypoints', details: { ...about.details, persons: people }, lines: [...about.lines, ...said] };
  } catch (error) {
    if (!(error instanceof PoseError && jointNames)) {
      throw error;
    }
    const lines = [`2D keypoints of ${jointNames.length} joints: ${jointNames.join(', ')}`, ...said, error.message];
    return { kind: 'keypoints', details: { people: people.length, jointNames, persons: people }, lines };
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function personLine(
  { id, frames, seen, gaps, longestGap, firstFrame, lastFrame, jointsSeen }: PersonSummary,
  person: number,
): string {
  const rare = jointsSeen.filter((share) => share < 0.5).length;
  const holes = gaps === 0 ? 'no gap' : `${count(gaps, 'gap')}, the longest ${count(longestGap, 'frame')}`;
  return (
    `  person ${person}${id === undefined ? '' : ` (${id})`}: ${firstFrame} to ${lastFrame}, seen in ${seen} of ${frames} frames, ${holes}` +
    (rare > 0 ? `; ${rare} of ${jointsSeen.length} joints seen in less than half` : '')
  );
}

function trackAbout(track: KeypointTrack): Pick<Found, 'details' | 'lines'> {
  const { frames, layout, people, notices, width, height, fps } = track;
  const size = width === undefined ? 'image size unknown' : `${width}x${height}`;
  const rate = fps === undefined ? 'frame rate unknown' : rateText(fps);
  const lines = [
    `2D keypoints: ${count(frames, 'frame')}, ${layout}, ${size}, ${rate}, ${people === 1 ? '1 person' : `${people} people`}`,
    ...notices,
  ];
  return { details: { frames, layout, width, height, fps, people, notices }, lines };
}

function poses(path: string): Found {
  const { layout, model, track, poses: data } = readPoses(path);
  const about = trackAbout(track);
  const lines = [`3D poses: ${track.frames} frames, ${layout}, made by ${model}`, ...about.lines];
  return { kind: 'poses', details: { layout, model, values: data.length, track: about.details }, lines };
}

function arrays(found: { name: string; type?: string; shape?: readonly number[] }[]): Found {
  const lines = found.map(({ name, type, shape }) => `  ${name}${shape ? ` (${shape.join(', ')}) ${type}` : ''}`);
  return { kind: 'arrays', details: { arrays: found }, lines: [`${found.length} arrays`, ...lines] };
}

function configLines(config: ModelConfig): string[] {
  const { stage, frames, stride, layers, width, hidden, heads, fps, inputLayout, outputLayout, refine } = config;
  return [
    `P-STMO, Stage ${stage}: N = ${frames}, stride ${stride} at ${fps} frames/s, ${inputLayout} to ${outputLayout}`,
    `${layers} layers, width ${width}, hidden ${hidden}, ${heads} heads, ${config.backbone} backbone` +
      (refine ? `, refining (root: ${refine.root})` : ''),
    ...(stage === 2 ? liftingLines(config) : []),
  ];
}

function liftingLines(config: ModelConfig): string[] {
  const reason = unsupportedReason(config);
  if (reason !== '') {
    return [`Lifting: op by op; not compiled, because ${reason}`];
  }
  return [
    'Lifting on the CPU: compiled',
    "Lifting on a GPU: op by op; compiled with compiled: 'on', which is not the default before a GPU has measured it",
  ];
}
