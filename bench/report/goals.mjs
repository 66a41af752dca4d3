/** The project's goals on two threads, as ratios to OpenVINO (training: PyTorch) in the same run, beside the values of a run. */
export function goalRows(rows) {
  const one = (section, fields) =>
    rows.find((row) => row.section === section && Object.entries(fields).every(([key, value]) => row[key] === value));
  const windows = (frames, precision, must, goal) => ({
    ...{ what: `windows, N = ${frames}, ${precision}`, must, goal },
    value: against(
      'openvino',
      one('windows', { side: 'compiled', layers: 3, frames, precision, best: true }),
      'bestRatio',
    ),
  });
  const video = (precision, must, goal) => ({
    ...{ what: `whole video, N = 243, not mirrored, ${precision}`, must, goal },
    value: against('openvino', one('video', { side: 'compiled', frames: 243, precision, flip: false })),
  });
  const training = (precision) => ({
    ...{ what: `training step, N = 27, batch 160, ${precision}`, must: 1.5, goal: 2 },
    value: against('pytorch', one('training', { side: 'op-by-op', frames: 27, batch: 160, precision })),
  });
  const single = one('windows', { side: 'compiled', layers: 3, frames: 243, precision: 'fp32', batch: 1 });
  const clips = one('clips', { frames: 27, precision: 'fp32', joined: false });
  const start = one('start', { side: 'compiled', frames: 243 });
  return [
    windows(243, 'fp32', 1.1, 1.25),
    windows(81, 'fp32', 1.1, 1.25),
    windows(27, 'fp32', 1.1, 1.2),
    windows(243, 'bf16', 1.05, 1.2),
    windows(81, 'bf16', 1.05, 1.15),
    windows(27, 'bf16', 1.05, 1.2),
    video('fp32', 1.45, 1.7),
    video('bf16', 1.35, 1.6),
    { what: 'single window, N = 243, fp32', must: 1.1, goal: 1.4, value: against('openvino', single) },
    training('fp32'),
    training('bf16'),
    { what: 'clips of 100 frames, N = 27, fp32, times one video', must: 0.9, goal: 1, value: clips?.ratio?.median },
    { what: 'process start to first pose, N = 243, ms', must: 150, goal: 60, value: start?.median, below: true },
  ];
}

function against(side, row, key = 'ratio') {
  return row?.ratioTo === side ? row[key]?.median : undefined;
}

/** "missed", "must" or "goal": what a value reached; empty where nothing was measured. */
export function reached({ must, goal, value, below = false }) {
  if (value === undefined) {
    return '';
  }
  const at = (mark) => (below ? value <= mark : value >= mark);
  return at(goal) ? 'goal' : at(must) ? 'must' : 'missed';
}
