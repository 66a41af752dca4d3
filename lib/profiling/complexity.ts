import { pushAll } from '../base/lists.js';
import type { ModelConfig } from '../networks/config.js';
import { strideTable } from '../networks/strides.js';

/** What one part of the network holds and computes for one window. Multiply-accumulates are MACs. */
export interface PartComplexity {
  name: string;
  parameters: number;
  /** Of these: position tables and learned tokens; LayerNorms. */
  tableParameters: number;
  normParameters: number;
  /** MACs of linears and convolutions, without biases. */
  linearMacs: number;
  /** MACs of the two attention matmuls. */
  attentionMacs: number;
  /** What the paper's profiler counts; see {@link complexity}. */
  profilerMacs: number;
}

/** Parameters and work of one window. */
export interface Complexity {
  parts: PartComplexity[];
  /** Everything that training changes, tables and norms included. */
  parameters: number;
  linearMacs: number;
  attentionMacs: number;
  /** 2 x (linear + attention MACs): the true work. */
  flops: number;
  /** Table 6's count: without position tables, tokens and LayerNorms. */
  paperParameters: number;
  profilerMacs: number;
  /** Table 6's FLOPs: 2 x the profiler's MACs. Table 7 prints the MACs themselves. */
  paperFlops: number;
}

/**
 * Counts the network that a configuration describes, Stage II or Stage I.
 *
 * The paper's convention is that of a profiler which counts out * (C_in * k + 1) for a convolution, in * out for a linear,
 * 2 an element for batch norm, 1 an element for LeakyReLU, and nothing for attention matmuls, softmax, LayerNorm, ReLU,
 * pooling and dropout. The refining module is left out, and the per-frame head too where there is no MOFA: those rows of
 * the paper have one head.
 * @param joints joints of the input and of the output skeleton
 */
export function complexity(config: ModelConfig, joints: { input: number; output: number } = SEVENTEEN): Complexity {
  const parts = (config.stage === 1 ? pretrainParts : lifterParts)(config, joints);
  const sum = (key: Exclude<keyof PartComplexity, 'name'>, of = parts) => of.reduce((total, p) => total + p[key], 0);
  const left = config.aggregate ? ['refine'] : ['refine', 'per-frame head'];
  const paper = parts.filter((part) => !left.includes(part.name));
  const linearMacs = sum('linearMacs');
  const attentionMacs = sum('attentionMacs');
  const profilerMacs = sum('profilerMacs', paper);
  return {
    parts,
    parameters: sum('parameters'),
    linearMacs,
    attentionMacs,
    flops: 2 * (linearMacs + attentionMacs),
    paperParameters: sum('parameters', paper) - sum('tableParameters', paper) - sum('normParameters', paper),
    profilerMacs,
    paperFlops: 2 * profilerMacs,
  };
}

const SEVENTEEN = { input: 17, output: 17 };
const REFINE_HIDDEN = 1024;

type Joints = typeof SEVENTEEN;
type Counts = Omit<PartComplexity, 'name'>;

function lifterParts(config: ModelConfig, joints: Joints): PartComplexity[] {
  const { frames, width, temporal, aggregate } = config;
  const parts = [part('spatial encoder', spatialEncoder(config, joints.input, frames, temporal))];
  const pose = 3 * joints.output;
  if (!temporal) {
    parts.push(part('head', head(2 * width, pose, frames)));
    return withRefine(config, joints, parts);
  }
  parts.push(part('temporal encoder', [table(frames, width), ...stack(config.layers, frames, width, config.hidden)]));
  if (aggregate) {
    parts.push(part('frame aggregator', aggregator(config)));
  }
  parts.push(part('head', head(width, pose, 1)));
  parts.push(part('per-frame head', head(width, pose, frames)));
  return withRefine(config, joints, parts);
}

function withRefine(config: ModelConfig, joints: Joints, parts: PartComplexity[]): PartComplexity[] {
  if (!config.refine) {
    return parts;
  }
  const layers = [linear(6 * joints.output, REFINE_HIDDEN, 1), linear(REFINE_HIDDEN, 2 * joints.output, 1)];
  return [...parts, part('refine', layers)];
}

