import { READ_OPTIONS } from '../../base/argument-kinds.js';
import { checkArguments, checkOptionKinds } from '../../base/check-arguments.js';
import type { Tensor, TensorData } from '../../base/tensor.js';
import { ByteCursor } from '../bytes/byte-cursor.js';
import { type ByteSource, type PathOrBytes, withSource } from '../bytes/byte-source.js';
import { latin1 } from '../bytes/latin1.js';
import { checkLimit, type ReadOptions } from '../bytes/memory-budget.js';
import { bytesOf } from '../bytes/numbers.js';
import { formatError, printable } from '../format-error.js';
import { readPickle, readPickleAt } from '../pickle/pickle.js';
import { isTensor, type PickleValue } from '../pickle/value.js';
import { ZipReader } from '../zip/zip.js';
import { TorchTensors } from './tensors.js';

/** The number that the older, non-zip form starts with, as a pickled integer. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;

/** Keys under which training programs keep the weights, in the order in which they are tried. */
const STATE_DICT_KEYS = ['state_dict', 'model_state_dict', 'model_pos', 'model', 'net'];

function readZipForm(source: ByteSource, limitBytes: number | undefined): PickleValue {
  const { where } = source;
  const zip = new ZipReader(source);
  const pickleName = [...zip.entries.keys()].find((name) => name === 'data.pkl' || name.endsWith('/data.pkl'));
  if (pickleName === undefined) throw formatError(where, undefined, 'a member "data.pkl"', 'a zip without it');
  const prefix = pickleName.slice(0, -'data.pkl'.length);
  let littleEndian = true;
  if (zip.entries.has(`${prefix}byteorder`)) {
    const order = latin1(zip.read(`${prefix}byteorder`, 64));
    if (order !== 'little' && order !== 'big') throw formatError(where, undefined, 'a byte order', printable(order));
    littleEndian = order === 'little';
  }
  const tensors = new TorchTensors(where, source.size);
  const pickle = zip.read(pickleName, limitBytes);
  const value = readPickle(pickle, { where: `${where}: ${pickleName}`, ...tensors.pickleHooks });
  tensors.materialise((storage) => {
    const name = `${prefix}data/${storage.key}`;
    const needed = storage.count * bytesOf(storage.type);
    const declared = zip.entries.get(name)?.bytes;
    if (declared !== needed) {
      throw formatError(where, undefined, `${needed} bytes in member ${printable(name)}`, `${declared ?? 'no member'}`);
    }
    return zip.read(name, limitBytes);
  }, littleEndian);
  return value;
}

function readLegacyForm(source: ByteSource, limitBytes: number | undefined): PickleValue {
  const { where } = source;
  checkLimit(where, 'the file', source.size, limitBytes);
  const bytes = source.read(0, source.size);
  const tensors = new TorchTensors(where, source.size);
  let position = 0;
  const next = (hooks = {}): PickleValue => {
    const { value, end } = readPickleAt(bytes.subarray(position), { where, startOffset: position, ...hooks });
    position += end;
    return value;
  };
  const header = (expected: string, matches: (value: PickleValue) => boolean): PickleValue => {
    const start = position;
    let value: PickleValue;
    try {
      value = next();
    } catch (cause) {
      if (start > 0) throw cause;
      throw formatError(where, 0, expected, 'something else');
    }
    if (!matches(value)) throw formatError(where, start, expected, 'something else');
    return value;
  };
  header('a PyTorch file', (value) => value === LEGACY_MAGIC);
  header(`protocol version ${LEGACY_PROTOCOL}`, (value) => value === LEGACY_PROTOCOL);
  const system = header('a description of the machine', (value) => value instanceof Map) as Map<unknown, unknown>;
  const value = next(tensors.pickleHooks);
  const keys = header('a list of storage keys', Array.isArray) as PickleValue[];
  const cursor = new ByteCursor(bytes.subarray(position), where, position);
  const storages = new Map<unknown, Uint8Array>();
  for (const key of keys) {
    const storage = tensors.storage(key);
    if (!storage || storages.has(key)) throw cursor.error('keys of the storages in use', 'another or a repeated key');
    const count = cursor.uint64();
    if (count !== storage.count) throw cursor.error(`storage ${key} of ${storage.count} numbers`, `${count}`);
    storages.set(key, cursor.bytes(count * bytesOf(storage.type)));
  }
  if (cursor.remaining > 0) throw cursor.error('the end of the file', `${cursor.remaining} more bytes`);
  tensors.materialise((storage) => {
    const found = storages.get(storage.key);
    if (!found) throw formatError(where, position, `storage ${printable(storage.key)}`, 'none');
    return found;
  }, system.get('little_endian') !== false);
  return value;
}

/**
 * Reads a PyTorch checkpoint, the zip form and the older one, through the pickle allow-list: dicts become Maps, tensors
 * become row-major tensors (float16 and bfloat16 as float32), names stay as they are. Tensors that share a storage in the
 * file share its memory here. Throws `ERR_FORMAT` on rubbish and on any name outside the allow-list.
 */
export function readTorch(source: PathOrBytes, options: ReadOptions = {}): PickleValue {
  checkArguments('readTorch', { source, options }, 'Uint8Array|text', 'object?');
  checkOptionKinds('readTorch', options, READ_OPTIONS);
  return withSource(source, options.where, (opened) => {
    const lead = opened.read(0, Math.min(2, opened.size));
    const isZip = lead[0] === 0x50 && lead[1] === 0x4b;
    return isZip ? readZipForm(opened, options.limitBytes) : readLegacyForm(opened, options.limitBytes);
  });
}

function asStateDict(value: PickleValue | undefined): Map<string, Tensor<TensorData>> | undefined {
  if (!(value instanceof Map) || value.size === 0) return undefined;
  for (const [key, item] of value) if (typeof key !== 'string' || !isTensor(item)) return undefined;
  return value as Map<string, Tensor<TensorData>>;
}

/**
 * The dict name -> tensor in a checkpoint: the checkpoint itself, or one entry of it (`key`, else a customary name, else
 * the only one there is). Throws `ERR_FORMAT` when there is none or no telling which.
 */
export function findStateDict(checkpoint: PickleValue, where: string, key?: string): Map<string, Tensor<TensorData>> {
  checkArguments(
    'findStateDict',
    { checkpoint, where, key },
    'Map|Uint8Array|boolean|list|null|number|object|text',
    'text',
    'text?',
  );
  const whole = key === undefined ? asStateDict(checkpoint) : undefined;
  if (whole) return whole;
  const dicts = new Map<string, Map<string, Tensor<TensorData>>>();
  for (const [name, value] of checkpoint instanceof Map ? checkpoint : []) {
    const dict = asStateDict(value);
    if (dict && typeof name === 'string') dicts.set(name, dict);
  }
  const customary = STATE_DICT_KEYS.find((name) => dicts.has(name));
  const chosen = key ?? customary ?? (dicts.size === 1 ? [...dicts.keys()][0] : undefined);
  const dict = chosen === undefined ? undefined : dicts.get(chosen);
  if (!dict) {
    const names = [...dicts.keys()].map((name) => printable(name)).join(', ');
    const wanted = key === undefined ? 'one dict of tensors' : `a dict of tensors under ${printable(key)}`;
    throw formatError(where, undefined, wanted, names === '' ? 'none' : names);
  }
  return dict;
}
