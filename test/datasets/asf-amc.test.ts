import { describe, expect, it } from 'vitest';
import { PoseError } from '../../lib/base/pose-error.js';
import { parseAmc, parseAsf, readAsf } from '../../lib/datasets/mocap/asf-amc.js';
import { clipPositions } from '../../lib/datasets/mocap/mocap-clip.js';
import { largestDifference } from '../helpers/difference.js';
import { amcText, asfText } from '../helpers/writers/mocap-files.js';

const UNIT = 0.0254 / 0.45;

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(PoseError);
    return (error as PoseError).message;
  }
  throw new Error('nothing was thrown');
}

describe('ASF and AMC', () => {
  it('turns a bone about its own axes, the first degree of freedom first, in metres', () => {
    const asf = (axis: string) =>
      parseAsf(
        `:units\n length 0.45\n angle deg\n:root\n order TX TY TZ RX RY RZ\n axis XYZ\n position 0 0 0\n orientation 0 0 0
:bonedata\nbegin\n id 1\n name arm\n direction 1 0 0\n length 10\n axis ${axis} XYZ\n dof rx ry rz\nend
:hierarchy\nbegin\n root arm\nend\n`,
        'arm.asf',
      );
    const place = (axis: string, root: string, arm: string) => {
      const clip = parseAmc(`:DEGREES\n1\nroot ${root}\narm ${arm}\n`, 'arm.amc', asf(axis));
      return [...clipPositions(clip)].map((value) => value / UNIT / 10);
    };
    // Plain axes: z by 90 degrees takes x to y; x after it would change nothing of z's, before it nothing of x.
    expect(place('0 0 0', '10 20 30 0 0 0', '0 0 90').map((v) => Math.round(v * 1e6) / 1e6)).toEqual([
      1, 2, 3, 1, 3, 3,
    ]);
    // rx first: x stays x, then rz takes it to y. The other way round it would end at z.
    expect(place('0 0 0', '0 0 0 0 0 0', '90 0 90').map((v) => Math.round(v * 1e6) / 1e6 + 0)).toEqual([
      0, 0, 0, 0, 1, 0,
    ]);
    // The bone's axes are turned by 90 degrees about x, so its z is the world's -y: x goes to -(-y)... = z.
    expect(place('90 0 0', '0 0 0 0 0 0', '0 0 90').map((v) => Math.round(v * 1e6) / 1e6 + 0)).toEqual([
      0, 0, 0, 0, 0, 1,
    ]);
    // The root turns everything.
    expect(place('0 0 0', '0 0 0 0 90 0', '0 0 0').map((v) => Math.round(v * 1e6) / 1e6 + 0)).toEqual([
      0, 0, 0, 0, 0, -1,
    ]);
  });

  it('takes radians where the AMC says so', () => {
    const skeleton = parseAsf(asfText(), 'a.asf');
    const degrees = clipPositions(parseAmc(amcText(3), 'a.amc', skeleton));
    const inRadians = amcText(3)
      .replace(':DEGREES', ':RADIANS')
      .split('\n')
      .map((line) => {
        const [bone, ...values] = line.split(' ');
        if (values.length === 0 || bone.startsWith('#')) return line;
        const turned = values.map((value, i) => (bone === 'root' && i < 3 ? value : (Number(value) * Math.PI) / 180));
        return [bone, ...turned].join(' ');
      })
      .join('\n');
    expect(largestDifference(clipPositions(parseAmc(inRadians, 'a.amc', skeleton)), degrees)).toBeLessThan(1e-6);
  });

  it('names the file and the line of what is wrong', () => {
    const skeleton = parseAsf(asfText(), 'a.asf');
    const amc = (text: string) => messageOf(() => parseAmc(text, 'a.amc', skeleton));
    expect(amc(amcText(2).replace('ltibia 20', 'ltibia 20 3'))).toMatch(/a\.amc, line \d+: .*ltibia.* has 1 degrees/);
    expect(amc(amcText(2).replace('ltibia 20', 'tail 20'))).toMatch(/line \d+: .*but found "tail"/);
    expect(amc(amcText(2).replace('ltibia 20', 'ltibia x'))).toMatch(/expected a number, but found "x"/);
    expect(amc(amcText(2).replace('ltibia 20\n', ''))).toMatch(/frame 1 ends with \d+ of/);
    expect(amc(amcText(2).replace(/rradius.*\n$/, ''))).toMatch(/frame 2 ends with/);
    expect(amc('')).toMatch(/no frames/);
    expect(amc('x'.repeat(5000))).toMatch(/a line of 5000 characters/);
    const asf = (text: string) => messageOf(() => parseAsf(text, 'a.asf'));
    expect(asf('')).toMatch(/is this an ASF file/);
    expect(asf(asfText().replace('axis 0 0 0 XYZ', 'axis 0 0 0 XYX'))).toMatch(/line \d+: .*axis order/);
    expect(asf(asfText().replace('length 7\n', 'length seven\n'))).toMatch(/line \d+: expected a number.*"seven"/);
    expect(asf(asfText().replace('lfemur ltibia', 'lfemur knee'))).toMatch(/no bone is called "knee"/);
    expect(asf(asfText().replace('lfemur ltibia', 'ltibia lfemur'))).toMatch(/second parent/);
    expect(asf(asfText().replace('    lfemur ltibia\n', '    ltibia ltibia\n'))).toMatch(/does not hang on the root/);
    expect(asf(asfText().replace('dof rx ry rz', 'dof rx ry l'))).toMatch(/degree of freedom "l"/);
  });

  it('says which file cannot be read', async () => {
    await expect(readAsf('/nowhere/a.asf')).rejects.toThrow(/\/nowhere\/a\.asf cannot be read/);
  });
});
