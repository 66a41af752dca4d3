import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readPoses } from '../../lib/export/poses/read-poses.js';
import { OnnxNetwork } from '../../lib/video/onnx.js';
import { readVideo } from '../../lib/video/read-video.js';
import { RtmPose } from '../../lib/video/rtmpose.js';
import { type RgbImage, sampleImage } from '../../lib/video/sample-image.js';
import { probeVideo, videoFrames } from '../../lib/video/video-frames.js';
import { Yolo } from '../../lib/video/yolo.js';
import { runHere } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { onnxFile } from '../helpers/writers/onnx-writer.js';
import {
  rtmPoseOfSpot,
  spotBrightness,
  spotOffset,
  spotShare,
  yoloOfSpots,
} from '../helpers/writers/spot-detectors.js';

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);

/** Tests that need what is not installed are skipped, with the reason in their names. */
const ffmpeg = spawnSync('ffmpeg', ['-version']).error ? 'no ffmpeg' : undefined;
const runtime = (() => {
  try {
    createRequire(import.meta.url).resolve('onnxruntime-node');
    return undefined;
  } catch {
    return 'no onnxruntime-node';
  }
})();
const itWith = (lacking: (string | undefined)[], name: string, run: () => Promise<void>) => {
  const reasons = lacking.filter((reason) => reason !== undefined);
  if (reasons.length > 0) it.skip(`${name} (skipped: ${reasons.join(', ')})`, () => undefined);
  else it(name, run);
};

const [width, height, frames, side] = [320, 240, 12, 20];
/** Left upper corners of the spots in a frame. */
const corners = (frame: number) => ({ red: [60 + 4 * frame, 90], green: [230, 110 + 2 * frame] }) as const;

function spots(frame: number, colours: readonly ('red' | 'green')[] = ['red', 'green']): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (const colour of colours) {
    const [left, top] = corners(frame)[colour];
    for (let y = top; y < top + side; y++) {
      for (let x = left; x < left + side; x++) data[(y * width + x) * 3 + (colour === 'red' ? 0 : 1)] = 255;
    }
  }
  return { data, width, height };
}

beforeAll(() => {
  writeFileSync(file('yolo.onnx'), onnxFile(yoloOfSpots(160, [0.9, 0.8, 0.1, 0.7])));
  writeFileSync(file('boxes.onnx'), onnxFile(yoloOfSpots(160, [0, 0, 0, 0.7], 0)));
  writeFileSync(file('red.onnx'), onnxFile(rtmPoseOfSpot('red')));
  writeFileSync(file('green.onnx'), onnxFile(rtmPoseOfSpot('green')));
  if (ffmpeg) return;
  const raw = Buffer.concat(Array.from({ length: frames }, (_, frame) => spots(frame).data));
  const input = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-r', '25', '-i', 'pipe:0'];
  execFileSync('ffmpeg', ['-v', 'error', ...input, '-c:v', 'ffv1', '-pix_fmt', 'bgr0', file('spots.mkv')], {
    input: raw,
  });
});

describe('sampleImage', () => {
  const grey = { mean: [0, 0, 0], deviation: [1, 1, 1], outside: 7 } as const;

  it('shows an image as it is, channel by channel, and what lies outside', () => {
    const image = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 2, height: 1 };
    const out = new Float32Array(3 * 3 * 1);
    sampleImage(image, { left: 0, top: 0, step: 1 }, 3, 1, grey, out);
    expect([...out]).toEqual([1, 4, 7, 2, 5, 7, 3, 6, 7]);
  });

  it('interpolates between the middles of pixels, and normalises', () => {
    const image = { data: Uint8Array.of(0, 0, 0, 100, 100, 100), width: 2, height: 1 };
    const out = new Float32Array(3);
    sampleImage(
      image,
      { left: 0, top: -0.5, step: 2 },
      1,
      1,
      { mean: [1, 2, 3], deviation: [1, 2, 4], outside: 50 },
      out,
    );
    expect([...out]).toEqual([49, 24, 11.75]);
  });
});

