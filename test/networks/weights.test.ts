import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readNpz } from '../../lib/formats/numpy/npz.js';
import { readSafetensors, writeSafetensors } from '../../lib/formats/safetensors.js';
import type { ModelConfigInput } from '../../lib/networks/config.js';
import { CONFIG_KEY, loadWeights, readWeights, writeNamedNpz, writeWeights } from '../../lib/networks/weights.js';
import { dataPath, itWithData } from '../helpers/data.js';
import { relativeError } from '../helpers/native-model.js';
import { randomNetwork, randomTensors, smallConfig } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const tiny = fileURLToPath(new URL('../fixtures/pth/tiny.pth', import.meta.url));

describe('model files', () => {
  const config = smallConfig({ stride: 3, fps: 30, inputLayout: 'coco-17', seed: 4 });

  it('give back the configuration, every tensor and the texts', async () => {
    const path = join(folder, 'whole.safetensors');
    const tensors = await randomTensors(config);
    writeWeights(path, tensors, config, { note: 'hello' });
    const weights = await readWeights(path);
    expect(weights.config).toEqual(config);
    expect(weights.tensors).toEqual(tensors);
    expect(weights.metadata.note).toBe('hello');
    expect(weights.notices).toEqual([]);
    expect(weights.name).toBe('whole.safetensors');
  });

  it('take half the room in half precision, at half precision', async () => {
    const path = join(folder, 'half.safetensors');
    const tensors = await randomTensors(config);
    writeWeights(path, tensors, config, {}, { half: true });
    const stored = readSafetensors(path);
    const read = await readWeights(path);
    for (const [name, { data }] of tensors) {
      const error = relativeError(read.tensors.get(name)!.data, data);
      expect(Number.isNaN(error) ? 0 : error, name).toBeLessThan(5e-4);
    }
    expect(JSON.parse(stored.metadata[CONFIG_KEY])).toEqual(config);
  });

  it('may have fields overridden', async () => {
    const path = join(folder, 'stride.safetensors');
    writeWeights(path, await randomTensors(config), config);
    expect((await readWeights(path, { config: { stride: 7 } })).config).toEqual({ ...config, stride: 7 });
  });

  it('leave an optimizer aside', async () => {
    const path = join(folder, 'checkpoint.safetensors');
    const tensors = await randomTensors(config);
    const state = { data: new Float32Array(2), shape: [2] };
    writeSafetensors(path, new Map([...tensors, ['adamMean:fcn.0.bias', state]]), {
      [CONFIG_KEY]: JSON.stringify(config),
    });
    expect((await readWeights(path)).tensors).toEqual(tensors);
  });

  it('refuse a configuration that is none', async () => {
    const path = join(folder, 'broken.safetensors');
    writeSafetensors(path, await randomTensors(config), { [CONFIG_KEY]: '{' });
    await expect(readWeights(path)).rejects.toMatchObject({
      code: 'ERR_FORMAT',
      message: expect.stringContaining(path),
    });
  });
});

