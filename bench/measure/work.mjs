import { strideTable } from '../../dist/networks/strides.js';
import { complexity } from '../../dist/profiling/complexity.js';

/**
 * Floating point operations that the middle frame's pose of one window needs: all products of the network but the per-frame
 * head, which only training reads, and rows and taps of the frame aggregator that no output depends on.
 */
export function windowFlops(config) {
  const parts = complexity(config).parts.filter(({ name }) => name !== 'per-frame head');
  return 2 * (sum(parts) - unreadMacs(config));
}

/**
 * Operations a frame of a video that is lifted at every frame: the spatial encoder and the first layer's Q, K and V look at
 * one frame alone, so that neighbouring windows share them.
 */
export function videoFlops(config) {
  const { frames, width } = config;
  const encoder = sum(complexity(config).parts.filter(({ name }) => name === 'spatial encoder'));
  const shared = encoder + 3 * width * width * frames;
  return windowFlops(config) - 2 * shared * (1 - 1 / frames);
}

/** Operations of a training sample: one forward pass and two as large back. */
export function trainingFlops(config) {
  return 3 * complexity(config).flops;
}

const sum = (parts) => parts.reduce((total, { linearMacs, attentionMacs }) => total + linearMacs + attentionMacs, 0);

/** Multiply-accumulates of aggregator rows that the strided convolution behind them does not read, and of taps in its padding. */
function unreadMacs({ frames, width, hidden }) {
  let macs = 0;
  let tokens = frames;
  for (const stride of strideTable(frames)) {
    const kept = Math.ceil(tokens / stride);
    const taps = Array.from({ length: kept }, (_, i) => [stride * i - 1, stride * i, stride * i + 1]).flat();
    const inside = taps.filter((row) => row >= 0 && row < tokens);
    const unread = tokens - new Set(inside).size;
    const row = 2 * width * width + width * hidden + 2 * tokens * width;
    macs += unread * row + (taps.length - inside.length) * hidden * width;
    tokens = kept;
  }
  return macs;
}
