import { describe, expect, it } from 'vitest';
import { readKeypoints } from '../../lib/keypoints/read-keypoints.js';
import { coco17 } from '../../lib/skeletons/coco.js';

const bytes = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

const points = (x: number) => coco17.joints.map((_, joint) => [x + joint, 40 + joint, 0.7]);

describe('JSON', () => {
  const file = {
    format: 'pstmo-keypoints',
    version: 1,
    keypointLayout: 'coco-17',
    size: [1920, 1080],
    fps: 30,
    frames: ['f0', 'f1'],
    keypoints: [points(10), points(20)] as unknown[],
  };

  it('says all that a track holds', () => {
    const track = readKeypoints(bytes(file), { where: 'own.json' });
    expect(track).toMatchObject({ layout: 'coco-17', width: 1920, height: 1080, fps: 30, frameIds: ['f0', 'f1'] });
    expect(Array.from(track.keypoints.subarray(34, 36))).toEqual([20, 40]);
    expect(track.confidence[0]).toBeCloseTo(0.7, 6);
  });

  it('needs only points and a layout', () => {
    const { format, version, keypoints } = file;
    const bare = { format, version, keypoints };
    expect(() => readKeypoints(bytes(bare), { where: 'own.json' })).toThrow('option layout');
    const track = readKeypoints(bytes(bare), { where: 'own.json', layout: 'coco-17' });
    expect(track.fps).toBeUndefined();
    const size = { width: 640, height: 480 };
    const told = readKeypoints(bytes(bare), { layout: 'coco-17', size, fps: 25 });
    expect(told).toMatchObject({ ...size, fps: 25 });
    expect(readKeypoints(bytes(file), { size, fps: 25 })).toMatchObject({ ...size, fps: 25 });
    expect(track.width).toBeUndefined();
  });

  it('reads null as an unknown point', () => {
    const holes = points(20).map((point, joint) => (joint === 3 ? null : point));
    const track = readKeypoints(bytes({ ...file, frames: undefined, keypoints: [points(10), holes, points(30)] }));
    expect(track.keypoints[(17 + 3) * 2]).toBeCloseTo(23, 5);
    expect(track.confidence[17 + 3]).toBe(0);
  });

  it.each([
    ['another version', { version: 2 }, 'version: expected 1, got 2'],
    ['no frames', { keypoints: [] }, 'keypoints: expected a list of frames'],
    ['rows of another length', { keypoints: [points(1), [[1, 2, 3]]] }, 'keypoints[1]: expected a list of 17 joints'],
    ['a rate that is a text', { fps: '50' }, "fps: expected a number, got the string '50'"],
    ['points that are none', { keypoints: [points(1), points(1).map(() => 'x')] }, 'keypoints[1][0]'],
    ['names of another length', { frames: ['a'] }, 'frames: expected a list of 2 names'],
    ['a size that is none', { size: [3] }, 'size: expected [width, height]'],
    ['a layout that nobody knows', { keypointLayout: 'octopus' }, 'got "octopus"'],
  ])('refuses %s', (_, change, message) => {
    expect(() => readKeypoints(bytes({ ...file, ...change }), { where: 'own.json' })).toThrow(message);
  });
});

describe('CSV', () => {
  const names = coco17.joints.map((joint) => joint.replaceAll(' ', '_'));
  const header = ['frame', ...names.flatMap((name) => [`${name}_x_px`, `${name}_y_px`, `${name}_confidence`])].join(
    ',',
  );
  const row = (frame: number, x: number) => [frame, ...points(x).flat()].join(',');

  it('knows the layout by the names of the columns, in any order', () => {
    const columns = header.split(',');
    const cells = row(0, 10).split(',');
    const turned = (list: string[]) => [list[0], ...list.slice(1).reverse()].join(',');
    const track = readKeypoints(bytes(`${turned(columns)}\r\n${turned(cells)}\r\n`), { where: 'own.csv' });
    expect(track).toMatchObject({ layout: 'coco-17', frames: 1, notices: [] });
    expect(Array.from(track.keypoints.subarray(0, 4))).toEqual([10, 40, 11, 41]);
  });

  it('fills frames that are left out and empty cells', () => {
    const empty = row(3, 40).split(',');
    empty[1] = '';
    const track = readKeypoints(bytes([header, row(0, 10), row(2, 30), empty.join(','), row(4, 50)].join('\n')));
    expect(track.frames).toBe(5);
    expect(Array.from(track.filled)).toEqual([0, 1, 0, 0, 0]);
    expect(track.keypoints[17 * 2]).toBeCloseTo(20, 5);
    expect(track.keypoints[3 * 17 * 2]).toBeCloseTo(40, 5);
  });

  it.each([
    ['a short row', `${header}\n1,2`, 'line 2: expected 52 cells, got 2'],
    ['a word', `${header}\n${row(0, 10).replace('40', 'forty')}`, 'nose_y_px: expected a number, got "forty"'],
    ['a frame twice', `${header}\n${row(0, 1)}\n${row(0, 1)}`, 'frame "0" again'],
    ['no y', 'frame,nose_x_px,nose_z\n0,1,2', 'nose_y_px beside nose_x_px'],
    ['a column twice', 'frame,nose_x_px,nose_x_px,nose_y_px\n0,1,2,3', 'distinct columns'],
    ['no rows', header, 'got none'],
  ])('refuses %s', (_, text, message) => {
    expect(() => readKeypoints(bytes(text), { where: 'own.csv' })).toThrow(message);
  });
});