describe('detectors', () => {
  itWith([runtime], 'YOLO finds each person once, where they are in the image', async () => {
    await using network = await OnnxNetwork.load(file('yolo.onnx'));
    const found = await new Yolo(network).find(spots(3));
    expect(found.map(({ score }) => score)).toEqual([expect.closeTo(0.9, 6), expect.closeTo(0.7, 6)]);
    for (const [index, colour] of (['red', 'green'] as const).entries()) {
      const [left, top] = corners(3)[colour];
      // Candidates lie a network's pixel further each, and its pixel is two of the image's.
      const shift = index === 0 ? 0 : 2 * 3;
      const expected = Array.from({ length: 17 }, (_, joint) => {
        const [x, y] = spotOffset(joint);
        return [left + side / 2 + 2 * x, top + side / 2 + 2 * y, 0.9];
      }).flat();
      for (const [at, value] of found[index].triples.entries()) expect(value).toBeCloseTo(expected[at], 2);
      const [x, y] = [left + side / 2 + shift, top + side / 2 + shift];
      const box = [x - 20, y - 40, x + 20, y + 40];
      for (const [at, value] of found[index].box.entries()) expect(value).toBeCloseTo(box[at], 2);
    }
  });

  itWith([runtime], 'YOLO with NMS inside is taken as it is, people only', async () => {
    const rows = 60;
    const data = new Array(rows * 57).fill(0);
    for (const [row, kind] of [0, 1, 0].entries())
      data.splice(57 * row, 8, 10, 20, 30, 60, 0.5 + 0.1 * row, kind, 40, 50);
    const constants = { data: { data, shape: [1, rows, 57] }, nothing: { data: [0], shape: [1] } };
    const graph = {
      ...{ inputs: { images: [1, 3, 160, 160] }, outputs: { output0: [1, rows, 57] }, constants },
      nodes: [
        { op: 'ReduceMean', in: ['images'], out: 'mean', attributes: { axes: [0, 1, 2, 3], keepdims: 0 } },
        { op: 'Mul', in: ['mean', 'nothing'], out: 'zero' },
        { op: 'Add', in: ['data', 'zero'], out: 'output0' },
      ],
    };
    writeFileSync(file('nms.onnx'), onnxFile(graph));
    await using network = await OnnxNetwork.load(file('nms.onnx'));
    const found = await new Yolo(network).find(spots(0));
    expect(found.map(({ score }) => score)).toEqual([expect.closeTo(0.7, 6), expect.closeTo(0.5, 6)]);
    // Twice as large in the image, whose height was padded by 20.
    expect(found[0].box).toEqual([20, 0, 60, 80]);
    expect(found[0].triples.slice(0, 2)).toEqual([80, 60]);
  });

  itWith([runtime], "RTMPose's bins are put back into the image, the lower maximum is the confidence", async () => {
    await using network = await OnnxNetwork.load(file('red.onnx'));
    // With its margin of 1.25 the box is 192 x 256 pixels, one for one of the network's.
    const [left, top] = corners(0).red;
    const middle = [left + side / 2 - 0.5, top + side / 2 - 0.5];
    const [x0, y0] = [left + side / 2, top + side / 2];
    const box = [x0 - 76.8, y0 - 102.4, x0 + 76.8, y0 + 102.4] as const;
    const [triples] = await new RtmPose(network).find(spots(0), [box]);
    const size = side * Math.sqrt(spotBrightness.red);
    for (let joint = 0; joint < 17; joint++) {
      const [x, y] = spotShare(joint).map((share, axis) => middle[axis] + share * size);
      // A bin is half a pixel.
      expect(Math.abs(triples[3 * joint] - x)).toBeLessThan(0.26);
      expect(Math.abs(triples[3 * joint + 1] - y)).toBeLessThan(0.26);
      expect(Math.abs(triples[3 * joint + 2] - 0.8)).toBeLessThan(0.01);
    }
  });

  itWith([runtime], 'files that are no such network are refused', async () => {
    writeFileSync(file('rubbish.onnx'), 'rubbish');
    await expect(OnnxNetwork.load(file('rubbish.onnx'))).rejects.toMatchObject({ code: 'ERR_MODEL' });
    const relu = { op: 'Relu', in: ['x'], out: 'y' };
    writeFileSync(
      file('relu.onnx'),
      onnxFile({ inputs: { x: [1, 3, 64, 64] }, outputs: { y: [1, 3, 64, 64] }, constants: {}, nodes: [relu] }),
    );
    await using network = await OnnxNetwork.load(file('relu.onnx'));
    await expect(new Yolo(network).find(spots(0))).rejects.toThrow('got y (1, 3, 64, 64)');
  });
});

