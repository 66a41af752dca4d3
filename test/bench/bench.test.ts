import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTrc } from '../../bench/studies/pose2sim/read-trc.mjs';
import { BLOCK, compareLosses } from '../../bench/studies/training-parity/compare-losses.mjs';
import { temporaryFolder } from '../helpers/temporary-folder.js';

describe('training parity', () => {
  // A falling curve with a scatter of 0.01 from batch to batch.
  const theirs = Array.from(
    { length: 4 * BLOCK },
    (_, step) => 1 / (1 + 0.001 * step) + (step % 2 === 0 ? 0.01 : -0.01),
  );

  it('finds no distance between a curve and itself', () => {
    const { blocks, largestInNoise } = compareLosses(theirs, theirs);
    expect(blocks).toHaveLength(4);
    expect(largestInNoise).toBe(0);
  });

  it('measures a lasting shift in standard errors of a mean', () => {
    const shift = 0.004;
    const { meanInNoise } = compareLosses(
      theirs.map((loss) => loss + shift),
      theirs,
    );
    // Neighbours differ by 0.02: half their mean square is a variance of 0.0002.
    expect(meanInNoise).toBeCloseTo(shift / Math.sqrt(0.0002 / BLOCK), 1);
  });
});

describe('bench/run.mjs', () => {
  it.each(['windwos', '('])('lists what there is where --only %s names none of it', (pattern) => {
    const run = spawnSync(process.execPath, ['bench/run.mjs', '--only', pattern], { encoding: 'utf8' });
    expect(run.status).toBe(2);
    expect(run.stderr).toContain(`--only: expected a pattern that some part matches, got "${pattern}". There are:\n`);
    expect(run.stderr).toMatch(/^ {2}windows N=27 S fp32$/m);
    expect(run.stderr).toMatch(/^ {2}javascript$/m);
    expect(run.stdout).toBe('');
  });

  it.each([
    ['bench/gate/run.mjs', /^ {2}\S/m],
    ['bench/studies/kernels.mjs', /^ {2}\S/m],
  ])('so does %s', (script, list) => {
    const run = spawnSync(process.execPath, [script, '--only', 'nothing of it'], { encoding: 'utf8' });
    expect(run.status).toBe(2);
    expect(run.stderr).toMatch(/^--only: expected .* got "nothing of it"\. There are:$/m);
    expect(run.stderr).toMatch(list);
  });
});

describe('TRC', () => {
  const path = join(temporaryFolder(), 'two.trc');
  const head = 'PathFileType\t4\t(X/Y/Z)\ttwo.trc\nDataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\n';
  const columns = 'Frame#\tTime\tRHip\t\t\tNeck\t\t\n\t\tX1\tY1\tZ1\tX2\tY2\tZ2\n';

  it('gives markers in metres with the columns as X, Y, Z of the calibration', () => {
    writeFileSync(path, `${head}60\t60\t2\t2\tm\n${columns}1\t0\t1\t2\t3\t4\t5\t6\n2\t0.1\t7\t8\t9\t10\t11\t12\n`);
    const { fps, frames, names, points } = readTrc(path);
    expect({ fps, frames, names }).toEqual({ fps: 60, frames: 2, names: ['RHip', 'Neck'] });
    expect([...points]).toEqual([3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10, 11]);
  });

  it('refuses a file that lacks frames', () => {
    writeFileSync(path, `${head}60\t60\t2\t2\tm\n${columns}1\t0\t1\t2\t3\t4\t5\t6\n`);
    expect(() => readTrc(path)).toThrow('2 frames');
  });
});
