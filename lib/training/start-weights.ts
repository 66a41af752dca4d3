import type { NativeModel } from '../../binding.js';
import { PoseError } from '../base/pose-error.js';
import type { ModelConfig } from '../networks/config.js';
import type { Weights } from '../networks/weights.js';

/** The two encoders, which Stage II takes over from Stage I. */
const ENCODERS = /^(encoder|Transformer)\./;

/**
 * Puts the weights that a training starts from into a model whose other tensors are initialised already, and says what
 * was taken. From Stage I to Stage II the two encoders go over; within a stage everything must fit. A network with the
 * refining module starts from a finished Stage II, with or without that module.
 */
export async function applyStartWeights(native: NativeModel, config: ModelConfig, start: Weights): Promise<string> {
  const between = start.config.stage === 1 && config.stage === 2;
  if (start.config.stage === 2 && config.stage === 1) {
    throw new PoseError(
      'ERR_CONFIG',
      `from: ${start.path} is a Stage II model; Stage I starts from scratch or from Stage I.`,
    );
  }
  if (config.refine && start.config.stage === 1) {
    throw new PoseError(
      'ERR_CONFIG',
      `from: refining starts from a finished Stage II, but ${start.path} is of Stage I.`,
    );
  }
  let taken = 0;
  let fresh = 0;
  for (const { name, shape } of native.tensors) {
    const wanted = between ? ENCODERS.test(name) : !name.startsWith('post_refine.') || start.tensors.has(name);
    if (!wanted) {
      fresh++;
      continue;
    }
    const tensor = start.tensors.get(name);
    if (!tensor || tensor.shape.join() !== shape.join()) {
      const came = tensor ? `(${tensor.shape.join(', ')})` : 'none';
      throw new PoseError(
        'ERR_CONFIG',
        `from: ${start.path}: tensor ${name} must be (${shape.join(', ')}), got ${came}; the model's widths and depths must agree.`,
      );
    }
    await native.write('value', name, tensor.data);
    taken++;
  }
  return `${start.path}: ${taken} tensors taken over, ${fresh} start anew.`;
}