describe('videos', () => {
  itWith([ffmpeg], 'have size, rate and frames, bit for bit where they were packed so', async () => {
    const about = await probeVideo(file('spots.mkv'));
    expect(about).toMatchObject({ width, height, fps: 25 });
    let count = 0;
    for await (const data of videoFrames(file('spots.mkv'), about)) {
      expect(Buffer.from(data).equals(spots(count).data)).toBe(true);
      count++;
    }
    expect(count).toBe(frames);
  });

  itWith([ffmpeg], 'that are turned are shown upright', async () => {
    execFileSync('ffmpeg', ['-v', 'error', '-i', file('spots.mkv'), '-c:v', 'mpeg4', file('lying.mp4')]);
    // Newer versions write how a video is turned by an option of the input, older ones by a note in the output.
    const copy = ['-codec', 'copy', '-y', file('turned.mp4')];
    const turned = ['-v', 'error', '-display_rotation', '90', '-i', file('lying.mp4'), ...copy];
    if (spawnSync('ffmpeg', turned).status !== 0) {
      execFileSync('ffmpeg', ['-v', 'error', '-i', file('lying.mp4'), '-metadata:s:v:0', 'rotate=90', ...copy]);
    }
    const about = await probeVideo(file('turned.mp4'));
    expect(about).toMatchObject({ width: height, height: width });
    for await (const data of videoFrames(file('turned.mp4'), about)) expect(data.length).toBe(width * height * 3);
  });

  itWith([ffmpeg], 'are left when nobody wants the rest, and stopped on request', async () => {
    const about = await probeVideo(file('spots.mkv'));
    for await (const data of videoFrames(file('spots.mkv'), about)) {
      expect(data.length).toBeGreaterThan(0);
      break;
    }
    const rest = videoFrames(file('spots.mkv'), about, AbortSignal.abort());
    await expect(rest.next()).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  });

  itWith([ffmpeg], 'that are none, or point elsewhere, are refused', async () => {
    writeFileSync(file('rubbish.mp4'), 'rubbish');
    await expect(probeVideo(file('rubbish.mp4'))).rejects.toMatchObject({ code: 'ERR_FORMAT' });
    writeFileSync(
      file('list.mp4'),
      `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n`,
    );
    await expect(probeVideo(file('list.mp4'))).rejects.toMatchObject({ code: 'ERR_FORMAT' });
  });

  itWith([ffmpeg, runtime], 'give everybody a track of their own, surest and largest first', async () => {
    const tracks = await readVideo(file('spots.mkv'), { detector: file('yolo.onnx') });
    expect(tracks).toHaveLength(2);
    const about = { frames, joints: 17, layout: 'coco-17', width, height, fps: 25, people: 2 };
    for (const track of tracks) expect(track).toMatchObject(about);
    const [x0, x1] = [0, frames - 1].map((frame) => tracks.map(({ keypoints }) => keypoints[frame * 34 + 2]));
    expect(x1.map((x, person) => Math.round(x - x0[person])).sort((a, b) => a - b)).toEqual([0, 4 * (frames - 1)]);
  });

  itWith([ffmpeg, runtime], "follow one person, or a finder's, with RTMPose", async () => {
    const middle = (track: { keypoints: Float32Array }, frame: number) => {
      const own = track.keypoints.subarray(frame * 34, (frame + 1) * 34);
      return [0, 1].map((axis) => own.filter((_, at) => at % 2 === axis).reduce((sum, value) => sum + value / 17, 0));
    };
    const followed = await readVideo(file('spots.mkv'), { detector: file('red.onnx') });
    expect(followed).toHaveLength(1);
    expect(followed[0].notices.join(' ')).toContain('follows one person');
    const found = await readVideo(file('spots.mkv'), { detector: file('green.onnx'), boxes: file('boxes.onnx') });
    expect(found).toHaveLength(1);
    for (const [[track], colour] of [
      [followed, 'red'],
      [found, 'green'],
    ] as const) {
      for (let frame = 0; frame < frames; frame++) {
        const [left, top] = corners(frame)[colour];
        const [x, y] = middle(track, frame);
        // A bin of the first, widest view is a pixel of the image; joints lie to either side of the middle, 0.02 more to one.
        expect(Math.abs(x - (left + side / 2))).toBeLessThan(2);
        expect(Math.abs(y - (top + side / 2))).toBeLessThan(2);
      }
    }
  });

  itWith([ffmpeg, runtime], 'lift in one command, each person', async () => {
    const out = file('lifted');
    const command = [
      'lift',
      file('spots.mkv'),
      '--detector',
      file('yolo.onnx'),
      '--person',
      'all',
      '--format',
      'json',
      '--out',
      out,
    ];
    const { code, err } = await runHere(command);
    expect(code, err).toBe(0);
    for (const person of [0, 1]) {
      const { poses, track } = readPoses(join(out, `spots-person${person}-3d.json`));
      expect(track).toMatchObject({ frames, width, height, fps: 25 });
      expect(poses).toHaveLength(frames * 17 * 3);
    }
  });
});

