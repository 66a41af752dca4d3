import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { extname } from 'node:path';
import { Command } from 'commander';
import { throwIfAborted } from '../../base/abort.js';
import { PoseError } from '../../base/pose-error.js';
import { shownText } from '../../base/shown-text.js';
import { writeTextAtomically } from '../../formats/files/atomic-file.js';
import type { DeviceOption } from '../../networks/device.js';
import { buildScene } from '../../viewer/build-scene.js';
import { FrameInspector } from '../../viewer/frame-inspector.js';
import { startViewer } from '../../viewer/server.js';
import { pageParts } from '../../viewer/viewer-page.js';
import { stoppedExitCode } from '../interrupt.js';
import { type Io, notice } from '../io.js';
import { collected, deviceOption, imageSize, positiveNumber, RepeatableOption, wholeNumber } from '../parse.js';
import { ProgressLine } from '../progress-line.js';

interface ViewFlags {
  truth?: string[];
  model?: string;
  keypoints?: string;
  size?: { width: number; height: number };
  fps?: number;
  port: number;
  open: boolean;
  out?: string;
  device: DeviceOption;
}

export function viewCommand(io: Io): Command {
  return new Command('view')
    .description('look at lifted results: a page on this machine')
    .argument(
      '<results...>',
      'what lift wrote (.npz, .npy, .json, .csv, .bvh, .trc, .c3d, .glb): one result, or two to compare; several people are one result',
    )
    .addOption(
      new RepeatableOption('--truth <file>', '3D truth, for joint errors; again for each further person').argParser(
        collected,
      ),
    )
    .option('--model <model>', 'file or bundled model: attention maps, and of a Stage I model masked poses')
    .option('--keypoints <file>', 'the 2D that was lifted, where the result does not hold it')
    .option('--size <WxH>', "the video's width and height in pixels, where no file says it", imageSize)
    .option('--fps <rate>', "the video's frames a second, where no file says it", positiveNumber)
    .option('--port <number>', '0: any that is free', wholeNumber(0), 0)
    .option('--no-open', 'only say the address, open no browser')
    .option('--out <page.html>', 'write one file that shows it without a server, and end')
    .addOption(deviceOption())
    .action(async (results: string[], flags: ViewFlags) => view(io, results, flags));
}

async function view(io: Io, results: readonly string[], flags: ViewFlags): Promise<void> {
  const { out, port, model, device, open } = flags;
  if (out !== undefined && extname(out).toLowerCase() !== '.html') {
    throw new PoseError('ERR_USAGE', `--out ${out}: expected a name that ends in .html.`);
  }
  if (port > 65_535) throw new PoseError('ERR_USAGE', `--port ${port}: expected at most 65535.`);
  const { truth, keypoints, size, fps } = flags;
  const { scene, tracks } = buildScene(results, {
    ...(truth && { truth }),
    ...(keypoints !== undefined && { keypoints }),
    ...(size && { size }),
    ...(fps !== undefined && { fps }),
  });
  const rate = scene.value.fpsKnown ? { fps: scene.value.fps } : {};
  const onNotice = (text: string) => notice(io, text);
  const inspector =
    model === undefined ? undefined : await FrameInspector.load(model, tracks, { device, onNotice, ...rate });
  const title = `${scene.value.results.map(({ name }) => name).join(', ')} \u2013 pstmo view`;
  try {
    if (out !== undefined) {
      const line = new ProgressLine(io);
      const onProgress = (done: number, total: number) =>
        line.update(() => `view  ${done}/${total} frames of the model`);
      const page = await pageParts({ title, scene, inspector, onProgress });
      line.clear();
      throwIfAborted(io.signal);
      writeTextAtomically(out, page);
      const megabytes = (statSync(out).size / 1e6).toFixed(1);
      io.out(`${shownText(out)}: ${megabytes} MB; open it in a browser, it needs nothing else.\n`);
      return;
    }
    const value = { ...scene.value, ...(inspector && { model: inspector.facts }) };
    const viewer = await startViewer({ title, scene: { ...scene, value }, inspector, port });
    io.out(`${viewer.url}\n`);
    notice(io, 'The page is for this machine alone. Ctrl-C ends it.');
    if (open) openBrowser(viewer.url, () => notice(io, 'No browser could be opened; open the address above.'));
    await stopped(io.signal);
    await viewer.close();
    io.exitCode = stoppedExitCode(io.signal);
  } finally {
    await inspector?.close();
  }
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}

/** Opens an address of ours in the user's browser; `failed` runs where there is none. */
function openBrowser(url: string, failed: () => void): void {
  const [program, ...args] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['explorer.exe', url]
        : ['xdg-open', url];
  const child = spawn(program, args, { stdio: 'ignore', detached: true });
  child.once('error', failed);
  child.once('exit', (code) => {
    // explorer.exe answers 1 when all is well.
    if (code !== 0 && process.platform !== 'win32') failed();
  });
  child.unref();
}
