import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, crc32, createDeflateRaw } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openNpz, readNpz } from '../../lib/formats/numpy/npz.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = mkdtempSync(join(temporaryFolder(), 'limits-'));
const MEGABYTE = 1 << 20;

function npyHeader(descr: string, shape: readonly number[]): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const padded = `${text.padEnd(128 - 10 - 1)}\n`;
  const lead = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, padded.length & 255, padded.length >> 8]);
  return Buffer.concat([lead, Buffer.from(padded, 'latin1')]);
}

/** Deflates `head` and then `zeros` zeros, piece by piece, so that the test itself takes little memory. */
async function packZeros(head: Buffer, zeros: number): Promise<{ packed: Buffer; crc: number }> {
  const deflate = createDeflateRaw({ level: constants.Z_BEST_COMPRESSION });
  const pieces: Buffer[] = [];
  deflate.on('data', (piece: Buffer) => pieces.push(piece));
  const ended = new Promise((resolve) => deflate.on('end', resolve));
  let crc = crc32(head);
  deflate.write(head);
  const piece = Buffer.alloc(MEGABYTE);
  for (let left = zeros; left > 0; left -= MEGABYTE) {
    const part = piece.subarray(0, Math.min(left, MEGABYTE));
    crc = crc32(part, crc);
    if (!deflate.write(part)) await new Promise((resolve) => deflate.once('drain', resolve));
  }
  deflate.end();
  await ended;
  return { packed: Buffer.concat(pieces), crc };
}

/** An archive of one member that unpacks to a header and zeros. */
async function npzOfZeros(name: string, head: Buffer, zeros: number): Promise<string> {
  const { packed, crc } = await packZeros(head, zeros);
  const member = Buffer.from('zeros.npy');
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(8, 4);
  fields.writeUInt32LE(crc, 10);
  fields.writeUInt32LE(packed.length, 14);
  fields.writeUInt32LE(head.length + zeros, 18);
  fields.writeUInt16LE(member.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, member, packed]);
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), fields, Buffer.alloc(14), member]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat([local, central, end]));
  return path;
}

describe('a small archive that unpacks to much', () => {
  it('is refused by its header before it is unpacked', async () => {
    const path = await npzOfZeros('declares-little.npz', npyHeader('<f4', [10]), 800 * MEGABYTE);
    const before = process.resourceUsage().maxRSS;
    expect(() => readNpz(path)).toThrow(/zeros: at byte 128: expected 40 bytes of data, got 838860800/);
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(200_000); // kilobytes
  });

  it('is refused by the limit, with the name and the size of the member', async () => {
    const path = await npzOfZeros('honest.npz', npyHeader('<f8', [20 * MEGABYTE]), 160 * MEGABYTE);
    const file = openNpz(path, { limitBytes: 100 * MEGABYTE });
    expect(() => file.read('zeros')).toThrow(
      expect.objectContaining({
        code: 'ERR_LIMIT',
        message: expect.stringMatching(/zeros\.npy"? takes 167772288 bytes/),
      }),
    );
  });

  it('loads where it is what it says: 100 million zeros', async () => {
    const path = await npzOfZeros('zeros.npz', npyHeader('|i1', [1e8]), 1e8);
    const zeros = readNpz(path).get('zeros') as { data: Int8Array; shape: number[] };
    expect(zeros.shape).toEqual([1e8]);
    expect(zeros.data.every((value) => value === 0)).toBe(true);
  });
});