function pretrainParts(config: ModelConfig, joints: Joints): PartComplexity[] {
  const { frames, width, hidden, masking } = config;
  const visible = frames - Math.floor(masking.temporalRatio * frames);
  const narrow = Math.floor(width / 2);
  const seen = masking.semFrames === 'all' ? frames : visible;
  return [
    part('spatial encoder', [table(1, 2), ...spatialEncoder(config, joints.input, seen, true)]),
    part('temporal encoder', [table(frames, width), ...stack(config.layers, visible, width, hidden)]),
    part('decoder', [
      layerNorm(width),
      linear(width, narrow, visible, false),
      table(1, narrow),
      table(frames, narrow),
      ...stack(config.decoderLayers, frames, narrow, Math.floor(hidden / 2)),
    ]),
    part('head', head(narrow, 2 * joints.input, frames)),
  ];
}

function spatialEncoder(config: ModelConfig, joints: number, frames: number, project: boolean): Counts[] {
  const { width, mlpBlocks } = config;
  if (config.backbone === 'fc') {
    return [conv(2 * joints, width, 1, frames)];
  }
  if (config.backbone === 'transformer') {
    const narrow = width / joints;
    const tokens = [linear(2, narrow, joints * frames), table(joints, narrow)];
    return [...tokens, ...stack(3, joints, narrow, 2 * narrow, frames)];
  }
  const wide = 2 * width;
  const square = [conv(wide, wide, 1, frames), batchNorm(wide, frames), leakyRelu(wide, frames)];
  const blocks = Array.from({ length: 2 * mlpBlocks }, () => square).flat();
  const entry = [conv(2 * joints, wide, 1, frames), batchNorm(wide, frames), leakyRelu(wide, frames)];
  return [...entry, ...blocks, ...(project ? [conv(wide, width, 1, frames)] : [])];
}

/** Vanilla layers on `copies` sequences of `tokens`, and the norm behind them that is stored and never applied. */
function stack(layers: number, tokens: number, width: number, hidden: number, copies = 1): Counts[] {
  const all = tokens * copies;
  const layer = [
    ...attention(tokens, width, copies),
    linear(width, hidden, all),
    linear(hidden, width, all),
    layerNorm(width),
  ];
  return [...Array.from({ length: layers }, () => layer).flat(), layerNorm(width)];
}

/** MOFA: strided layers, three position tables of all frames, and the norm that is stored and never applied. */
function aggregator({ frames, width, hidden }: ModelConfig): Counts[] {
  const counts = [table(frames, width), table(frames, width), table(frames, width), layerNorm(width)];
  let tokens: number = frames;
  for (const stride of strideTable(frames)) {
    const kept = Math.ceil(tokens / stride);
    pushAll(counts, attention(tokens, width));
    counts.push(conv(width, hidden, 1, tokens), conv(hidden, width, 3, kept), layerNorm(width));
    tokens = kept;
  }
  return counts;
}

/** Norm, Q, K, V and output projections, and the two matmuls. */
function attention(tokens: number, width: number, copies = 1): Counts[] {
  const projection = linear(width, width, tokens * copies);
  const attention = { ...NOTHING, attentionMacs: 2 * tokens * tokens * width * copies };
  return [layerNorm(width), projection, projection, projection, projection, attention];
}

function head(width: number, out: number, tokens: number): Counts[] {
  return [batchNorm(width, tokens), conv(width, out, 1, tokens)];
}

const NOTHING: Counts = {
  parameters: 0,
  tableParameters: 0,
  normParameters: 0,
  linearMacs: 0,
  attentionMacs: 0,
  profilerMacs: 0,
};

function linear(from: number, to: number, tokens: number, bias = true): Counts {
  const macs = from * to * tokens;
  return { ...NOTHING, parameters: from * to + (bias ? to : 0), linearMacs: macs, profilerMacs: macs };
}

function conv(from: number, to: number, kernel: number, tokens: number): Counts {
  const macs = from * kernel * to * tokens;
  return { ...NOTHING, parameters: from * kernel * to + to, linearMacs: macs, profilerMacs: macs + to * tokens };
}

function batchNorm(width: number, tokens: number): Counts {
  return { ...NOTHING, parameters: 2 * width, profilerMacs: 2 * width * tokens };
}

function leakyRelu(width: number, tokens: number): Counts {
  return { ...NOTHING, profilerMacs: width * tokens };
}

function layerNorm(width: number): Counts {
  return { ...NOTHING, parameters: 2 * width, normParameters: 2 * width };
}

function table(rows: number, width: number): Counts {
  return { ...NOTHING, parameters: rows * width, tableParameters: rows * width };
}

function part(name: string, counts: readonly Counts[]): PartComplexity {
  const total = { ...NOTHING };
  for (const one of counts) {
    for (const key of Object.keys(total) as (keyof Counts)[]) {
      total[key] += one[key];
    }
  }
  return { name, ...total };
}
