import type { Tensor, TensorData } from '../../base/tensor.js';
import { MemoryBudget } from '../bytes/memory-budget.js';
import { bytesOf, decodeNumbers, type NumberType } from '../bytes/numbers.js';
import { formatError, printable, unsupportedError } from '../format-error.js';
import { declaredBytes, denseStrides, gatherStrided } from '../numpy/strided.js';
import type { Builder, Builders } from '../pickle/builders.js';
import { PickleGlobal } from '../pickle/machine.js';

/** A block of numbers that tensors look into. */
export class TorchStorage {
  readonly key: string;
  readonly type: NumberType;
  /** How many numbers. */
  readonly count: number;

  constructor(key: string, type: NumberType, count: number) {
    this.key = key;
    this.type = type;
    this.count = count;
  }
}

interface PendingTensor {
  target: { data: TensorData; shape: readonly number[] };
  storage: TorchStorage;
  offset: number;
  strides: number[];
}

const STORAGE_TYPES: Record<string, NumberType> = {
  FloatStorage: 'f4',
  DoubleStorage: 'f8',
  HalfStorage: 'f2',
  BFloat16Storage: 'bf2',
  LongStorage: 'i8',
  IntStorage: 'i4',
  ShortStorage: 'i2',
  CharStorage: 'i1',
  ByteStorage: 'u1',
  BoolStorage: 'b1',
};

function isWholeNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isWholeNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isWholeNumber);
}

/** Reads the bytes of one storage: exactly `count` numbers of its type. */
export type ReadStorage = (storage: TorchStorage) => Uint8Array;

/**
 * Collects the storages and tensors that a checkpoint's pickle names; their numbers follow when the pickle is read, so
 * that no storage is touched before its tensors are known.
 */
export class TorchTensors {
  private readonly where: string;
  private readonly budget: MemoryBudget;
  private readonly storages = new Map<string, TorchStorage>();
  private readonly pending: PendingTensor[] = [];

  constructor(where: string, fileBytes: number) {
    this.where = where;
    this.budget = new MemoryBudget(where, fileBytes);
  }

  /** The names and the persistent ids that a checkpoint's pickle may use beside plain data. */
  get pickleHooks(): { builders: Builders; persistentLoad: (id: unknown) => unknown } {
    const rebuild: Builder = ([storage, offset, shape, strides]) => this.rebuild(storage, offset, shape, strides);
    const builders: Builders = {
      'torch._utils._rebuild_tensor': rebuild,
      'torch._utils._rebuild_tensor_v2': rebuild,
      'torch._utils._rebuild_parameter': ([parameter]) => parameter,
      'torch.Size': ([items], bad) => {
        if (!isWholeNumbers(items)) throw bad('a tuple of lengths');
        return items;
      },
    };
    for (const name of Object.keys(STORAGE_TYPES)) {
      for (const module of ['torch', 'torch.cuda']) {
        builders[`${module}.${name}`] = (_, bad) => {
          throw bad('this name only inside a persistent id');
        };
      }
    }
    return { builders, persistentLoad: (id) => this.persistentLoad(id) };
  }

  storage(key: unknown): TorchStorage | undefined {
    return this.storages.get(String(key));
  }

  private persistentLoad(id: unknown): TorchStorage {
    const bad = (got: string) => formatError(this.where, undefined, 'a storage as persistent id', got);
    if (!Array.isArray(id) || id[0] !== 'storage') throw bad('something else');
    const [, global, rawKey, , count, view] = id;
    const type = global instanceof PickleGlobal ? STORAGE_TYPES[global.name.split('.').at(-1) ?? ''] : undefined;
    if (!type || !isWholeNumber(count) || (typeof rawKey !== 'string' && typeof rawKey !== 'number')) {
      throw bad('one without type, key or size');
    }
    if (view !== undefined && view !== null) {
      throw unsupportedError(this.where, 'a storage that is a view of another one is not read');
    }
    const key = String(rawKey);
    const known = this.storages.get(key);
    if (known) {
      if (known.type !== type || known.count !== count) throw bad(`two descriptions of storage ${printable(key)}`);
      return known;
    }
    const storage = new TorchStorage(key, type, count);
    this.budget.spend(300);
    this.storages.set(key, storage);
    return storage;
  }

  private rebuild(storage: unknown, offset: unknown, shape: unknown, strides: unknown): Tensor<TensorData> {
    const { where } = this;
    if (
      !(storage instanceof TorchStorage) ||
      !isWholeNumber(offset) ||
      !isWholeNumbers(shape) ||
      !isWholeNumbers(strides)
    ) {
      throw formatError(where, undefined, 'storage, offset, shape and strides of a tensor', 'something else');
    }
    const { count } = storage;
    const size = declaredBytes(shape, 1, where);
    const last = shape.reduce((sum, length, axis) => sum + (length - 1) * strides[axis], offset);
    if (strides.length !== shape.length || (size > 0 && !(last < count))) {
      const got = `shape (${shape.join(', ')}), strides (${strides.join(', ')}), offset ${offset}`;
      throw formatError(where, undefined, `a tensor inside its storage of ${count} numbers`, got);
    }
    this.budget.spend(300);
    const target = { data: new Uint8Array(0), shape };
    this.pending.push({ target, storage, offset, strides });
    return target;
  }

  /** Gives every tensor its numbers: views into a storage where it lies there row by row, else its own copy. */
  materialise(read: ReadStorage, littleEndian: boolean): void {
    const { where } = this;
    const decoded = new Map<TorchStorage, TensorData>();
    for (const { target, storage, offset, strides } of this.pending) {
      let data = decoded.get(storage);
      if (!data) {
        const bytes = read(storage);
        if (bytes.length !== storage.count * bytesOf(storage.type)) {
          throw formatError(where, undefined, `storage ${printable(storage.key)} as declared`, `${bytes.length} bytes`);
        }
        data = decodeNumbers(bytes, storage.type, littleEndian);
        decoded.set(storage, data);
      }
      const { shape } = target;
      const size = declaredBytes(shape, 1, where);
      const dense = denseStrides(shape);
      if (size === 0 || shape.every((length, axis) => length === 1 || strides[axis] === dense[axis])) {
        target.data = data.subarray(offset, offset + size);
      } else {
        this.budget.spend(size * data.BYTES_PER_ELEMENT);
        target.data = gatherStrided(data, shape, strides, offset);
      }
    }
  }
}
