import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { throwIfAborted } from '../../base/abort.js';
import { withCallbacks } from '../../base/callbacks.js';
import { checkArguments, checkOptionKinds } from '../../base/check-arguments.js';
import { PoseError } from '../../base/pose-error.js';
import { createRandom } from '../../base/random.js';
import { valueText } from '../../base/value-text.js';
import type { CustomLayout } from '../../keypoints/custom-layout.js';
import { human36m17 } from '../../skeletons/human36m.js';
import { normalizeIntrinsics } from '../cameras.js';
import type { PoseDataset, PoseSequence, Split } from '../pose-dataset.js';
import { relativeTo } from '../root-relative.js';
import type { AsfSkeleton } from './asf-amc.js';
import { readAmc, readAsf } from './asf-amc.js';
import type { BvhOptions, BvhUnits } from './bvh.js';
import { readBvh, UNITS } from './bvh.js';
import { clipPoses } from './clip-poses.js';
import { readMarkerClip } from './marker-clip.js';
import type { MocapClip } from './mocap-clip.js';
import { findMocapLayout } from './mocap-layouts.js';
import { type UpAxis, upAxes } from './up-axis.js';
import type { CameraRanges, VirtualCamera } from './virtual-camera.js';
import { defaultCameraRanges, placeCameras, projectToPixels, shareOutside, worldToCamera } from './virtual-camera.js';

const JOINTS = human36m17.joints.length;

/** Which clips go where. An entry names a subject (a clip's folder: `05`, `salsa`) or one clip (`05/05_10`). */
export interface MocapSplits {
  test: readonly string[];
  validation: readonly string[];
  /** Left out altogether. */
  drop: readonly string[];
}

/**
 * For the CMU and ReActIdle clips that the bundled models learned from. `martial` is CMU's subject 135 again.
 * The salsa clips n and n + 15 are the two dancers of one take: both are held out for validation.
 * Dropped: 09_10 (broken), 14_36 (14_31 once more), the cgspeed skeleton without a motion.
 */
export const defaultMocapSplits: MocapSplits = {
  test: ['05', '16', '135', 'martial', 'genuine'],
  validation: [
    '03',
    '17',
    '14/14_20',
    '29/29_16',
    '49/49_10',
    '127/127_30',
    'salsa/14',
    'salsa/29',
    'indian/15',
    'acted/014_acted',
  ],
  drop: ['09/09_10', '14/14_36', 'cmu-bvh/standard'],
};

export interface MocapOptions {
  /** A folder that is searched, with all below it, for `.amc` (with the `.asf` beside it) and `.bvh`; with `layout`, for `.c3d` and `.trc`. */
  folder: string;
  /** Where the 17 joints of `h36m-17` come from in files that have its `joints`: joints of a BVH, markers of a C3D or TRC. */
  layout?: CustomLayout;
  /** Frames a second of the sequences; 50, as Human3.6M. */
  fps?: number;
  /** Virtual cameras around each clip; 4. */
  cameras?: number;
  cameraRanges?: CameraRanges;
  /** Cameras are drawn from this and the clip's name: other clips do not change them. */
  seed?: number;
  splits?: MocapSplits;
  /** Clips shorter than this are left out, seconds; 0.5. */
  shortest?: number;
  /** Frame rate of AMC files, which do not state it; 120. */
  amcFps?: number;
  /** Length unit of BVH files, which do not state it; guessed from the height of the rest pose. */
  bvhUnits?: BvhUnits;
  /** Which axis points up in BVH, C3D and TRC files; found from how people stand. */
  up?: UpAxis;
  source?: string;
  signal?: AbortSignal;
  /** After each clip. */
  onProgress?: (done: number, total: number, clip: string) => void;
  /** What was guessed or left out, in a sentence. */
  onNotice?: (message: string) => void;
}

const OPTION_NAMES = new Set([
  'folder',
  'layout',
  'fps',
  'cameras',
  'cameraRanges',
  'seed',
  'splits',
  'shortest',
  'amcFps',
  'bvhUnits',
  'up',
  'source',
  'signal',
  'onProgress',
  'onNotice',
]);

