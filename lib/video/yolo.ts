import { PoseError } from '../base/pose-error.js';
import type { OnnxNetwork } from './onnx.js';
import { type RgbImage, sampleImage } from './sample-image.js';

/** A person in an image: pixels, and where the network finds joints x, y, confidence of each. */
export interface FoundPerson {
  /** left, top, right, bottom */
  box: readonly [number, number, number, number];
  score: number;
  triples: readonly number[];
}

const defaultSize = 640;
const padding = 114;
const bytes = { mean: [0, 0, 0], deviation: [255, 255, 255], outside: padding } as const;
/** Ultralytics' own defaults. */
const leastScore = 0.25;
const mostOverlap = 0.7;
/** Numbers of joints that a pose network has: COCO's and Halpe's. Others' extra channels are classes. */
const jointCounts = [17, 26];

/**
 * Ultralytics' YOLO (8 and later) as exported to ONNX: one image (1, 3, H, W), values 0 to 1, scaled to fit and padded
 * evenly with grey, in; out comes either (1, 4 + 1 + 3 J, A), boxes by centre and size, score and joints of A candidates in
 * the input's pixels; (1, 4 + classes, A) of a network that finds objects, of which class 0 is people; or, exported with NMS,
 * (1, R, 6 + 3 J), boxes by corners, score, class, joints.
 */
export class Yolo {
  readonly #network: OnnxNetwork;
  readonly #height: number;
  readonly #width: number;

  constructor(network: OnnxNetwork) {
    this.#network = network;
    this.#height = network.height ?? defaultSize;
    this.#width = network.width ?? defaultSize;
  }

  /** Everybody in an image, surest first. Throws `ERR_MODEL` for outputs that are none of those above. */
  async find(image: RgbImage): Promise<FoundPerson[]> {
    const [width, height] = [this.#width, this.#height];
    const step = Math.max(image.width / width, image.height / height);
    const view = { step, left: (image.width - width * step) / 2, top: (image.height - height * step) / 2 };
    const input = new Float32Array(3 * width * height);
    sampleImage(image, view, width, height, bytes, input);
    const outputs = await this.#network.run(input, [1, 3, height, width]);
    const [{ data, shape }] = outputs.values();
    if (outputs.size !== 1 || shape.length !== 3 || shape[0] !== 1 || Math.min(shape[1], shape[2]) < 5) {
      throw new PoseError(
        'ERR_MODEL',
        `${this.#network.path}: expected the outputs simcc_x and simcc_y of RTMPose, or one of shape (1, 4 + ..., candidates) of YOLO, got ` +
          `${[...outputs].map(([name, value]) => `${name} (${value.shape.join(', ')})`).join(', ')}.`,
      );
    }
    const people = shape[1] < shape[2] ? candidates(data, shape[1], shape[2]) : suppressed(data, shape[1], shape[2]);
    const toImage = (x: number, y: number): [number, number] => [view.left + x * step, view.top + y * step];
    return people.map(({ box, score, triples }) => ({
      score,
      box: [...toImage(box[0], box[1]), ...toImage(box[2], box[3])],
      triples: triples.map((value, at) =>
        at % 3 === 2 ? value : at % 3 === 0 ? toImage(value, 0)[0] : toImage(0, value)[1],
      ),
    }));
  }
}

/** People among raw candidates, (channels, count): those that overlap a surer one are left out. */
function candidates(data: Float32Array, channels: number, count: number): FoundPerson[] {
  const joints = jointCounts.find((one) => channels === 5 + 3 * one) ?? 0;
  const value = (channel: number, at: number) => data[channel * count + at];
  const found: FoundPerson[] = [];
  for (let at = 0; at < count; at++) {
    const score = value(4, at);
    if (!(score >= leastScore)) continue;
    const [x, y, width, height] = [0, 1, 2, 3].map((channel) => value(channel, at));
    found.push({
      box: [x - width / 2, y - height / 2, x + width / 2, y + height / 2],
      score,
      triples: Array.from({ length: 3 * joints }, (_, channel) => value(5 + channel, at)),
    });
  }
  found.sort((a, b) => b.score - a.score);
  const kept: FoundPerson[] = [];
  for (const one of found) if (kept.every((other) => overlap(one.box, other.box) <= mostOverlap)) kept.push(one);
  return kept;
}

/** People in (rows, channels) of a network that suppresses overlaps itself. */
function suppressed(data: Float32Array, rows: number, channels: number): FoundPerson[] {
  const found: FoundPerson[] = [];
  for (let row = 0; row < rows; row++) {
    const [x0, y0, x1, y1, score, kind, ...triples] = data.subarray(row * channels, (row + 1) * channels);
    if (score >= leastScore && kind === 0) found.push({ box: [x0, y0, x1, y1], score, triples });
  }
  return found.sort((a, b) => b.score - a.score);
}

type Box = FoundPerson['box'];

/** Intersection over union. */
function overlap(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: Box) => (box[2] - box[0]) * (box[3] - box[1]);
  return (width * height) / (area(a) + area(b) - width * height);
}
