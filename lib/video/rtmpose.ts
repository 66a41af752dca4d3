import { PoseError } from '../base/pose-error.js';
import type { OnnxNetwork } from './onnx.js';
import { type RgbImage, sampleImage, type View } from './sample-image.js';
import type { FoundPerson } from './yolo.js';

const defaultSize = { width: 192, height: 256 };
/** The box is widened by this before it is cut out. */
const margin = 1.25;
/** Mean and deviation of the photographs that such networks learn from first. */
const photographs = { mean: [123.675, 116.28, 103.53], deviation: [58.395, 57.12, 57.375], outside: 0 } as const;

/** Whether a network's outputs are those of RTMPose. */
export function isRtmPose(network: OnnxNetwork): boolean {
  return network.outputs.includes('simcc_x') && network.outputs.includes('simcc_y');
}

/**
 * RTMPose as exported to ONNX: cut-out people (B, 3, H, W) in, normalised; out come `simcc_x` (B, J, rW) and `simcc_y` (B, J, rH),
 * for each joint how likely it is in each column and each row, finer than the input by r (2). The place is where each is
 * highest, the confidence the lower of the two maxima.
 */
export class RtmPose {
  readonly #network: OnnxNetwork;
  readonly #width: number;
  readonly #height: number;

  constructor(network: OnnxNetwork) {
    this.#network = network;
    this.#width = network.width ?? defaultSize.width;
    this.#height = network.height ?? defaultSize.height;
  }

  /** The joints of the person in each box (left, top, right, bottom). */
  async find(image: RgbImage, boxes: readonly FoundPerson['box'][]): Promise<number[][]> {
    const people: number[][] = [];
    // One at a time: files that fix the batch fix it at one.
    for (const box of boxes) people.push(await this.#one(image, box));
    return people;
  }

  async #one(image: RgbImage, box: FoundPerson['box']): Promise<number[]> {
    const [width, height] = [this.#width, this.#height];
    const view = this.#viewOf(box);
    const input = new Float32Array(3 * width * height);
    // The network's pixel i shows the image at left + i step, without the half pixels of centres.
    const half = (1 - view.step) / 2;
    const shown = { step: view.step, left: view.left + half, top: view.top + half };
    sampleImage(image, shown, width, height, photographs, input);
    const outputs = await this.#network.run(input, [1, 3, height, width]);
    const [x, y] = [outputs.get('simcc_x'), outputs.get('simcc_y')];
    const joints = x?.shape[1] ?? 0;
    if (!x || !y || x.shape.length !== 3 || y.shape.length !== 3 || y.shape[1] !== joints) {
      const got = [x, y].map((value) => (value ? `(${value.shape.join(', ')})` : 'none')).join(' and ');
      throw new PoseError(
        'ERR_MODEL',
        `${this.#network.path}: expected simcc_x and simcc_y of shape (1, J, bins), got ${got}.`,
      );
    }
    const triples: number[] = [];
    for (let joint = 0; joint < joints; joint++) {
      const [column, sureX] = highest(x.data, joint, x.shape[2]);
      const [row, sureY] = highest(y.data, joint, y.shape[2]);
      const sure = Math.min(Math.max(Math.min(sureX, sureY), 0), 1);
      const place = [
        (column / x.shape[2]) * width * view.step + view.left,
        (row / y.shape[2]) * height * view.step + view.top,
      ];
      const [left, top] = sure > 0 ? place : [0, 0];
      triples.push(left, top, sure);
    }
    return triples;
  }

  /** The box with its margin, as wide as the input for its height. */
  #viewOf([left, top, right, bottom]: FoundPerson['box']): View {
    const step = margin * Math.max((right - left) / this.#width, (bottom - top) / this.#height);
    return {
      step,
      left: (left + right - this.#width * step) / 2,
      top: (top + bottom - this.#height * step) / 2,
    };
  }
}

/** Where a joint's bins are highest, and how high. */
function highest(bins: Float32Array, joint: number, count: number): [number, number] {
  const own = bins.subarray(joint * count, (joint + 1) * count);
  let best = 0;
  for (let bin = 1; bin < count; bin++) if (own[bin] > own[best]) best = bin;
  return [best, own[best]];
}
