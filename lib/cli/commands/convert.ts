import { extname } from 'node:path';
import { Command } from 'commander';
import { throwIfAborted } from '../../base/abort.js';
import { PoseError } from '../../base/pose-error.js';
import { shownText } from '../../base/shown-text.js';
import { createNativeModel } from '../../binding.js';
import { nativeConfig } from '../../networks/native-config.js';
import { checkTensors, readWeights, type Weights, writeNamedNpz, writeWeights } from '../../networks/weights.js';
import { TRAINING_KEY } from '../../training/record/trained-model.js';
import { type Io, notice, print } from '../io.js';
import { configFlag, presetFlag } from '../model-options.js';

interface ConvertFlags {
  preset?: string;
  refine?: string;
  set?: Record<string, unknown>;
  half?: boolean;
  json?: boolean;
}

export function convertCommand(io: Io): Command {
  const command = new Command('convert')
    .description("any weights in, this project's safetensors or an npz with the published names out")
    .argument('<weights>', 'safetensors, published .pth (zip or legacy), npz, or a bundled model')
    .argument('<out>', '.safetensors, or .npz whose names PyTorch loads strictly')
    .option('--preset <name>', 'where a .pth comes from: what its shapes cannot say', presetFlag)
    .option('--refine <file>', 'weights of the refining module, which was published apart')
    .option('--half', 'store float16: half the size')
    .option('--json', 'print JSON');
  return configFlag(command).action(async (source: string, out: string, flags: ConvertFlags) => {
    const ending = extname(out).toLowerCase();
    if (ending !== '.safetensors' && ending !== '.npz') {
      throw new PoseError(
        'ERR_USAGE',
        `${out}: expected a name that ends in .safetensors or .npz, got ${ending || 'none'}.`,
      );
    }
    if (ending === '.npz' && flags.half) {
      throw new PoseError('ERR_USAGE', '--half goes with .safetensors; an npz is for PyTorch, in float32.');
    }
    const weights = await readWeights(source, { preset: flags.preset, config: flags.set, refine: flags.refine });
    for (const text of weights.notices) {
      notice(io, text);
    }
    await checkFit(weights);
    // From here on a signal waits for the file that is being written.
    throwIfAborted(io.signal);
    if (ending === '.npz') {
      writeNamedNpz(out, weights.tensors);
    } else {
      const training = Object.entries(weights.metadata).filter(([key]) => key === TRAINING_KEY);
      writeWeights(out, weights.tensors, weights.config, Object.fromEntries(training), { half: flags.half === true });
    }
    const values = [...weights.tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
    print(
      io,
      flags.json,
      { out, tensors: weights.tensors.size, values, half: flags.half === true, config: weights.config },
      () =>
        shownText(`${out}: ${weights.tensors.size} tensors, ${values.toLocaleString('en')} values of ${weights.path}`),
    );
  });
}

/** Throws `ERR_MODEL` where the tensors are not those of the configuration: nothing could load such a file. */
async function checkFit(weights: Weights): Promise<void> {
  const network = createNativeModel(nativeConfig(weights.config), { device: 'cpu', precision: 'fp32', threads: 1 });
  try {
    checkTensors(network.tensors, weights);
  } finally {
    await network.close();
  }
}
