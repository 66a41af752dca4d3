import { spawn } from 'node:child_process';
import { commandOf } from '../sides/runner.mjs';

/** Programs that end after their first pose, and Node by itself, which prints a line and ends. */
const PROGRAMS = [
  { side: 'node', name: 'Node alone', language: 'node', args: ['-e', 'console.log("{}")'] },
  { side: 'compiled', name: 'pstmo, compiled', language: 'node', script: 'sides/node/pstmo-first-pose.mjs' },
  { side: 'op-by-op', name: 'pstmo, op by op', language: 'node', script: 'sides/node/pstmo-first-pose.mjs' },
  { side: 'onnxruntime', name: 'onnxruntime-node', language: 'node', script: 'sides/node/onnxruntime-first-pose.mjs' },
  { side: 'openvino', name: 'OpenVINO', language: 'python', script: 'sides/python/openvino_first_pose.py', peer: true },
  { side: 'pytorch', name: 'PyTorch', language: 'python', script: 'sides/python/torch_first_pose.py', peer: true },
];

/** Milliseconds from starting a process until it prints that the middle pose of its first window is there, fp32. */
export async function measureStart(bench, { frames, rounds }) {
  const what = `start N=${frames} S fp32`;
  if (!bench.wants(what)) {
    return;
  }
  bench.progress(what);
  const { files } = await bench.model(frames, 3);
  const { threads, sides } = bench.flags;
  const request = { files, frames, layers: 3, threads };
  let programs = PROGRAMS.filter(({ side }) => side === 'node' || sides.includes(side));
  const times = new Map(programs.map(({ side }) => [side, []]));
  // The first round fills the caches of files.
  for (let round = -1; round < rounds; round++) {
    for (const program of programs) {
      if (bench.stopping) {
        break;
      }
      try {
        const milliseconds = await timeProgram(program, { ...request, side: program.side }, threads);
        if (round >= 0) {
          times.get(program.side).push(milliseconds);
        }
      } catch (error) {
        programs = programs.filter((one) => one !== program);
        bench.miss(`${what}, ${program.name}`, error.message);
      }
    }
  }
  for (const { side, name } of PROGRAMS) {
    const milliseconds = times.get(side) ?? [];
    if (milliseconds.length > 0) {
      bench.rows.push({ section: 'start', unit: 'ms', frames, layers: 3, precision: 'fp32', side, name, milliseconds });
    }
  }
}

function timeProgram({ language, script, args }, request, threads) {
  const { command, folder, env } = commandOf(language, { threads });
  const start = performance.now();
  const child = spawn(command, args ?? [`${folder}${script}`, JSON.stringify(request)], {
    ...{ env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  });
  return new Promise((resolve, reject) => {
    let printed;
    let complaint = '';
    child.stdout.on('data', () => {
      printed ??= performance.now() - start;
    });
    child.stderr.on('data', (data) => {
      complaint += data;
    });
    child.on('error', reject);
    child.on('close', () => {
      return printed === undefined ? reject(new Error(complaint.trim().split('\n').at(-1))) : resolve(printed);
    });
  });
}
