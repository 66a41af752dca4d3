import { checkArguments } from '../base/check-arguments.js';
import { type PathOrBytes, withSource } from './bytes/byte-source.js';
import { latin1 } from './bytes/latin1.js';
import { ZipReader } from './zip/zip.js';

/** What a file seems to be, judged by its first bytes (and a zip's list of members). */
export type FileFormat =
  | 'npy'
  | 'npz'
  | 'torch-zip'
  | 'torch-legacy'
  | 'safetensors'
  | 'mat5'
  | 'mat73'
  | 'json'
  | 'unknown';

const HDF5_SIGNATURE = '\x89HDF\r\n\x1a\n';
/** A pickle of the older PyTorch form's magic number, behind the two bytes that name the protocol. */
const TORCH_LEGACY = '\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.';
/** Version 1.0 and the byte order mark, as the two byte orders write them. */
const MAT5_MARKS = ['\x00\x01IM', '\x01\x00MI'];
/** Where HDF5 looks for its signature behind a user block: MATLAB 7.3 puts 512 bytes in front. */
const LEAD_BYTES = 520;

/** Says what a file is by its leading bytes; never throws for odd content, only when the file cannot be read. */
export function sniffFormat(source: PathOrBytes): FileFormat {
  checkArguments('sniffFormat', { source }, 'Uint8Array|text');
  return withSource(source, undefined, (opened) => {
    const lead = opened.read(0, Math.min(LEAD_BYTES, opened.size));
    const text = latin1(lead);
    if (text.startsWith('\x93NUMPY')) return 'npy';
    if (text.startsWith('PK')) {
      try {
        const names = [...new ZipReader(opened).entries.keys()];
        if (names.some((name) => name === 'data.pkl' || name.endsWith('/data.pkl'))) return 'torch-zip';
        return names.length === 0 || names.some((name) => name.endsWith('.npy')) ? 'npz' : 'unknown';
      } catch {
        return 'unknown';
      }
    }
    if (text[0] === '\x80' && text.startsWith(TORCH_LEGACY, 2)) return 'torch-legacy';
    if (text.startsWith(HDF5_SIGNATURE) || text.startsWith(HDF5_SIGNATURE, 512)) return 'mat73';
    if (MAT5_MARKS.includes(text.slice(124, 128))) return 'mat5';
    if (lead.length > 8 && text[8] === '{') {
      const length = new DataView(lead.buffer, lead.byteOffset).getBigUint64(0, true);
      if (length >= 2n && length <= BigInt(opened.size - 8)) return 'safetensors';
    }
    return /^(\xef\xbb\xbf)?\s*[[{]/.test(text) ? 'json' : 'unknown';
  });
}
