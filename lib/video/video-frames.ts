import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { throwIfAborted } from '../base/abort.js';
import { checkArguments } from '../base/check-arguments.js';
import { parseJsonText } from '../base/json-text.js';
import { PoseError } from '../base/pose-error.js';

/** What files are taken for videos, by their endings. */
const endings = ['.mp4', '.mov', '.mkv', '.webm', '.avi', '.m4v', '.mpg', '.mpeg', '.gif'];

/** Only the file itself is opened: lists of other files and addresses are refused. */
const onlyFiles = ['-protocol_whitelist', 'file,pipe'];

/** Whether a path's ending is that of a video. */
export function isVideo(path: string): boolean {
  checkArguments('isVideo', { path }, 'text');
  return endings.includes(extname(path).toLowerCase());
}

export interface VideoAbout {
  /** As it is shown: turned where the file says so. */
  width: number;
  height: number;
  fps: number;
  /** As the file says; its frames may be more or fewer. */
  frames: number | undefined;
}

/** Size and rate of a video, by ffprobe. Throws `ERR_UNSUPPORTED` without it, `ERR_FORMAT` for a file that is none. */
export async function probeVideo(path: string): Promise<VideoAbout> {
  checkArguments('probeVideo', { path }, 'text');
  if (!existsSync(path)) throw new PoseError('ERR_FILE', `${path}: there is no such file.`);
  const fields =
    'stream=width,height,avg_frame_rate,r_frame_rate,nb_frames:stream_side_data=rotation:stream_tags=rotate';
  const command = ['-v', 'error', ...onlyFiles, '-select_streams', 'v:0', '-show_entries', fields, '-of', 'json'];
  const { out, err, code } = await collected('ffprobe', [...command, `file:${resolve(path)}`]);
  const stream = code === 0 ? streamOf(out) : undefined;
  const fps = rateOf(stream?.avg_frame_rate) ?? rateOf(stream?.r_frame_rate);
  const [width, height] = [Number(stream?.width), Number(stream?.height)];
  if (!stream || !(width > 0 && height > 0) || fps === undefined) {
    throw new PoseError(
      'ERR_FORMAT',
      `${path}: expected a video that ffmpeg reads: ${err.trim().split('\n')[0] || 'no picture in it'}.`,
    );
  }
  const turn = Number(
    stream.side_data_list?.find(({ rotation }) => rotation !== undefined)?.rotation ?? stream.tags?.rotate ?? 0,
  );
  const upright = Math.abs(turn) % 180 === 0;
  const frames = Number(stream.nb_frames);
  return {
    ...(upright ? { width, height } : { width: height, height: width }),
    ...{ fps, frames: frames > 0 ? frames : undefined },
  };
}

interface Stream {
  width?: number;
  height?: number;
  avg_frame_rate?: string;
  r_frame_rate?: string;
  nb_frames?: string;
  side_data_list?: { rotation?: number }[];
  tags?: { rotate?: string };
}

function streamOf(text: string): Stream | undefined {
  try {
    return (parseJsonText(text) as { streams?: Stream[] }).streams?.[0];
  } catch {
    return undefined;
  }
}

/** "30000/1001" */
function rateOf(text: string | undefined): number | undefined {
  const [above, below] = (text ?? '').split('/').map(Number);
  const rate = above / (below ?? 1);
  return rate > 0 && Number.isFinite(rate) ? rate : undefined;
}

const ABOUT = { width: 'number', height: 'number', fps: 'number' } as const;

/**
 * The frames of a video one after the other at a constant rate, each (height, width, 3) bytes of red, green and blue, decoded
 * by ffmpeg as they are asked for. Throws `ERR_UNSUPPORTED` without ffmpeg, `ERR_FORMAT` where it fails, `ERR_ABORTED`.
 */
export async function* videoFrames(path: string, given: VideoAbout, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  checkArguments('videoFrames', { path, given, signal }, 'text', ABOUT, 'AbortSignal?');
  const { width, height, fps } = given;
  if (![width, height].every((pixels) => Number.isInteger(pixels) && pixels > 0) || !(fps > 0 && fps < Infinity)) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `videoFrames: expected whole numbers of pixels and a positive rate, got ${width}x${height} at ${fps}.`,
    );
  }
  const input = ['-nostdin', '-v', 'error', ...onlyFiles, '-i', `file:${resolve(path)}`];
  const output = ['-map', '0:v:0', '-vf', `fps=${fps}`, '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'];
  const child = spawn('ffmpeg', [...input, ...output], { stdio: ['ignore', 'pipe', 'pipe'] });
  let err = '';
  child.stderr.on('data', (bytes) => {
    err = `${err}${bytes}`.slice(0, 2000);
  });
  const ended = new Promise<number>((done, fail) => {
    child.on('error', (cause) => fail(missing('ffmpeg', cause)));
    child.on('close', (code) => done(code ?? 1));
  });
  // Listened to below, after the last frame; until then a failure must not count as nobody's.
  ended.catch(() => undefined);
  try {
    let frame = new Uint8Array(width * height * 3);
    let filled = 0;
    for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) {
      for (let at = 0; at < chunk.length; ) {
        const part = chunk.subarray(at, at + frame.length - filled);
        frame.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < frame.length) break;
        throwIfAborted(signal, `${path}: stopped by the signal.`);
        yield frame;
        frame = new Uint8Array(frame.length);
        filled = 0;
      }
    }
    if ((await ended) !== 0) {
      throw new PoseError('ERR_FORMAT', `${path}: ffmpeg stopped: ${err.trim().split('\n')[0] || 'no reason given'}.`);
    }
  } finally {
    child.kill();
  }
}

function collected(program: string, args: readonly string[]): Promise<{ out: string; err: string; code: number }> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.on('data', (bytes) => {
      out += bytes;
    });
    child.stderr.on('data', (bytes) => {
      err += bytes;
    });
    child.on('error', (cause) => fail(missing(program, cause)));
    child.on('close', (code) => done({ out, err, code: code ?? 1 }));
  });
}

function missing(program: string, cause: Error): PoseError {
  return new PoseError(
    'ERR_UNSUPPORTED',
    `Videos are decoded by ${program}, which cannot be run (${cause.message}): install ffmpeg (apt install ffmpeg, brew install ffmpeg).`,
    { cause },
  );
}