describe('bare tensors', () => {
  it('tell widths and depths, and leave the rest to preset and options with a notice', async () => {
    const { config, notices, tensors } = await readWeights(tiny, { preset: 'in-the-wild', config: { fps: 25 } });
    expect(config).toMatchObject({
      stage: 2,
      frames: 9,
      layers: 2,
      width: 32,
      hidden: 48,
      backbone: 'mlp',
      mlpBlocks: 1,
    });
    expect(config).toMatchObject({ temporal: true, aggregate: true, refine: null });
    expect(config).toMatchObject({ stride: 2, inputLayout: 'coco-17', outputLayout: 'h36m-17', fps: 25 });
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(/preset in-the-wild come stride 2, heads 8, inputLayout coco-17.*outputUnit m/);
    expect(notices[0]).not.toContain('fps');
    expect([...tensors.keys()].some((name) => name.startsWith('module.') || name.includes('num_batches'))).toBe(false);
  });

  it('refuse options that contradict them, and layouts of other joints', async () => {
    const error = (config: ModelConfigInput) => expect(readWeights(tiny, { config })).rejects;
    await error({ frames: 27 }).toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(/frames is 27.*say 9/),
    });
    await error({ inputLayout: 'halpe-26' }).toMatchObject({
      code: 'ERR_MODEL',
      message: expect.stringMatching(/26.*17/),
    });
    await error({ heads: 7 }).toMatchObject({ code: 'ERR_CONFIG' });
    await expect(readWeights(tiny, { preset: 'pstmo-xl' })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  });

  it.each<[string, ModelConfigInput]>([
    ['one linear layer, no MOFA', { backbone: 'fc', aggregate: false }],
    ['the transformer over joints', { backbone: 'transformer', aggregate: false, width: 136, hidden: 272 }],
    ['three residual blocks', { mlpBlocks: 3, layers: 1, hidden: 20 }],
    ['refining', { refine: { root: 'truth' } }],
    ['Stage I', { stage: 1, decoderLayers: 3 }],
  ])('tell of %s', async (about, overrides) => {
    const config = smallConfig(overrides);
    const path = join(folder, `${about}.npz`);
    writeNamedNpz(path, await randomTensors(config));
    const found = (await readWeights(path)).config;
    const unseen = config.stage === 2 ? { decoderLayers: found.decoderLayers } : {};
    expect(found).toEqual({ ...config, ...unseen });
  });

  it('tell of SEM alone, but for the frames', async () => {
    const config = smallConfig({ temporal: false, aggregate: false, mlpBlocks: 2 });
    const path = join(folder, 'sem.npz');
    writeNamedNpz(path, await randomTensors(config));
    const found = (await readWeights(path, { config: { frames: 9 } })).config;
    expect(found).toMatchObject({ frames: 9, temporal: false, aggregate: false, mlpBlocks: 2, width: 32 });
  });

  it('go out under published names, so that PyTorch takes them strictly', async () => {
    const { tensors } = await readWeights(tiny);
    const path = join(folder, 'named.npz');
    writeNamedNpz(path, tensors);
    const names = [...readNpz(path).keys()];
    expect(names.every((name) => name.startsWith('module.'))).toBe(true);
    expect(names).toContain('module.encoder.bn_1.num_batches_tracked');
    expect((await readWeights(path)).tensors).toEqual(tensors);
  });

  it('may be of the refining module, published apart', async () => {
    const whole = smallConfig({ refine: { root: 'truth' } });
    const all = [...(await randomTensors(whole))];
    const apart = (wanted: boolean) => new Map(all.filter(([name]) => name.startsWith('post_refine.') === wanted));
    const [path, refine] = [join(folder, 'plain.npz'), join(folder, 'refine.npz')];
    writeNamedNpz(path, apart(false));
    writeNamedNpz(refine, apart(true));
    const both = await readWeights(path, { refine });
    expect(both.config.refine).toEqual({ root: 'truth' });
    expect(both.tensors).toEqual(new Map(all));
    await expect(readWeights(path, { refine: path })).rejects.toMatchObject({ code: 'ERR_MODEL' });
  });

  const published = 'checkpoints/PSTMO_refine_6_4215_h36m_cpn.pth';
  itWithData('fit a refining module as its authors published it', published, async () => {
    const { config, tensors } = await readWeights(tiny, { refine: dataPath(published)! });
    expect(config.refine).toEqual({ root: 'truth' });
    expect(tensors.get('post_refine.0.weight')!.shape).toEqual([1024, 102]);
  });
});

describe('what is no model', () => {
  it('is refused by name', async () => {
    await expect(readWeights('no-such-model')).rejects.toMatchObject({ code: 'ERR_FILE' });
    const text = join(folder, 'text.pth');
    writeFileSync(text, 'not a model');
    await expect(readWeights(text)).rejects.toMatchObject({
      code: 'ERR_FORMAT',
      message: expect.stringContaining(text),
    });
    const other = join(folder, 'other.safetensors');
    writeSafetensors(other, { 'conv.weight': { data: new Float32Array(2), shape: [2] } });
    await expect(readWeights(other)).rejects.toMatchObject({
      code: 'ERR_MODEL',
      message: expect.stringContaining('conv.weight'),
    });
  });

  it('has every tensor that does not fit named', async () => {
    const config = smallConfig();
    const native = await randomNetwork(config);
    const tensors = await randomTensors(config);
    tensors.delete('fcn.1.bias');
    tensors.delete('Transformer.model.norm.a_2');
    tensors.set('fcn.0.weight', { data: new Float32Array(3), shape: [3] });
    tensors.set('extra', { data: new Float32Array(1), shape: [1] });
    const weights = { name: 'm', path: 'm.pth', config, tensors, metadata: {}, notices: [] };
    const error = await loadWeights(native, weights).catch((caught) => caught);
    expect(error.code).toBe('ERR_MODEL');
    expect(error.message).toMatch(/fcn\.1\.bias \(51\) is missing/);
    expect(error.message).toMatch(/fcn\.0\.weight must be \(32\), got \(3\)/);
    expect(error.message).toMatch(/extra is unexpected/);
    expect(error.message).not.toContain('Transformer.model.norm');
    await native.close();
  });
});
