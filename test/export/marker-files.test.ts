import { describe, expect, it } from 'vitest';
import { writeC3d } from '../../lib/export/c3d.js';
import { parseC3d } from '../../lib/export/read-c3d.js';
import { parseTrc } from '../../lib/export/read-trc.js';
import { writeTrc } from '../../lib/export/trc.js';
import { skeletonByName } from '../../lib/skeletons/skeletons.js';
import { inByteOrderOf } from '../helpers/c3d-byte-orders.js';
import { walkingMotion } from '../helpers/motion.js';

const motion = walkingMotion('markers', 40);

describe('writeTrc', () => {
  const rows = writeTrc(motion, 'walk one.trc')
    .split('\n')
    .map((line) => line.split('\t'));

  it('has the header that OpenSim expects', () => {
    expect(rows[0]).toEqual(['PathFileType', '4', '(X/Y/Z)', 'walk one.trc']);
    expect(rows[2]).toEqual(['50', '50', '40', '17', 'm', '50', '1', '40']);
    expect(rows[3].filter((cell) => cell !== '')).toEqual([
      ...['Frame#', 'Time'],
      ...skeletonByName('h36m-17').joints.map((joint) => joint.replaceAll(' ', '_')),
    ]);
    expect(rows[4].slice(0, 5)).toEqual(['', '', 'X1', 'Y1', 'Z1']);
    expect(rows[5]).toEqual(['']);
  });

  it('has a row a frame, in metres, y up', () => {
    const data = rows.slice(6).filter((row) => row.length > 1);
    expect(data).toHaveLength(40);
    for (const [frame, row] of data.entries()) {
      expect(row).toHaveLength(2 + 51);
      expect(Number(row[0])).toBe(frame + 1);
      expect(Number(row[1])).toBeCloseTo(frame / 50, 6);
      row.slice(2).forEach((cell, index) => {
        expect(Math.abs(Number(cell) - motion.positions[frame * 51 + index])).toBeLessThan(1e-6);
      });
    }
  });

  it("turns camera axes so that the image's up is up", () => {
    const camera = writeTrc({ ...motion, axes: 'camera' })
      .split('\n')[6]
      .split('\t')
      .slice(2, 5)
      .map(Number);
    const [x, y, z] = motion.positions;
    camera.forEach((value, axis) => {
      expect(value).toBeCloseTo([x, -y, -z][axis], 5);
    });
  });

  it('needs a frame rate', () => {
    const { fps, ...still } = motion;
    expect(fps).toBe(50);
    expect(() => writeTrc(still)).toThrow('expected a motion with its frame rate');
  });
});

describe('parseTrc', () => {
  it('reads a file that parts with blanks, of fewer frames than it says, with numbers of its own for columns', () => {
    const text = writeTrc(motion)
      .replaceAll(/\t+/g, '  ')
      .replaceAll(/ [XYZ]\d+/g, (name) => `${name}9`)
      .split('\n')
      .slice(0, 26)
      .join('\n');
    const { positions, frames, markers } = parseTrc(text, 'a.trc');
    expect([frames, markers.length]).toEqual([20, 17]);
    expect(positions[51]).toBeCloseTo(motion.positions[51], 5);
    expect(() => parseTrc(text.replace(/ [\d.-]+$/, ''), 'a.trc')).toThrow(/line 26: expected 53 cells/);
  });

  const text = writeTrc(motion, 'walk.trc');

  it.each([
    ['MM', 0.001],
    ['Meters', 1],
    ['Cm', 0.01],
  ])('takes units in any case and words: %s', (units, metres) => {
    const file = text.replace('\tm\t', `\t${units}\t`).replace('Units', 'UNITS').replace('DataRate', 'datarate');
    const { positions, fps } = parseTrc(file, 'walk.trc');
    expect(fps).toBe(50);
    expect(positions[0]).toBeCloseTo(motion.positions[0] * metres, 5);
  });

  it('takes rows whose last markers were cut off with their tabs as not seen, and no half markers', () => {
    const cut = (cells: number) => {
      const rows = text.split('\n');
      rows[8] = rows[8].split('\t').slice(0, cells).join('\t');
      return rows.join('\n');
    };
    const { positions } = parseTrc(cut(2 + 3 * 15), 'walk.trc');
    expect(positions[2 * 51 + 44]).toBeCloseTo(motion.positions[2 * 51 + 44], 5);
    expect([...positions.subarray(2 * 51 + 45, 3 * 51)].every(Number.isNaN)).toBe(true);
    expect(() => parseTrc(cut(2 + 3 * 15 + 1), 'walk.trc')).toThrow('expected 53 cells, got "48"');
  });
});

describe('writeC3d', () => {
  it('says where its parts are and holds millimetres', () => {
    const bytes = writeC3d(motion);
    const view = new DataView(bytes.buffer);
    expect(bytes.length % 512).toBe(0);
    expect([bytes[0], bytes[1], bytes[513], bytes[515]]).toEqual([2, 0x50, 0x50, 84]);
    const start = (view.getUint16(16, true) - 1) * 512;
    expect(start).toBe(512 * (1 + bytes[514]));
    for (const point of [0, 16, 17 * 39 + 5]) {
      for (const axis of [0, 1, 2]) {
        const value = view.getFloat32(start + point * 16 + axis * 4, true);
        expect(value / 1000).toBeCloseTo(motion.positions[point * 3 + axis], 6);
      }
    }
  });

  it('refuses more frames than 16 bits count', () => {
    const frames = 65_536;
    expect(() => writeC3d({ ...motion, frames, positions: new Float32Array(frames * 51) })).toThrow('65535 frames');
  });
});

