import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { measuredNode } from '../helpers/measured-node.js';
import { nativeConfig } from '../helpers/native-model.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);

/** Lifts so many frames in a process of its own: its greatest resident size, without keypoints and poses, in MB. */
function peakMegabytes(frames: number): number {
  const program = `
    const { NativeModel } = require(${JSON.stringify(require.resolve('node-gyp-build'))})(${JSON.stringify(root)});
    const frames = Number(process.argv[2]);
    const list = new Int32Array(17).map((_, i) => i);
    const config = { ...JSON.parse(process.argv[1]), mirrorInput: list, mirrorOutput: list };
    const model = new NativeModel(config, { device: 'cpu', precision: 'fp32', threads: 2 });
    const keypoints = Float32Array.from({ length: frames * 34 }, (_, i) => Math.sin(i));
    model.initialize(1)
      .then(() => model.lift({ keypoints, stride: 1, flip: true, first: 0, count: frames, batch: 0 }));`;
  const config = nativeConfig({ frames: 9, width: 16, hidden: 16, heads: 2, layers: 1 });
  const { status, text, megabytes } = measuredNode(['-e', program, JSON.stringify(config), String(frames)]);
  if (status !== 0) throw new Error(text);
  return megabytes - (frames * (17 * 2 + 17 * 3) * 4) / 2 ** 20;
}

describe('a long video', () => {
  it('takes no more memory than a short one, beside its keypoints and poses', () => {
    expect(peakMegabytes(20_000) - peakMegabytes(2000)).toBeLessThan(30);
  });
});
