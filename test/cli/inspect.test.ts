import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PoseError } from '../../lib/base/pose-error.js';
import { inspectFile } from '../../lib/cli/inspect-file.js';
import { writeMotion } from '../../lib/export/write-motion.js';
import { writeSafetensors } from '../../lib/formats/safetensors.js';
import { parseModelConfig } from '../../lib/networks/config.js';
import { runHere } from '../helpers/cli.js';
import { walkingMotion } from '../helpers/motion.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const config = JSON.stringify(parseModelConfig({ frames: 9 }));

describe('inspect', () => {
  it('knows the bundled models by name', async () => {
    const { code, out } = await runHere(['inspect', 'pstmo-s-27']);
    expect(code).toBe(0);
    expect(out).toMatch(/pstmo-s-27\.safetensors: model, \d+ bytes\nP-STMO, Stage 2: N = 27/);
    expect(out).toMatch(/finetune on mocap, epoch 10, validation \d+\.\d mm/);
  });

  it('prints nothing but the error where nothing can be told', async () => {
    expect(await runHere(['inspect', join(folder, 'none')])).toMatchObject({ code: 1, out: '' });
  });

  it('says what files of motion are', async () => {
    const motion = walkingMotion('inspected', 20);
    const paths = ['walk.trc', 'walk.c3d', 'walk.bvh'].map((name) => join(folder, name));
    for (const path of paths) await writeMotion(path, motion);
    const found = await Promise.all(paths.map((path) => inspectFile(path)));
    expect(found.map(({ kind }) => kind)).toEqual(['motion', 'motion', 'motion']);
    for (const { lines } of found.slice(0, 2)) {
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/^motion: 20 frames, 50 frames\/s, 0\.40 s, 17 joints of h36m-17, 1\.\d\d m high$/);
    }
    expect(found[2].lines[1]).toContain('LeftKnee');
  });

  // Found by mutated files.
  it.each<[string, Record<string, string>, RegExp]>([
    ['a configuration cut short', { 'pstmo.config': config.slice(0, -9) }, /pstmo\.config is no JSON/],
    ['a configuration of another kind', { 'pstmo.config': '7' }, /expected object, got 7/],
    [
      'a training that is no JSON',
      { 'pstmo.config': config, 'pstmo.training': '{"kind":' },
      /pstmo\.training is no JSON/,
    ],
    [
      'a training without its fields',
      { 'pstmo.config': config, 'pstmo.training': '{}' },
      /pstmo\.training: kind: expected/,
    ],
  ])('refuses %s', async (name, metadata, message) => {
    const path = join(folder, `${name}.safetensors`);
    writeSafetensors(path, { x: { data: new Float32Array(1), shape: [1] } }, metadata);
    const error = await inspectFile(path).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PoseError);
    expect((error as PoseError).message).toMatch(message);
  });
});
