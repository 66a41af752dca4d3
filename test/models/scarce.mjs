// Lifts where the system gives little: `node test/models/scarce.mjs <model> <what>`. Prints what came of it as JSON: the
// error's name, code and message, or the notices of the model that was loaded.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { PoseLifter } from '../../dist/index.js';

const [, , model, what] = process.argv;
const JOINTS = 17;
const FRAMES = 600_000;
const size = { width: 640, height: 480 };

function video(frames) {
  const data = Float32Array.from({ length: frames * JOINTS * 2 }, (_, i) => (i * 7) % 400);
  return { data, shape: [frames, JOINTS, 2] };
}

/** Sets a limit of this process, as `prlimit` names it. */
function limit(name, value) {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(process.pid), `--${name}=${value}`], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`prlimit failed: ${stderr}`);
}

const tasks = {
  /** Loads with four threads. */
  async threads() {
    const lifter = await PoseLifter.load(model, { device: 'cpu', threads: 4 });
    await lifter.lift(video(20), size);
    return { notices: lifter.notices, device: lifter.device };
  },
  /** Lifts with so many megabytes of address space more than are taken. */
  async memory(megabytes) {
    const lifter = await PoseLifter.load(model, { device: 'cpu', threads: 2 });
    const keypoints = video(FRAMES);
    await lifter.lift(video(20), size);
    const taken = Number(/VmSize:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
    limit('as', taken + megabytes * 2 ** 20);
    const failed = await lifter.lift(keypoints, size).catch((error) => error);
    // What needs little still works.
    await lifter.lift(video(20), size);
    await lifter.close();
    throw failed;
  },
  /** Loads with so many file handles left. */
  async handles(left) {
    limit('nofile', 64);
    const taken = [];
    try {
      for (;;) taken.push(openSync('/dev/null'));
    } catch {
      for (let i = 0; i < left; i++) closeSync(taken.pop());
    }
    const failed = await PoseLifter.load(model, { device: 'cpu', threads: 1 }).catch((error) => error);
    for (const handle of taken) closeSync(handle);
    await (await PoseLifter.load(model, { device: 'cpu', threads: 1 })).close();
    throw failed;
  },
};

const [task, amount] = what.split('=');
let answer;
try {
  answer = await tasks[task](Number(amount));
} catch (error) {
  answer = { name: error.name, code: error.code, message: error.message };
}
console.log(JSON.stringify(answer));
