import { checkArguments } from '../base/check-arguments.js';
import { parseJsonText } from '../base/json-text.js';
import { PoseError } from '../base/pose-error.js';
import * as z from '../base/schema.js';

/** The key under which a data set file keeps its description, as JSON, in the safetensors metadata. */
export const DATASET_KEY = 'pstmo.dataset';
export const DATASET_VERSION = 1;

const positive = z.positive();
const numbers = (count: number) => z.array(z.number()).check(z.length(count));
const pixels = z.whole(1, 1_000_000);

const sequenceSchema = z.strictObject({
  name: z.string(),
  subject: z.string(),
  action: z.string(),
  camera: z.string(),
  split: z.enum(['train', 'validation', 'test']),
  fps: positive,
  /** First row in the tensors, and number of rows. */
  start: z.whole(0),
  frames: z.whole(1),
  width: pixels,
  height: pixels,
  /** Pixels. */
  intrinsics: z.optional(z.strictObject({ fx: positive, fy: positive, cx: z.number(), cy: z.number() })),
  /** World to camera: row-major rotation, translation in metres. */
  extrinsics: z.optional(z.strictObject({ rotation: numbers(9), translation: numbers(3) })),
});

const datasetSchema = z.strictObject({
  version: z.literal(DATASET_VERSION),
  name: z.string(),
  source: z.string(),
  units: z.strictObject({
    keypoints: z.literal('pixels'),
    poses: z.literal('metres, camera axes, relative to the root joint'),
    root: z.literal('metres, camera axes'),
  }),
  inputLayout: z.string(),
  outputLayout: z.string(),
  rootJoint: z.whole(-1),
  sequences: z.array(sequenceSchema).check(z.minLength(1)),
});

export type SequenceMetadata = z.infer<typeof sequenceSchema>;
export type DatasetMetadata = z.infer<typeof datasetSchema>;

/** Reads the description out of a file's metadata; throws `ERR_FORMAT` that names the field that is wrong. */
export function parseDatasetMetadata(metadata: Record<string, string>, file: string): DatasetMetadata {
  checkArguments('parseDatasetMetadata', { metadata, file }, 'object', 'text');
  const text = metadata[DATASET_KEY];
  if (text === undefined) {
    throw new PoseError(
      'ERR_FORMAT',
      `${file} is no data set of this project, as \`pstmo prepare\` makes them: its metadata has no ${DATASET_KEY}.`,
    );
  }
  let value: unknown;
  try {
    value = parseJsonText(text);
  } catch (error) {
    throw new PoseError('ERR_FORMAT', `${file}: ${DATASET_KEY} is not JSON: ${(error as Error).message}`);
  }
  const version = (value as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version > DATASET_VERSION) {
    throw new PoseError('ERR_UNSUPPORTED', `${file} has version ${version}; up to ${DATASET_VERSION} is read here.`);
  }
  const result = datasetSchema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new PoseError(
      'ERR_FORMAT',
      `${file}: ${DATASET_KEY}, at ${issue.path.join('.') || 'the top'}: ${issue.message}`,
    );
  }
  return result.data;
}
