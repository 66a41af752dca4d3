import type { OpCase } from './op-case.js';
import { all, doubles, FORWARD, floats, GRADIENT, input, numericGradients } from './op-case.js';
import { type Doubles, dot, permutation, poseLoss } from './reference.js';

const JOINTS = 5;
/** Joints 1 and 2 are partners, and 3 and 4. */
const MIRROR = Int32Array.of(0, 2, 1, 4, 3);

function lossCase(rows: number, coordinates: number): OpCase {
  const predicted = input('predicted', rows, JOINTS, coordinates);
  const target = input('target', rows, JOINTS, coordinates);
  target.set(predicted.subarray(0, coordinates));
  const weight = 0.7;
  const before = 2;
  return {
    op: 'poseLoss',
    about: `${rows} x ${coordinates}, one joint exactly right`,
    attributes: { rows, joints: JOINTS, coordinates, weight },
    arrays: () => ({
      predicted,
      target,
      loss: Float32Array.of(before),
      dPredicted: new Float32Array(predicted.length).fill(9),
    }),
    expected: () => {
      const loss = (values: Record<string, Doubles>) =>
        weight * poseLoss(values.predicted, doubles(target), coordinates);
      const values = { predicted: doubles(predicted) };
      const gradient = numericGradients(values, loss, { dPredicted: { of: 'predicted' } }).dPredicted;
      // At the joint that is right the loss has a corner: 0 by definition.
      const exact = gradient.at!.map((index, i) => (index < coordinates ? 0 : gradient.values[i]));
      return { loss: { values: [before + loss(values)] }, dPredicted: { at: gradient.at!, values: exact } };
    },
    tolerance: GRADIENT,
  };
}

function gatherCase(coordinates: number, rootJoint: number, shuffled = false): OpCase {
  const lengths = [4, 11];
  const start = [0, 4];
  const source = input('source', 15, JOINTS, coordinates);
  const samples = [
    [0, 0, 0],
    [1, 10, 1],
    [1, 5, 0],
    [0, 2, 1],
  ];
  const [frames, stride] = [9, 2];
  const size = JOINTS * coordinates;
  const [seed, step] = [0x1234567890, 17];
  const y = new Float64Array(samples.length * frames * size);
  samples.forEach(([sequence, centre, mirrored], b) => {
    const order = permutation(frames, seed, step, b);
    for (let i = 0; i < frames; i++) {
      const wanted = centre + stride * ((shuffled ? order[i] : i) - (frames - 1) / 2);
      const frame = start[sequence] + Math.min(Math.max(wanted, 0), lengths[sequence] - 1);
      for (let joint = 0; joint < JOINTS; joint++) {
        for (let c = 0; c < coordinates; c++) {
          const from = mirrored ? MIRROR[joint] : joint;
          const value = source[frame * size + from * coordinates + c];
          const seen = mirrored && c === 0 ? -value : value;
          y[(b * frames + i) * size + joint * coordinates + c] = joint === rootJoint ? 0 : seen;
        }
      }
    }
  });
  return {
    op: 'windowGather',
    about: `${coordinates} coordinates, both ends and mirrored${rootJoint < 0 ? '' : ', root zeroed'}${shuffled ? ', shuffled' : ''}`,
    attributes: {
      ...{ batch: samples.length, frames, stride, joints: JOINTS, coordinates, rootJoint },
      ...{ sequences: 2, sourceFrames: 15, seed, step, ...(shuffled && { shuffle: 1 }) },
    },
    arrays: () => ({
      start: Int32Array.from(start),
      length: Int32Array.from(lengths),
      samples: Int32Array.from(samples.flat()),
      source,
      mirror: MIRROR,
      y: new Float32Array(y.length).fill(9),
    }),
    expected: () => all({ y }),
    tolerance: FORWARD,
  };
}

function mirrorMeanCase(rows: number): OpCase {
  const plain = input('plain', rows, JOINTS, 3);
  const mirrored = input('mirrored', rows, JOINTS, 3);
  const mean = plain.map((value, i) => {
    const [row, joint, c] = [Math.floor(i / (JOINTS * 3)), Math.floor(i / 3) % JOINTS, i % 3];
    const other = mirrored[(row * JOINTS + MIRROR[joint]) * 3 + c];
    return (value + (c === 0 ? -other : other)) / 2;
  });
  return {
    op: 'mirrorMean',
    about: `${rows} poses, in place`,
    attributes: { rows, joints: JOINTS },
    arrays: () => {
      const y = floats(plain);
      return { plain: y, mirrored, mirror: MIRROR, y };
    },
    expected: () => all({ y: mean }),
    tolerance: FORWARD,
  };
}

