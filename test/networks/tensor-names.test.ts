import { expect, it } from 'vitest';
import { createNativeModel } from '../../lib/binding.js';
import { type ModelConfigInput, parseModelConfig } from '../../lib/networks/config.js';
import { nativeConfig } from '../../lib/networks/native-config.js';
import { tensorNames, tensorStacks } from '../../lib/networks/tensor-names.js';

/** Between them these networks have every kind of module. */
const networks: ModelConfigInput[] = [
  { stage: 1 },
  { refine: { root: 'truth' } },
  { backbone: 'fc' },
  { backbone: 'transformer', width: 136 },
];

it('tensors that tell what a network is are named as native networks name them', async () => {
  const names = new Set<string>();
  for (const network of networks) {
    const config = parseModelConfig({ frames: 27, width: 64, hidden: 64, ...network });
    const native = createNativeModel(nativeConfig(config), { device: 'cpu', precision: 'fp32', threads: 1 });
    for (const { name } of native.tensors) names.add(name);
    await native.close();
  }
  expect(Object.values(tensorNames).filter((name) => !names.has(name))).toEqual([]);
  const without = Object.values(tensorStacks).filter(
    (stack) => ![...names].some((name) => name.startsWith(`${stack}.0.`)),
  );
  expect(without).toEqual([]);
});
