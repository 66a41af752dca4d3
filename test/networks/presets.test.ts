import { describe, expect, it } from 'vitest';
import { machine } from '../../lib/binding.js';
import { parseModelConfig } from '../../lib/networks/config.js';
import { resolveDevice } from '../../lib/networks/device.js';
import { nativeConfig } from '../../lib/networks/native-config.js';
import { presetByName, presetConfig, presetNames } from '../../lib/networks/presets.js';

describe('presets', () => {
  it('are the four settings of the paper, and one for videos from anywhere', () => {
    const rows = presetNames.map((name) => {
      const { frames, stride, layers, masking, inputLayout, outputLayout } = parseModelConfig(presetConfig(name));
      const { pretrain, finetune } = presetByName(name).learningRates;
      const { temporalRatio, joints } = masking;
      return [name, frames, stride, layers, temporalRatio, joints, pretrain, finetune, inputLayout, outputLayout];
    });
    expect(rows).toEqual([
      ['pstmo-s-cpn', 243, 2, 3, 0.8, 2, 1e-4, 7e-4, 'h36m-17', 'h36m-17'],
      ['pstmo-s-gt', 243, 2, 3, 0.8, 7, 1e-4, 1e-3, 'h36m-17', 'h36m-17'],
      ['pstmo', 243, 2, 4, 0.6, 3, 1e-4, 1e-3, 'h36m-17', 'h36m-17'],
      ['pstmo-s-3dhp', 81, 1, 3, 0.7, 2, 1e-4, 7e-4, '3dhp-17', '3dhp-17'],
      ['in-the-wild', 243, 2, 3, 0.8, 2, 1e-4, 7e-4, 'coco-17', 'h36m-17'],
    ]);
    for (const name of presetNames) {
      const { layers, decoderLayers, outputUnit } = parseModelConfig(presetConfig(name));
      expect(decoderLayers, name).toBe(layers - 1);
      expect(outputUnit, name).toBe(name === 'pstmo-s-3dhp' ? 'mm' : 'm');
    }
  });

  it('mirror input and output each by its own joints, about its own root', () => {
    const wild = nativeConfig(parseModelConfig(presetConfig('in-the-wild')));
    expect([...wild.mirrorInput.subarray(5, 7)]).toEqual([6, 5]);
    expect([...wild.mirrorOutput.subarray(0, 5)]).toEqual([0, 4, 5, 6, 1]);
    expect(nativeConfig(parseModelConfig(presetConfig('pstmo-s-3dhp'))).rootJoint).toBe(14);
  });

  it('are refused by name where there is none', () => {
    expect(() => presetConfig('toString')).toThrow(/pstmo-s-cpn.*the string 'toString'/);
  });
});

describe('resolveDevice', () => {
  it('takes the CPU when told so', () => {
    expect(resolveDevice('cpu')).toBe('cpu');
  });

  it.skipIf(machine().cuda.found)('never falls back from a GPU that is not there, and says what to do', () => {
    for (const device of ['cuda', 'cuda:1'] as const) {
      expect(() => resolveDevice(device)).toThrow(
        expect.objectContaining({ code: 'ERR_NO_CUDA', message: expect.stringMatching(/needed; use device "cpu"/) }),
      );
    }
    const told: string[] = [];
    expect(resolveDevice('auto', (text) => told.push(text))).toBe('cpu');
    expect(told.join()).toMatch(/the CPU, since/);
  });
});