function backProject(
  rootJoint: number,
  predicted: Doubles,
  keypoints: Doubles,
  root: Doubles,
  camera: Doubles,
): Doubles {
  const y = new Float64Array(predicted.length);
  for (let joint = 0; joint < predicted.length / 3; joint++) {
    const row = Math.floor(joint / JOINTS);
    const depth = root[row * 3 + 2] + (joint % JOINTS === rootJoint ? 0 : predicted[joint * 3 + 2]);
    const [fx, fy, cx, cy] = camera.subarray(row * 4, row * 4 + 4);
    y[joint * 3] = ((keypoints[joint * 2] - cx) * depth) / fx;
    y[joint * 3 + 1] = ((keypoints[joint * 2 + 1] - cy) * depth) / fy;
    y[joint * 3 + 2] = depth;
  }
  return y.map((value, i) => value - y[(Math.floor(i / (JOINTS * 3)) * JOINTS + rootJoint) * 3 + (i % 3)]);
}

function refineBlend(logits: Doubles, predicted: Doubles, back: Doubles): Doubles {
  return predicted.map((value, i) => {
    if (i % 3 === 2) return value;
    const score = 1 / (1 + Math.exp(-logits[Math.floor(i / 3) * 2 + (i % 3)]));
    return score * value + (1 - score) * back[i];
  });
}

function backProjectCases(rows: number, rootJoint: number): OpCase[] {
  const predicted = input('predicted', rows, JOINTS, 3);
  const keypoints = input('keypoints', rows, JOINTS, 2);
  const root = input('root', rows, 3).map((value, i) => (i % 3 === 2 ? 4 + value : value));
  const camera = input('camera', rows, 4).map((value, i) => (i % 4 < 2 ? 2.3 + 0.1 * value : 0.1 * value));
  const dY = input('dY', rows, JOINTS, 3);
  const dPredicted = input('dPredicted', rows, JOINTS, 3);
  const projected = (depths: Doubles) =>
    backProject(rootJoint, depths, doubles(keypoints), doubles(root), doubles(camera));
  const shape = { rows, joints: JOINTS, rootJoint };
  const about = `${rows} poses, root joint ${rootJoint}`;
  return [
    {
      op: 'backProjectForward',
      about,
      attributes: shape,
      arrays: () => ({ predicted, keypoints, root, camera, y: new Float32Array(predicted.length).fill(9) }),
      expected: () => all({ y: projected(doubles(predicted)) }),
      tolerance: FORWARD,
    },
    {
      op: 'backProjectBackward',
      about,
      attributes: shape,
      arrays: () => ({ dY, keypoints, camera, dPredicted: floats(dPredicted) }),
      expected: () =>
        numericGradients({ predicted: doubles(predicted) }, (t) => dot(dY, projected(t.predicted)), {
          dPredicted: { of: 'predicted', before: dPredicted },
        }),
      tolerance: GRADIENT,
    },
  ];
}

function refineCases(rows: number): OpCase[] {
  const predicted = input('predicted', rows, JOINTS, 3);
  const logits = input('logits', rows, JOINTS, 2);
  const back = input('back', rows, JOINTS, 3);
  const dY = input('dY', rows, JOINTS, 3);
  const shape = { rows, joints: JOINTS };
  const about = `${rows} poses`;
  const empty = () => new Float32Array(predicted.length).fill(9);
  return [
    {
      op: 'refineBlendForward',
      about,
      attributes: shape,
      arrays: () => ({ logits, predicted, backProjected: back, y: empty() }),
      expected: () => all({ y: refineBlend(doubles(logits), doubles(predicted), doubles(back)) }),
      tolerance: FORWARD,
    },
    {
      op: 'refineBlendBackward',
      about,
      attributes: shape,
      arrays: () => ({
        ...{ dY, logits, predicted, backProjected: back },
        ...{ dLogits: new Float32Array(logits.length).fill(9), dPredicted: empty(), dBackProjected: empty() },
      }),
      expected: () =>
        numericGradients(
          { logits: doubles(logits), predicted: doubles(predicted), back: doubles(back) },
          (t) => dot(dY, refineBlend(t.logits, t.predicted, t.back)),
          { dLogits: { of: 'logits' }, dPredicted: { of: 'predicted' }, dBackProjected: { of: 'back' } },
        ),
      tolerance: GRADIENT,
    },
  ];
}

export const poseCases: OpCase[] = [
  lossCase(9, 3),
  lossCase(30, 2),
  lossCase(60, 3),
  gatherCase(2, -1),
  gatherCase(3, 0),
  gatherCase(2, -1, true),
  mirrorMeanCase(9),
  ...backProjectCases(7, 0),
  ...backProjectCases(5, 3),
  ...refineCases(7),
];