describe('videoFrames', () => {
  it.each([
    [0, 0, 25],
    [640, 0, 25],
    [1.5, 480, 25],
    [640, 480, 0],
    [640, 480, Number.POSITIVE_INFINITY],
  ])('refuses %d x %d pixels at %d frames a second', async (width, height, fps) => {
    await expect(videoFrames('a.mp4', { width, height, fps, frames: undefined }).next()).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: `videoFrames: expected whole numbers of pixels and a positive rate, got ${width}x${height} at ${fps}.`,
    });
  });
});

describe('what is missing is said', () => {
  const lift = async (...args: string[]) => {
    const { code, err } = await runHere(['lift', ...args, '--out', file('none.npz')]);
    return `${code}: ${err}`;
  };

  it('a detector', async () => {
    expect(await lift(file('a.mp4'))).toMatch(/^2: [\s\S]*--detector file\.onnx.*YOLO pose network.*RTMPose/);
    expect(await lift(file('a.mp4'), '--detector', file('absent.onnx'))).toMatch(
      /^1: [\s\S]*absent\.onnx: there is no such file/,
    );
    expect(await lift(file('a.json'), '--detector', file('yolo.onnx'))).toMatch(/^2: [\s\S]*expected a video/);
    expect(await lift(file('a.mp4'), '--size', '10x10', '--detector', file('yolo.onnx'))).toMatch(
      /^2: [\s\S]*says these itself/,
    );
  });

  it('ffmpeg', async () => {
    const { PATH } = process.env;
    process.env.PATH = folder;
    try {
      writeFileSync(file('a.mp4'), 'a');
      await expect(readVideo(file('a.mp4'), { detector: file('yolo.onnx') })).rejects.toMatchObject({
        code: 'ERR_UNSUPPORTED',
        message: expect.stringContaining('install ffmpeg'),
      });
    } finally {
      process.env.PATH = PATH;
    }
  });

  if (runtime) {
    it('onnxruntime-node', async () => {
      await expect(OnnxNetwork.load(file('yolo.onnx'))).rejects.toMatchObject({
        code: 'ERR_UNSUPPORTED',
        message: expect.stringContaining('npm install onnxruntime-node'),
      });
    });
  }
});
