import { strideTable } from '../../../dist/networks/strides.js';
import { OnnxGraph } from './protobuf.mjs';

const BATCH_NORM_EPSILON = 1e-5;
const LAYER_NORM_EPSILON = 1e-6;
const LEAK = 0.2;
const JOINTS = 17;

/**
 * P-STMO (Stage II, MLP backbone) as ONNX: keypoints (batch, N, 17, 2) to the middle frame's pose (batch, 1, 17, 3), written from
 * the network's equations as an exporter would, batch norms folded into their neighbours. The per-frame head is left out.
 * @param tensors by their published names
 */
export function stmoOnnx(config, tensors) {
  return new StmoGraph(config, tensors).encode();
}

class StmoGraph {
  #graph = new OnnxGraph();
  #config;
  #tensors;

  constructor(config, tensors) {
    this.#config = config;
    this.#tensors = tensors;
  }

  encode() {
    const { frames, width, layers } = this.#config;
    let x = this.#spatialEncoder(this.#reshape('keypoints', [-1, 2 * JOINTS]));
    x = this.#positions(x, 'Transformer.pos_embedding', frames);
    for (let layer = 0; layer < layers; layer++) {
      x = this.#layer(x, `Transformer.model.layers.${layer}`, frames);
    }
    let tokens = frames;
    for (const [layer, stride] of strideTable(frames).entries()) {
      const root = 'Transformer_reduce.model';
      x = layer < 3 ? this.#positions(x, `${root}.pos_embedding_${layer + 1}`, tokens) : x;
      x = this.#layer(x, `${root}.layers.${layer}`, tokens, stride);
      tokens = Math.ceil(tokens / stride);
    }
    const { weight, bias } = this.#behindBatchNorm('fcn.0', this.#linear('fcn.1'));
    x = this.#product(x, weight, bias, width);
    this.#graph.node('Reshape', [x, this.#graph.constant([-1, 1, JOINTS, 3])], {}, 'pose');
    return this.#graph.encode(
      { name: 'keypoints', dims: ['batch', frames, JOINTS, 2] },
      { name: 'pose', dims: ['batch', 1, JOINTS, 3] },
    );
  }

  #spatialEncoder(input) {
    const { width, mlpBlocks } = this.#config;
    const wide = 2 * width;
    const block = (x, linear, norm, channels) => {
      const { weight, bias } = this.#beforeBatchNorm(this.#linear(`encoder.${linear}`), `encoder.${norm}`);
      return this.#graph.node('LeakyRelu', [this.#product(x, weight, bias, channels)], { alpha: LEAK });
    };
    let x = block(input, 'fc_1', 'bn_1', 2 * JOINTS);
    for (let i = 0; i < mlpBlocks; i++) {
      const y = block(x, `layers.${i}.w1`, `layers.${i}.batch_norm1`, wide);
      x = this.#graph.node('Add', [x, block(y, `layers.${i}.w2`, `layers.${i}.batch_norm2`, wide)]);
    }
    const { weight, bias } = this.#linear('encoder.fc_2');
    return this.#product(x, weight, bias, wide);
  }

  /** A pre-norm layer on rows (batch * tokens, d); with a stride, the strided one. */
  #layer(input, name, tokens, stride) {
    const { width, hidden } = this.#config;
    const attended = this.#attention(this.#layerNorm(input, `${name}.sublayer.0.norm`), `${name}.self_attn`, tokens);
    const x = this.#graph.node('Add', [input, attended]);
    const normed = this.#layerNorm(x, `${name}.sublayer.1.norm`);
    const first = this.#linear(`${name}.feed_forward.w_1`);
    const h = this.#graph.node('Relu', [this.#product(normed, first.weight, first.bias, width)]);
    const second = this.#linear(`${name}.feed_forward.w_2`);
    if (stride === undefined) {
      return this.#graph.node('Add', [x, this.#product(h, second.weight, second.bias, hidden)]);
    }
    return this.#strided(x, h, second, tokens, stride);
  }

  #strided(residual, h, { weight, bias }, tokens, stride) {
    const { width, hidden } = this.#config;
    const graph = this.#graph;
    const across = graph.node('Transpose', [this.#reshape(h, [-1, tokens, hidden])], { perm: [0, 2, 1] });
    const inputs = [across, graph.constant(weight, [width, hidden, 3]), graph.constant(bias)];
    const attributes = { kernel_shape: [3], strides: [stride], pads: [1, 1] };
    const y = graph.node('Transpose', [graph.node('Conv', inputs, attributes)], { perm: [0, 2, 1] });
    const bounds = [[0], [tokens], [1], [stride]].map((list) => graph.constant(list));
    const kept = graph.node('Slice', [this.#reshape(residual, [-1, tokens, width]), ...bounds]);
    return this.#reshape(graph.node('Add', [kept, y]), [-1, width]);
  }

  #attention(x, name, tokens) {
    const { width, heads } = this.#config;
    const graph = this.#graph;
    const part = (index, perm) => {
      const { weight, bias } = this.#linear(`${name}.linears.${index}`);
      const split = this.#reshape(this.#product(x, weight, bias, width), [-1, tokens, heads, width / heads]);
      return graph.node('Transpose', [split], { perm });
    };
    const [q, k, v] = [part(0, [0, 2, 1, 3]), part(1, [0, 2, 3, 1]), part(2, [0, 2, 1, 3])];
    const scale = graph.constant(Float32Array.of(Math.sqrt(Math.floor(width / heads))), []);
    const scores = graph.node('Div', [graph.node('MatMul', [q, k]), scale]);
    const out = graph.node('MatMul', [graph.node('Softmax', [scores], { axis: -1 }), v]);
    const joined = this.#reshape(graph.node('Transpose', [out], { perm: [0, 2, 1, 3] }), [-1, width]);
    const { weight, bias } = this.#linear(`${name}.linears.3`);
    return this.#product(joined, weight, bias, width);
  }

  /** a * (x - mean) / (std + eps) + b with the unbiased std. */
  #layerNorm(x, name) {
    const { width } = this.#config;
    const graph = this.#graph;
    const scalar = (value) => graph.constant(Float32Array.of(value), []);
    const mean = (of) => graph.node('ReduceMean', [of], { axes: [-1], keepdims: 1 });
    const centred = graph.node('Sub', [x, mean(x)]);
    const variance = graph.node('Mul', [mean(graph.node('Mul', [centred, centred])), scalar(width / (width - 1))]);
    const std = graph.node('Add', [graph.node('Sqrt', [variance]), scalar(LAYER_NORM_EPSILON)]);
    const a = graph.constant(this.#data(`${name}.a_2`));
    const b = graph.constant(this.#data(`${name}.b_2`));
    const scaled = graph.node('Div', [graph.node('Mul', [a, centred]), std]);
    return graph.node('Add', [scaled, b]);
  }

  /** Rows plus the first `tokens` rows of a table, window by window. */
  #positions(x, name, tokens) {
    const { width } = this.#config;
    const table = this.#graph.constant(this.#data(name).subarray(0, tokens * width), [1, tokens, width]);
    const sum = this.#graph.node('Add', [this.#reshape(x, [-1, tokens, width]), table]);
    return this.#reshape(sum, [-1, width]);
  }

  #product(x, weight, bias, inputs) {
    const constants = [this.#graph.constant(weight, [bias.length, inputs]), this.#graph.constant(bias)];
    return this.#graph.node('Gemm', [x, ...constants], { transB: 1 });
  }

  #reshape(x, shape) {
    return this.#graph.node('Reshape', [x, this.#graph.constant(shape)]);
  }

  #data(name) {
    return this.#tensors.get(name).data;
  }

  #linear(name) {
    return { weight: this.#data(`${name}.weight`), bias: this.#data(`${name}.bias`) };
  }

  /** Batch norm as a scale and a shift of each channel. */
  #batchNorm(name) {
    const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
      this.#data(`${name}.${part}`),
    );
    const scale = gamma.map((value, i) => value / Math.sqrt(variance[i] + BATCH_NORM_EPSILON));
    return { scale, shift: beta.map((value, i) => value - mean[i] * scale[i]) };
  }

  /** The linear layer with the batch norm behind it. */
  #beforeBatchNorm({ weight, bias }, name) {
    const { scale, shift } = this.#batchNorm(name);
    const inputs = weight.length / bias.length;
    return {
      weight: weight.map((value, i) => value * scale[Math.floor(i / inputs)]),
      bias: bias.map((value, i) => value * scale[i] + shift[i]),
    };
  }

  /** The linear layer with the batch norm in front of it. */
  #behindBatchNorm(name, { weight, bias }) {
    const { scale, shift } = this.#batchNorm(name);
    const inputs = weight.length / bias.length;
    return {
      weight: weight.map((value, i) => value * scale[i % inputs]),
      bias: bias.map((value, o) => shift.reduce((sum, one, i) => sum + weight[o * inputs + i] * one, value)),
    };
  }
}