describe('parseC3d and parseTrc', () => {
  const names = skeletonByName('h36m-17').joints.map((joint) => joint.replaceAll(' ', '_'));

  it('read what was written', () => {
    for (const read of [parseC3d(writeC3d(motion), 'walk.c3d'), parseTrc(writeTrc(motion), 'walk.trc')]) {
      expect(read).toMatchObject({ frames: 40, fps: 50, markers: names });
      const worst = Math.max(...read.positions.map((value, i) => Math.abs(value - motion.positions[i])));
      expect(worst).toBeLessThan(1e-6);
    }
  });

  it('read more frames than 16 bits count: as the first and the last of two words, and of what remains', () => {
    const frames = 65_535;
    const long = { ...motion, frames, positions: new Float32Array(frames * 51) };
    for (let at = 0; at < long.positions.length; at += motion.positions.length) {
      long.positions.set(motion.positions.subarray(0, long.positions.length - at), at);
    }
    // The writer ends at 65,535 frames: the file of a recorder goes on, and only ACTUAL_END_FIELD says so.
    const written = writeC3d({ ...long, start: 1 });
    const view = new DataView(written.buffer);
    const data = (view.getUint16(16, true) - 1) * 512;
    const more = Buffer.concat([
      written.subarray(0, data + frames * 17 * 16),
      written.subarray(data, data + 5 * 17 * 16),
    ]);
    const field = more.indexOf('ACTUAL_END_FIELD') + 'ACTUAL_END_FIELD'.length + 5;
    const end = 2 + frames + 5 - 1;
    more.writeUInt16LE(end % 65_536, field);
    more.writeUInt16LE(Math.floor(end / 65_536), field + 2);
    const read = parseC3d(more, 'long.c3d');
    expect(read).toMatchObject({ frames: frames + 5, start: 1 });
    expect(read.positions[(frames + 4) * 51]).toBeCloseTo(motion.positions[4 * 51], 5);
  });

  it('read whole numbers, analogue channels, another unit and upward axis, and points that are not there', () => {
    const bytes = writeC3d({ ...motion, positions: motion.positions.subarray(0, 51), frames: 1 });
    const view = new DataView(bytes.buffer);
    const data = (view.getUint16(16, true) - 1) * 512;
    // One channel, 16-bit points in steps of 0.5: (100, 200, 300) and one without a place.
    view.setUint16(4, 1, true);
    const scale = Buffer.from(bytes.buffer).indexOf('SCALE');
    view.setFloat32(scale + 5 + 2 + 2, 0.5, true);
    [200, 400, 600, 0, 1, 1, 1, -1].forEach((value, i) => {
      view.setInt16(data + 2 * i, value, true);
    });
    const place = (name: string) => Buffer.from(bytes.buffer).indexOf(name);
    bytes.set(Buffer.from('cm'), place('UNITS') + 5 + 2 + 3);
    bytes.set(Buffer.from('+Z'), place('Y_SCREEN') + 8 + 2 + 3);
    const { positions } = parseC3d(bytes, 'other.c3d');
    expect([...positions.subarray(0, 3)].map((value) => Number(value.toFixed(5)))).toEqual([2, 3, 1]);
    expect([...positions.subarray(3, 6)]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });

  it.each([85, 86])('read the byte order of processor %i', (processor) => {
    for (const start of [0, 60]) {
      const bytes = inByteOrderOf(processor, writeC3d({ ...motion, start }));
      const read = parseC3d(bytes, 'other.c3d');
      expect(read).toMatchObject({ frames: 40, fps: 50, markers: names, start });
      const worst = Math.max(...read.positions.map((value, i) => Math.abs(value - motion.positions[i])));
      expect(worst).toBeLessThan(1e-6);
    }
  });

  it.each([
    ['another file', () => Buffer.from('hello there, this is not one'), /at byte 1: expected the mark 0x50/],
    ['a cut file', () => writeC3d(motion).subarray(0, 6000), /at byte 16: expected 40 frames of 272 bytes/],
    [
      'a parameter of too many dimensions',
      () => {
        const bytes = writeC3d(motion);
        // After the name: where the next parameter is, a type, and how many dimensions.
        bytes[Buffer.from(bytes.buffer).indexOf('LABELS') + 6 + 2 + 1] = 255;
        return bytes;
      },
      /expected a parameter of 7 dimensions at most, got 255/,
    ],
    ['one of another processor', () => writeC3d(motion).fill(87, 515, 516), /processor 87; 84, 85, 86 are read/],
  ])('refuse %s', (_, bytes, message) => {
    expect(() => parseC3d(bytes(), 'wrong.c3d')).toThrow(message);
  });
});
