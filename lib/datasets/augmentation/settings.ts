import * as z from '../../base/schema.js';

const range = (low: number) => z.tuple([z.number(low), z.number(low)]);
const share = (otherwise: number) => z._default(z.number(0, 1), otherwise);

/** One kind of camera. A sequence's camera is of one kind, drawn by the shares, its values uniformly from the ranges. */
const cameraKind = z.strictObject({
  /** How often this kind is drawn, beside the other kinds' shares. */
  share: z.number(0),
  /** Focal length in half image widths: 1.45 to 1.8 for a phone held level. Drawn evenly in its logarithm. */
  focal: range(0.1),
  /** Image height over width: 0.5625 level, 1.778 upright. */
  aspect: z.positive(),
  /** Metres to the middle of the motion, drawn evenly in their logarithm. A camera steps back, to twice the far end, until it sees the person. */
  distance: range(0.5),
  /** Degrees above the horizon at which the camera stands, seen from the person's hip. */
  elevation: z.tuple([z.number(-90, 90), z.number(-90, 90)]),
  /** Degrees by which the horizon is tilted, either way. */
  roll: z.number(0, 180),
});

/** What real videos have: a laboratory, phones upright and level, a camera under the ceiling, broadcasts. */
const realCameras: z.output<typeof cameraKind>[] = [
  { share: 0.4, focal: [2, 2.5], aspect: 1, distance: [2.6, 7], elevation: [-6, 20], roll: 3 },
  { share: 0.2, focal: [2.2, 3.4], aspect: 1.778, distance: [1.8, 8], elevation: [-12, 15], roll: 6 },
  { share: 0.25, focal: [1.1, 2], aspect: 0.5625, distance: [1.8, 8], elevation: [-12, 20], roll: 6 },
  { share: 0.05, focal: [1, 2], aspect: 0.5625, distance: [3, 8], elevation: [15, 40], roll: 6 },
  { share: 0.1, focal: [3, 10], aspect: 0.5625, distance: [10, 45], elevation: [0, 25], roll: 3 },
];

const body = z.strictObject({
  /** The whole body grows or shrinks by up to this share. */
  size: share(0.04),
  /** Each pair of limbs, the trunk, the head, hips and shoulders by up to this share besides. */
  limbs: share(0.1),
  /** Legs and trunk (metres: thigh, shank, hip to thorax) of smaller bodies are brought up to this. */
  smallest: z._default(z.number(0), 1.25),
});

const detector = z.strictObject({
  /** Share of sequences without any error. */
  clean: share(0.25),
  /** How large a sequence's errors are, times the table of errors; drawn evenly in its logarithm. */
  strength: z._default(range(0), [0.25, 1.6]),
  /** Seconds over which errors change; drawn evenly in its logarithm. */
  drift: z._default(range(0.001), [0.03, 0.6]),
  /** Share of sequences with independent noise besides, of the same size for near and far people. */
  pixelShare: share(0.6),
  /** Its standard deviation in half image widths; drawn evenly in its logarithm. */
  pixels: z._default(range(0), [0.0005, 0.007]),
  /** Share of sequences whose hip, spine and thorax are worked out from hips and shoulders, as layouts are mapped. */
  mapped: share(0.5),
  /** Share of sequences in which left and right change places for moments. */
  swaps: share(0.12),
  /** Share of sequences in which joints are hidden, and whole frames lost; both are bridged as gaps of a file are. */
  hidden: share(0.35),
  lost: share(0.25),
});

/**
 * How a training makes new sequences of its recordings in each epoch: other cameras, bodies, speeds and detector errors.
 * Everything is drawn from the seed, the epoch and the recording's name.
 */
export const augmentationSchema = z.strictObject({
  /** The world's axis that points up: y in `pstmo prepare mocap`, z in Human3.6M. */
  up: z._default(z.enum(['y', 'z']), () => 'y' as const),
  /** Recordings are cut into sequences of at most so many seconds, each with a camera and a body. */
  seconds: z._default(z.positive(), 6),
  /**
   * Metres a second: of sequences whose joints move slower than this on average, only as large a share is made; people who
   * stand about would be most of it. Never less than `fewest`.
   */
  lively: z._default(z.number(0), 0.6),
  fewest: share(0.08),
  /**
   * Share of sequences in which the person stays in their place: the camera goes along, or they walk on a treadmill. Only the
   * way over the ground is taken away, and of it the mean over a second.
   */
  followed: share(0.25),
  cameras: z._default(z.array(cameraKind).check(z.minLength(1)), () => realCameras),
  body: z.prefault(body, {}),
  /** How much faster than recorded the motion is; drawn evenly in its logarithm. */
  speed: z._default(range(0.1), [0.8, 1.25]),
  /** Frames a second of the video that the detector sees, before it is brought to the training's rate. */
  rates: z._default(z.array(z.positive()).check(z.minLength(1)), () => [24, 25, 30, 30, 50, 50, 50, 50, 60, 60]),
  detector: z.prefault(detector, {}),
});

export type Augmentation = z.output<typeof augmentationSchema>;
export type CameraKind = z.output<typeof cameraKind>;
export type DetectorSettings = z.output<typeof detector>;
export type BodySettings = z.output<typeof body>;