const DEFAULT_SOURCE = 'Motion capture seen by virtual cameras.';

interface ClipFile {
  path: string;
  /** The folder's name and the clip's: `05/05_10`. */
  key: string;
  subject: string;
}

const skeletonFiles = ['.amc', '.bvh'];
const markerFiles = ['.c3d', '.trc'];

/** Motion capture files under a folder, in an order that does not depend on the file system. */
async function findClips(folder: string, markers: boolean): Promise<{ clips: ClipFile[]; passedOver: number }> {
  let entries: Awaited<ReturnType<typeof list>>;
  try {
    entries = await list(folder);
  } catch (error) {
    throw new PoseError('ERR_FILE', `${folder} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const has = (endings: readonly string[]) => (path: string) => endings.includes(extname(path).toLowerCase());
  const passedOver = markers ? 0 : entries.filter(has(markerFiles)).length;
  const clips = entries
    .filter(has(markers ? [...skeletonFiles, ...markerFiles] : skeletonFiles))
    .map((path) => {
      const subject = basename(dirname(path));
      return { path, subject, key: `${subject}/${basename(path, extname(path))}` };
    })
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  if (clips.length === 0) {
    const none = markers ? 'No .amc, .bvh, .c3d or .trc' : 'No .amc and no .bvh';
    const hint = passedOver > 0 ? ` ${markerNotice(passedOver)}` : '';
    throw new PoseError(
      'ERR_DATASET',
      `${none} file is in ${folder} or below it (links to folders are not followed).${hint}`,
    );
  }
  for (let i = 1; i < clips.length; i++) {
    if (clips[i].key === clips[i - 1].key) {
      throw new PoseError('ERR_DATASET', `${clips[i].path} and ${clips[i - 1].path} have one name, ${clips[i].key}.`);
    }
  }
  return { clips, passedOver };
}

function markerNotice(count: number): string {
  return (
    `${count} .c3d and .trc ${count === 1 ? 'file has' : 'files have'} markers, which are read with the option layout: a JSON ` +
    'file that says from which markers each joint comes.'
  );
}

async function list(folder: string): Promise<string[]> {
  const entries = await readdir(resolve(folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function isNamed(clip: ClipFile, names: readonly string[]): boolean {
  return names.includes(clip.subject) || names.includes(clip.key);
}

function splitOf(clip: ClipFile, splits: MocapSplits): Split {
  if (isNamed(clip, splits.test)) return 'test';
  return isNamed(clip, splits.validation) ? 'validation' : 'train';
}

/** Throws `ERR_ARGUMENT` for a name of the caller's that no clip and no subject has; the defaults name one collection's. */
function checkSplits(splits: MocapSplits, clips: readonly ClipFile[]): void {
  for (const part of ['test', 'validation', 'drop'] as const) {
    if (splits[part] === defaultMocapSplits[part]) continue;
    const stranger = splits[part].find((name) => !clips.some((clip) => isNamed(clip, [name])));
    if (stranger === undefined) continue;
    const subjects = [...new Set(clips.map(({ subject }) => subject))];
    const list = subjects.slice(0, 20).join(', ') + (subjects.length > 20 ? `, ... (${subjects.length})` : '');
    throw new PoseError(
      'ERR_ARGUMENT',
      `${part}: expected subjects (${list}) or clips of them (${clips[0].key}), got ${stranger}.`,
    );
  }
}

/** "To train on: 01, 02 (2 of 3 clips). To choose the epoch by: nobody. To test on: 05, 02 (1 of 3 clips)." */
function whoWentWhere(sequences: readonly PoseSequence[]): string {
  const clipsOf = (some: readonly PoseSequence[]) => new Set(some.map(({ action }) => action)).size;
  const named = (split: Split) => {
    const own = sequences.filter((one) => one.split === split);
    const subjects = [...new Set(own.map(({ subject }) => subject))].map((subject) => {
      const [here, all] = [own, sequences].map((some) => clipsOf(some.filter((one) => one.subject === subject)));
      return here === all ? subject : `${subject} (${here} of ${all} clips)`;
    });
    return subjects.length === 0 ? 'nobody' : subjects.join(', ');
  };
  return `To train on: ${named('train')}. To choose the epoch by: ${named('validation')}. To test on: ${named('test')}.`;
}

/** The skeleton of an AMC file: `05.asf` for `05_10.amc`, or the only `.asf` beside it. */
async function skeletonOf(path: string, known: Map<string, AsfSkeleton>): Promise<AsfSkeleton> {
  const folder = dirname(path);
  const candidates = (await readdir(folder)).filter((name) => extname(name).toLowerCase() === '.asf');
  const own = `${basename(path).split('_')[0]}.asf`;
  const chosen = candidates.includes(own) ? own : candidates.length === 1 ? candidates[0] : undefined;
  if (chosen === undefined) {
    const found = candidates.length === 0 ? 'none' : candidates.join(', ');
    throw new PoseError(
      'ERR_DATASET',
      `${path} needs its skeleton ${own} (or one .asf alone) beside it; found ${found}.`,
    );
  }
  const asfPath = join(folder, chosen);
  const skeleton = known.get(asfPath) ?? (await readAsf(asfPath));
  known.set(asfPath, skeleton);
  return skeleton;
}

async function readClip(
  path: string,
  skeletons: Map<string, AsfSkeleton>,
  options: MocapOptions,
  onNotice: BvhOptions['onNotice'],
): Promise<MocapClip> {
  const ending = extname(path).toLowerCase();
  if (ending === '.amc') return readAmc(path, await skeletonOf(path, skeletons), options.amcFps);
  if (ending === '.bvh') return readBvh(path, { units: options.bvhUnits, ...(onNotice && { onNotice }) });
  return readMarkerClip(path);
}

/** One clip as one camera sees it. */
function makeSequence(
  clip: ClipFile,
  index: number,
  camera: VirtualCamera,
  world: Float32Array,
  split: Split,
  fps: number,
  part: string,
): PoseSequence {
  const { width, height } = camera;
  const inCamera = worldToCamera(camera.extrinsics, world);
  const keypoints = projectToPixels(camera, inCamera);
  for (let i = 0; i < keypoints.length; i += 2) {
    keypoints[i] = (keypoints[i] / width) * 2 - 1;
    keypoints[i + 1] = (keypoints[i + 1] / width) * 2 - height / width;
  }
  return {
    name: `${clip.key}${part}/${index}`,
    subject: clip.subject,
    action: clip.key.slice(clip.subject.length + 1) + part,
    camera: String(index),
    split,
    fps,
    frames: world.length / (JOINTS * 3),
    width,
    height,
    keypoints,
    ...relativeTo(human36m17.root, inCamera, JOINTS),
    intrinsics: normalizeIntrinsics(camera),
    extrinsics: camera.extrinsics,
  };
}

function checkOptions(options: MocapOptions): void {
  for (const name of Object.keys(options)) {
    if (!OPTION_NAMES.has(name)) {
      throw new PoseError(
        'ERR_ARGUMENT',
        `prepareMocap has no option ${name}; it has ${[...OPTION_NAMES].join(', ')}.`,
      );
    }
  }
  const { fps = 50, cameras = 4, shortest = 0.5, amcFps = 120 } = options;
  const number = (name: string, value: number, low: number, high: number) => {
    if (!(value >= low && value <= high)) {
      throw new PoseError('ERR_ARGUMENT', `${name} must be from ${low} to ${high}, but is ${value}.`);
    }
  };
  number('fps', fps, 1, 1000);
  number('amcFps', amcFps, 1, 1000);
  number('shortest', shortest, 0, 3600);
  number('cameras', cameras, 1, 64);
  const { up, bvhUnits } = options;
  if (up !== undefined && !upAxes.includes(up)) {
    throw new PoseError('ERR_ARGUMENT', `up: expected one of ${upAxes.join(', ')}, got ${valueText(up)}.`);
  }
  if (bvhUnits !== undefined && !(typeof bvhUnits === 'number' ? bvhUnits > 0 && bvhUnits < 1000 : bvhUnits in UNITS)) {
    const named = Object.keys(UNITS).join(', ');
    throw new PoseError('ERR_ARGUMENT', `bvhUnits: expected ${named} or metres, got ${valueText(bvhUnits)}.`);
  }
  if (!Number.isInteger(cameras)) throw new PoseError('ERR_ARGUMENT', `cameras must be whole, but is ${cameras}.`);
}

/**
 * Motion capture as a data set of poses in Human3.6M's 17 joints: every clip, resampled to `fps`, seen by
 * `cameras` virtual cameras, with clean 2D. Reads ASF/AMC and BVH of the skeletons in `mocapLayouts` or with named limbs, and
 * with a `layout` other BVH, C3D and TRC; throws `PoseError` that names the file on anything else. One clip at a time is held beside the result, whose size is
 * 352 bytes a frame and camera.
 */
export async function prepareMocap(options: MocapOptions): Promise<PoseDataset> {
  checkArguments('prepareMocap', { options }, 'object');
  checkOptionKinds('prepareMocap', options, {
    ...{ folder: 'text', layout: 'object', fps: 'number', cameras: 'number', cameraRanges: 'object', seed: 'number' },
    ...{ splits: 'object', shortest: 'number', amcFps: 'number', bvhUnits: 'number|text', up: 'text', source: 'text' },
  });
  checkOptions(options);
  return withCallbacks(options, prepare);
}

async function prepare(options: MocapOptions): Promise<PoseDataset> {
  const { folder, fps = 50, cameras = 4, cameraRanges = defaultCameraRanges, seed = 0, shortest = 0.5 } = options;
  const splits = options.splits ?? defaultMocapSplits;
  const found = await findClips(folder, options.layout !== undefined);
  const clips = found.clips.filter((clip) => !isNamed(clip, splits.drop));
  if (options.splits) checkSplits(options.splits, found.clips);
  if (found.passedOver > 0) options.onNotice?.(markerNotice(found.passedOver));
  const skeletons = new Map<string, AsfSkeleton>();
  const sequences: PoseSequence[] = [];
  const said = new Set<string>();
  /** Units and the upward axis are found for each file, but said once a folder. */
  const once = (kind: string, { subject }: ClipFile, text: string) => {
    if (said.has(`${kind} ${subject}`)) return;
    said.add(`${kind} ${subject}`);
    options.onNotice?.(text);
  };
  for (const [done, clip] of clips.entries()) {
    throwIfAborted(options.signal, 'Preparing motion capture was stopped by its signal.');
    const motion = await readClip(clip.path, skeletons, options, (text, about) =>
      once(about === 'units' ? about : clip.path, clip, text),
    );
    const { parts, notices } = clipPoses(motion, findMocapLayout(motion, options.layout), fps, options.up);
    for (const { about, text } of notices) once(about === 'gaps' ? clip.path : about, clip, text);
    for (const [place, world] of parts.entries()) {
      const part = parts.length > 1 ? ` part ${place + 1}` : '';
      const frames = world.length / (JOINTS * 3);
      if (frames < shortest * fps) {
        options.onNotice?.(`${clip.key}${part} lasts ${(frames / fps).toFixed(2)} s: left out.`);
        continue;
      }
      const random = createRandom(seed, 'cameras', clip.key + part);
      const placed = placeCameras(random, world, JOINTS, cameras, cameraRanges);
      const split = splitOf(clip, splits);
      placed.forEach((camera, index) => {
        const unseen = shareOutside(camera, world);
        if (unseen > 0.05) {
          const share = (unseen * 100).toFixed(0);
          options.onNotice?.(`${clip.key}${part}: camera ${index} does not see ${share}% of the joints.`);
        }
        sequences.push(makeSequence(clip, index, camera, world, split, fps, part));
      });
    }
    options.onProgress?.(done + 1, clips.length, relative(folder, clip.path).split(sep).join('/'));
  }
  options.onNotice?.(whoWentWhere(sequences));
  if (sequences.length === 0) throw new PoseError('ERR_DATASET', `${folder}: every clip was dropped or too short.`);
  return {
    name: basename(resolve(folder)),
    inputLayout: human36m17.name,
    outputLayout: human36m17.name,
    rootJoint: human36m17.root,
    sequences,
    source: options.source ?? DEFAULT_SOURCE,
  };
}
