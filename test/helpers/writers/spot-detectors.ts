import type { OnnxGraph } from './onnx-writer.js';

/** Networks that find the middle of a spot of pure colour: inputs and outputs as YOLO and RTMPose have them. */

type Colour = 'red' | 'green';
type Node = OnnxGraph['nodes'][number];
type Constants = Record<string, OnnxGraph['constants'][string]>;

const channels: Readonly<Record<Colour, readonly number[]>> = { red: [1, -1, -1], green: [-1, 1, -1] };

/** Nodes that put the spot's middle into `<colour>` (1, 2, 1), x and y in the input's continuous coordinates. */
function middleOf(input: string, colour: Colour, width: number, height: number, threshold: number, shift: number) {
  const name = (part: string) => `${colour}-${part}`;
  const constants: Constants = {
    [name('weights')]: { data: channels[colour], shape: [1, 3, 1, 1] },
    [name('threshold')]: { data: [threshold], shape: [1] },
    [name('columns')]: { data: Array.from({ length: width }, (_, x) => x + shift), shape: [1, 1, 1, width] },
    [name('rows')]: { data: Array.from({ length: height }, (_, y) => y + shift), shape: [1, 1, height, 1] },
    [name('little')]: { data: [1e-6], shape: [1] },
  };
  const sum = { axes: [2, 3], keepdims: 0 };
  const nodes: Node[] = [
    { op: 'Conv', in: [input, name('weights')], out: name('bright') },
    { op: 'Sub', in: [name('bright'), name('threshold')], out: name('over') },
    { op: 'Relu', in: [name('over')], out: name('spot') },
    { op: 'ReduceSum', in: [name('spot')], out: name('mass'), attributes: sum },
    { op: 'Add', in: [name('mass'), name('little')], out: name('all') },
    ...['columns', 'rows'].flatMap((axis): Node[] => [
      { op: 'Mul', in: [name('spot'), name(axis)], out: name(`${axis}-moments`) },
      { op: 'ReduceSum', in: [name(`${axis}-moments`)], out: name(`${axis}-moment`), attributes: sum },
      { op: 'Div', in: [name(`${axis}-moment`), name('all')], out: name(`${axis}-middle`) },
    ]),
    { op: 'Concat', in: [name('columns-middle'), name('rows-middle')], out: name('pair'), attributes: { axis: 1 } },
    { op: 'Unsqueeze', in: [name('pair')], out: colour, attributes: { axes: [2] } },
  ];
  return { constants, nodes };
}

/** Where joint `joint` of a spot's person lies from the spot's middle, in the network's pixels. */
export function spotOffset(joint: number): [number, number] {
  return [4 * (joint % 3) - 4, 2 * joint - 16];
}

/**
 * A YOLO pose network with an input of `size` pixels a side: `scores` says how sure its candidates are, three of the red spot
 * (the second and third overlap the first), then one of the green; all others are nothing. `joints` 0: a network of boxes.
 */
export function yoloOfSpots(size: number, scores: readonly [number, number, number, number], joints = 17): OnnxGraph {
  const rows = joints === 0 ? 84 : 5 + 3 * joints;
  const count = Math.max(100, rows + 1);
  const follow = (row: number): number[] => {
    if (row < 2) return row === 0 ? [1, 0] : [0, 1];
    if (joints === 0 || row < 5 || (row - 5) % 3 === 2) return [0, 0];
    return (row - 5) % 3 === 0 ? [1, 0] : [0, 1];
  };
  const constant = (row: number, candidate: number): number => {
    if (row < 2) return candidate;
    if (row === 2 || row === 3) return row === 2 ? 20 : 40;
    if (row === 4) return scores[candidate] ?? 0;
    if (joints === 0) return 0;
    const [joint, part] = [Math.floor((row - 5) / 3), (row - 5) % 3];
    return part === 2 ? 0.9 : spotOffset(joint)[part];
  };
  const table = (candidates: readonly number[]) => ({
    data: Array.from({ length: rows }, (_, row) => candidates.map((candidate) => constant(row, candidate))).flat(),
    shape: [1, rows, candidates.length],
  });
  const others = Array.from({ length: count - 3 }, (_, index) => 3 + index);
  const red = middleOf('images', 'red', size, size, 0.5, 0.5);
  const green = middleOf('images', 'green', size, size, 0.5, 0.5);
  return {
    inputs: { images: [1, 3, size, size] },
    outputs: { output0: [1, rows, count] },
    constants: {
      ...red.constants,
      ...green.constants,
      follow: { data: Array.from({ length: rows }, (_, row) => follow(row)).flat(), shape: [rows, 2] },
      'red-rest': table([0, 1, 2]),
      'green-rest': table(others.map((candidate) => candidate)),
    },
    nodes: [
      ...red.nodes,
      ...green.nodes,
      { op: 'MatMul', in: ['follow', 'red'], out: 'red-places' },
      { op: 'MatMul', in: ['follow', 'green'], out: 'green-places' },
      { op: 'Add', in: ['red-places', 'red-rest'], out: 'red-candidates' },
      { op: 'Add', in: ['green-places', 'green-rest'], out: 'green-candidates' },
      { op: 'Concat', in: ['red-candidates', 'green-candidates'], out: 'output0', attributes: { axis: 2 } },
    ],
  };
}

