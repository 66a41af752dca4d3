import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { PoseLifter } from '../../lib/models/pose-lifter.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const size = { width: 640, height: 480 };
const model = await writeSmallModel(join(temporaryFolder(), 'small.safetensors'));
const frame = { data: new Float32Array(34).fill(100), shape: [17, 2] };

describe('streams', () => {
  it.each(['auto', 'off'] as const)(
    'count in the memory of their model, and no more once they end, compiled %s',
    async (compiled) => {
      await using lifter = await PoseLifter.load(model, { device: 'cpu', threads: 1, compiled });
      const open = async () => {
        const stream = await lifter.stream(size);
        await stream.push(frame);
        return stream;
      };
      await (await open()).end();
      const before = lifter.memoryBytes;
      const streams = await Promise.all(Array.from({ length: 20 }, open));
      // Each keeps the keypoints of its frames at least: 34 numbers.
      expect(lifter.memoryBytes - before).toBeGreaterThanOrEqual(20 * 34 * 4);
      for (const stream of streams) await stream.end();
      expect(lifter.memoryBytes).toBe(before);
    },
  );

  it('that nobody holds are freed with the collector, and the model goes on', () => {
    const script = fileURLToPath(new URL('./forgotten-streams.mjs', import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', script, 'pstmo-s-27'], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { before, held, after, most } = JSON.parse(stdout) as Record<string, number>;
    expect(held - before).toBeGreaterThan(1e6);
    expect(after - before).toBeLessThan((held - before) / 20);
    // The collector knows of them: it comes by itself, long before ten times as many are there.
    expect(most - before).toBeLessThan(5 * (held - before));
  });
});
