import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { poseFormats } from '../../lib/export/poses/write-poses.js';
import { motionFormats } from '../../lib/export/write-motion.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

/*
 * An hour at 60 frames a second of three people, through every writer and the viewer's page. It takes some minutes of two
 * cores and 3 GB of disk, so that it runs where PSTMO_LONG=1 asks for it; PSTMO_LONG=0.1 is a tenth of an hour.
 */
const hours = Number(process.env.PSTMO_LONG ?? 0);
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const walk = fileURLToPath(new URL('../../examples/walking.json', import.meta.url));
/** What a run may take, MB. */
const mostMegabytes = 1000;

if (!(hours > 0)) {
  it.skip('an hour of three people (skipped: PSTMO_LONG=1 asks for it, and it takes some minutes)', () => undefined);
} else {
  it('an hour of three people is lifted, written and shown in less than 1 GB', async () => {
    const folder = temporaryFolder();
    const input = join(folder, 'hour.json');
    const frames = Math.round(hours * 216_000);
    writeHour(input, frames);
    const model = await writeSmallModel(join(folder, 'small.safetensors'), { width: 64, hidden: 128 });
    const lift = (person: string, out: string) => {
      const flags = ['--size', '2400x1080', '--fps', '60', '--no-flip', '--model', model, '--device', 'cpu'];
      return run(['lift', input, ...flags, '--person', person, '--out', out]);
    };
    const used: Record<string, number> = { all: lift('all', join(folder, 'people')) };
    for (const format of [...poseFormats, ...motionFormats]) {
      // C3D counts frames with 16 bits.
      if (format === 'c3d' && frames > 65_535) continue;
      used[format] = lift('2', join(folder, `one.${format}`));
      expect(statSync(join(folder, `one.${format}`)).size).toBeGreaterThan(frames);
    }
    used.inspect = run(['inspect', input]);
    const people = [0, 1, 2].map((person) => join(folder, 'people', `hour-person${person}-3d.npz`));
    used.view = run(['view', ...people, '--out', join(folder, 'hour.html')]);
    console.log(JSON.stringify({ frames, megabytes: used }));
    for (const [what, megabytes] of Object.entries(used)) expect(megabytes, what).toBeLessThan(mostMegabytes);
  }, 3_600_000);
}

function writeHour(path: string, frames: number): void {
  const clip = JSON.parse(readFileSync(walk, 'utf8')) as { keypoints: number[] }[];
  const texts = [0, 400, 800].map((x) =>
    clip.map(({ keypoints }) => JSON.stringify(keypoints.map((value, at) => (at % 3 === 0 ? value + x : value)))),
  );
  const file = openSync(path, 'w');
  for (let frame = 0; frame < frames; frame++) {
    const at = Math.min(frame % 598, 598 - (frame % 598));
    const rows = texts.map(
      (text, person) => `{"image_id":"${frame}.jpg","keypoints":${text[at]},"score":0.9,"idx":${person + 1}}`,
    );
    writeSync(file, `${frame === 0 ? '[' : ','}${rows.join(',')}`);
  }
  writeSync(file, ']');
  closeSync(file);
}

/** Runs the compiled command line; the most memory that it took, MB. */
function run(args: readonly string[]): number {
  const say = "process.on('exit', () => process.stderr.write('\\nmaxRSS ' + process.resourceUsage().maxRSS))";
  const told = ['--import', `data:text/javascript,${encodeURIComponent(say)}`];
  const { status, stderr } = spawnSync(process.execPath, [...told, main, ...args], { encoding: 'utf8' });
  expect(status, stderr.slice(-2000)).toBe(0);
  return Math.round(Number(/maxRSS (\d+)/.exec(stderr)![1]) / 1024);
}
