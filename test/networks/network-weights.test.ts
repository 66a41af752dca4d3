import { appendFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { NativeModel } from '../../binding.js';
import { createNativeModel } from '../../lib/binding.js';
import { decodeBfloat16, decodeHalf, encodeBfloat16, encodeHalf } from '../../lib/formats/bytes/half.js';
import { readSafetensors } from '../../lib/formats/safetensors.js';
import { PoseLifter } from '../../lib/models/pose-lifter.js';
import type { ModelConfig } from '../../lib/networks/config.js';
import { nativeConfig } from '../../lib/networks/native-config.js';
import { openNetworkWeights } from '../../lib/networks/network-weights.js';
import { CONFIG_KEY, writeWeights } from '../../lib/networks/weights.js';
import { pattern } from '../helpers/pattern.js';
import { randomTensors, smallConfig } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const config = smallConfig();
const keypoints = pattern('values file', 1, config.frames, 17, 2).data;

function network(of: ModelConfig, compiled: 'auto' | 'off' = 'auto'): NativeModel {
  return createNativeModel(nativeConfig(of), { device: 'cpu', precision: 'fp32', threads: 2, compiled });
}

/** A model file whose weights are stored as `type`, and the values that are in it. */
async function storedAs(type: 'F32' | 'F16' | 'BF16'): Promise<{ path: string; values: Map<string, Float32Array> }> {
  const tensors = await randomTensors(config);
  const path = join(folder, `${type}.safetensors`);
  const values = new Map<string, Float32Array>();
  const header: Record<string, unknown> = { __metadata__: { [CONFIG_KEY]: JSON.stringify(config) } };
  const parts: Buffer[] = [];
  let end = 0;
  for (const [name, { data, shape }] of tensors) {
    const bits = type === 'F32' ? data : type === 'F16' ? encodeHalf(data) : encodeBfloat16(data);
    const part = Buffer.from(bits.buffer, bits.byteOffset, bits.byteLength);
    header[name] = { dtype: type, shape, data_offsets: [end, end + part.length] };
    end += part.length;
    parts.push(part);
    const widened = type === 'F16' ? decodeHalf(bits as Uint16Array) : decodeBfloat16(bits as Uint16Array);
    values.set(name, type === 'F32' ? data : widened);
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([length, json, ...parts]));
  return { path, values };
}

async function fillFrom(path: string, native: NativeModel): Promise<void> {
  const weights = await openNetworkWeights(path, {});
  try {
    await weights.fill(native);
  } finally {
    weights.close();
  }
}

describe('a network that takes its values from a file', () => {
  it.each(['F32', 'F16', 'BF16'] as const)('has those of %s, before it ran and after', async (type) => {
    const { path, values } = await storedAs(type);
    const native = network(config);
    await fillFrom(path, native);
    for (const [name, data] of values) expect(await native.read('value', name), name).toEqual(data);
    await native.forward({ keypoints, batch: 1 });
    for (const [name, data] of values) expect(await native.read('value', name), name).toEqual(data);
    await native.close();
  });

  it('widens every float16 as JavaScript does', async () => {
    const of = smallConfig({ width: 256, hidden: 128, layers: 1 });
    const tensors = await randomTensors(of);
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const name = 'Transformer.model.layers.0.self_attn.linears.0.weight';
    // Infinities and NaNs, too, are to arrive as they are.
    const finite = decodeHalf(bits.map((value) => ((value & 0x7c00) === 0x7c00 ? 0 : value)));
    tensors.set(name, { data: finite, shape: [256, 256] });
    const path = join(folder, 'every-half.safetensors');
    writeWeights(path, tensors, of, {}, { half: true });
    const native = network(of, 'off');
    await fillFrom(path, native);
    const expected = readSafetensors(path).tensors.get(name)?.data;
    expect(await native.read('value', name)).toEqual(expected);
    expect(expected).toEqual(finite);
    await native.close();
  });

  it('gives with its plan what the graph gives', async () => {
    const { path } = await storedAs('F32');
    const planned = await PoseLifter.load(path, { device: 'cpu' });
    const graph = await PoseLifter.load(path, { device: 'cpu', compiled: 'off' });
    const video = { data: pattern('video', 30, 17, 2).data.map((x) => 500 + 100 * x), shape: [30, 17, 2] };
    const ours = await planned.lift(video, { width: 1000, height: 1000 });
    const theirs = await graph.lift(video, { width: 1000, height: 1000 });
    for (const [i, value] of ours.data.entries()) expect(Math.abs(value - theirs.data[i])).toBeLessThan(1e-4);
    await planned.close();
    await graph.close();
  });

  it('says so where the file was written to since', async () => {
    const { path } = await storedAs('F32');
    const native = network(config);
    await fillFrom(path, native);
    appendFileSync(path, 'more');
    await expect(native.forward({ keypoints, batch: 1 })).rejects.toMatchObject({
      code: 'ERR_FILE',
      message: expect.stringContaining('written to while a model of it was open'),
    });
    await native.close();
  });

  it('keeps its values where another file takes the name', async () => {
    const { path, values } = await storedAs('F32');
    const native = network(config);
    await fillFrom(path, native);
    const other = join(folder, 'other');
    writeFileSync(other, 'something else');
    renameSync(other, path);
    await native.forward({ keypoints, batch: 1 });
    const [[name, data]] = values;
    expect(await native.read('value', name)).toEqual(data);
    await native.close();
  });

  it('takes header and values from one file, where another takes the name in between', async () => {
    const { path, values } = await storedAs('F32');
    const native = network(config);
    const weights = await openNetworkWeights(path, {});
    const other = join(folder, 'same-shapes.safetensors');
    writeWeights(
      other,
      new Map(
        [...(await randomTensors(config))].map(([name, { data, shape }]) => [
          name,
          { data: data.map((x) => x + 1), shape },
        ]),
      ),
      config,
    );
    renameSync(other, path);
    await weights.fill(native);
    weights.close();
    for (const [name, data] of values) expect(await native.read('value', name), name).toEqual(data);
    await native.close();
  });

  it('refuses a file that is shorter than its tensors', async () => {
    const { path } = await storedAs('F32');
    const weights = await openNetworkWeights(path, {});
    truncateSync(path, readFileSync(path).length - 4);
    const native = network(config);
    await expect(weights.fill(native)).rejects.toMatchObject({ code: 'ERR_FORMAT' });
    weights.close();
    await native.close();
  });
});