/** Where a joint lies from the spot's middle for RTMPose: shares of what the square root of the spot's brightness is. */
export function spotShare(joint: number): [number, number] {
  return [(joint % 3) * 0.4 - 0.4, 0.2 * joint - 1.6];
}

/** How bright a pixel of the spot's colour is for RTMPose, whose inputs are normalised, above the threshold. */
export const spotBrightness = {
  red: (255 - 123.675) / 58.395 + 116.28 / 57.12 + 103.53 / 57.375 - 3,
  green: 123.675 / 58.395 + (255 - 116.28) / 57.12 + 103.53 / 57.375 - 3,
} as const;

/** RTMPose for 192 x 256 pixels that follows the spot of a colour: 17 joints in bins of half a pixel. */
export function rtmPoseOfSpot(colour: Colour): OnnxGraph {
  const [width, height] = [192, 256];
  const { constants, nodes } = middleOf('input', colour, width, height, 3, 0);
  const axis = (name: 'x' | 'y', bins: number): { constants: Constants; nodes: Node[] } => {
    const which = name === 'x' ? 0 : 1;
    const joints = Array.from({ length: 17 }, (_, joint) => joint);
    return {
      constants: {
        [`follow-${name}`]: { data: joints.flatMap(() => (which === 0 ? [2, 0] : [0, 2])), shape: [17, 2] },
        [`offset-${name}`]: { data: joints.map((joint) => 2 * spotShare(joint)[which]), shape: [1, 17, 1] },
        [`bins-${name}`]: { data: Array.from({ length: bins }, (_, bin) => bin), shape: [1, 1, bins] },
        [`slope-${name}`]: { data: [-0.01], shape: [1] },
        [`top-${name}`]: { data: [which === 0 ? 0.9 : 0.8], shape: [1] },
      },
      nodes: [
        { op: 'MatMul', in: [`follow-${name}`, colour], out: `places-${name}` },
        { op: 'Mul', in: [`offset-${name}`, 'size'], out: `aside-${name}` },
        { op: 'Add', in: [`places-${name}`, `aside-${name}`], out: `wanted-${name}` },
        { op: 'Sub', in: [`bins-${name}`, `wanted-${name}`], out: `away-${name}` },
        { op: 'Abs', in: [`away-${name}`], out: `far-${name}` },
        { op: 'Mul', in: [`far-${name}`, `slope-${name}`], out: `less-${name}` },
        { op: 'Add', in: [`less-${name}`, `top-${name}`], out: `simcc_${name}` },
      ],
    };
  };
  const [x, y] = [axis('x', 2 * width), axis('y', 2 * height)];
  return {
    inputs: { input: ['batch', 3, height, width] },
    outputs: { simcc_x: ['batch', 17, 2 * width], simcc_y: ['batch', 17, 2 * height] },
    constants: { ...constants, ...x.constants, ...y.constants },
    nodes: [
      ...nodes,
      { op: 'Sqrt', in: [`${colour}-all`], out: 'side' },
      { op: 'Unsqueeze', in: ['side'], out: 'size', attributes: { axes: [2] } },
      ...x.nodes,
      ...y.nodes,
    ],
  };
}
