"""Device memory and a block's shared memory, with bounds, alignment and unwritten bytes checked, and what each access costs counted.

Costs are those of compute capability 8 and 9: a warp's access to shared memory takes one wavefront for each word that its fullest bank of
32 must give, 8-byte accesses by half warps, 16-byte ones by quarters; one to device memory takes its sectors of 32 bytes.
"""

import mmap
from collections import Counter

import numpy as np

from kernel import PtxError

WARP = 32
MAP_NORESERVE = 0x4000  # Linux; Python names it from 3.12 on
UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
ALL_WRITTEN = {size: UNSIGNED[size](int.from_bytes(b'\1' * size, 'little')) for size in UNSIGNED}


def distinct(rows: np.ndarray) -> np.ndarray:
    """How many different numbers each row (rows, lanes) has; -1 is none."""
    ordered = np.sort(rows, axis=1)
    first = np.ones(ordered.shape, bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    return (first & (ordered >= 0)).sum(axis=1)


def wavefronts(addresses: np.ndarray, size: int) -> tuple[int, int]:
    """Wavefronts of one warp's access to shared memory, `size` bytes a lane, and the least that its distinct words could take.

    addresses: (32), -1 where the lane takes no part.
    """
    words = max(1, size // 4)
    lanes = WARP // words
    waves = ideal = 0
    for first in range(0, WARP, lanes):
        part = addresses[first:first + lanes]
        part = part[part >= 0]
        if part.size == 0:
            continue
        found = np.unique(part[:, None] // 4 + np.arange(words))
        waves += int(np.bincount(found % 32, minlength=32).max())
        ideal += -(-found.size // 32)
    return waves, ideal


class Costs:
    """What a block's accesses took: wavefronts and sectors, with the least that they could."""

    def __init__(self):
        self.shared = Counter()  # 'waves', 'ideal', 'accesses'
        self.device = Counter()  # 'sectors', 'ideal', 'accesses', 'bytes'
        self._touched: list[np.ndarray] = []  # sectors of device memory
        self._known: dict[bytes, tuple[int, int]] = {}

    def count_shared(self, addresses: np.ndarray, size: int, mask: np.ndarray) -> None:
        """addresses: (threads)."""
        held = np.where(mask, addresses, -1).reshape(-1, WARP)
        for warp in held[(held >= 0).any(axis=1)]:
            low = warp[warp >= 0].min()
            relative = np.where(warp >= 0, warp - low // 128 * 128, -1)
            key = relative.tobytes() + bytes([size])
            cost = self._known.get(key)
            if cost is None:
                cost = self._known[key] = wavefronts(relative, size)
            self.shared['waves'] += cost[0]
            self.shared['ideal'] += cost[1]
            self.shared['accesses'] += 1

    def count_device(self, addresses: np.ndarray, size: int, mask: np.ndarray) -> None:
        held = np.where(mask, addresses, -1).reshape(-1, WARP)
        held = held[(held >= 0).any(axis=1)]
        self.device['sectors'] += int(distinct(np.where(held >= 0, held // 32, -1)).sum())
        self.device['ideal'] += int((-(-distinct(held) * size // 32)).sum())
        self.device['accesses'] += len(held)
        self.device['bytes'] += int(distinct(held).sum()) * size
        self._touched.append(np.unique(held[held >= 0] // 32))

    def touched(self) -> np.ndarray:
        """Addresses of the sectors of device memory that the block touched, each once."""
        return np.unique(np.concatenate(self._touched)) * 32 if self._touched else np.zeros(0, np.int64)


class DeviceMemory:
    """Allocations at the addresses that they were given, in one reservation of pages that exist once they are touched.

    unwritten: the byte that fills new allocations; None leaves them zeros and untouched.
    """

    RESERVED = 1 << 38

    def __init__(self, unwritten: int | None = 0xFF):
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
        self._bytes = np.frombuffer(mmap.mmap(-1, self.RESERVED, flags=flags), np.uint8)
        self._views = {size: self._bytes.view(kind) for size, kind in UNSIGNED.items()}
        self._unwritten = unwritten
        self._top = 0
        self._held: dict[int, tuple[int, int]] = {}  # address: bytes, and where they lie
        self._table: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    def allocate(self, address: int, size: int) -> None:
        if self._top + size > self.RESERVED:
            raise PtxError(f'allocations of more than {self.RESERVED} bytes')
        self._held[address] = (size, self._top)
        if self._unwritten is not None:
            self._bytes[self._top:self._top + size] = self._unwritten
        self._top += -(-size // 256) * 256
        self._table = None

    def free(self, address: int) -> None:
        del self._held[address]
        self._table = None

    def write(self, address: int, data: bytes) -> None:
        """Bytes that the host, or the record of another device, puts there."""
        at = int(self._places(np.array([address], np.int64), 1, 'a write of the record')[0])
        self._bytes[at:at + len(data)] = np.frombuffer(data, np.uint8)

    def read(self, address: int, size: int) -> np.ndarray:
        at = int(self._places(np.array([address], np.int64), 1, 'a read of the record')[0])
        return self._bytes[at:at + size].copy()

    def load(self, addresses: np.ndarray, size: int, mask: np.ndarray, text: str) -> np.ndarray:
        """(threads, size) bytes; zeros where the mask has no thread."""
        at = self._places(addresses[mask], size, text)
        unit = min(size, 8)
        found = np.zeros((addresses.size, size // unit), UNSIGNED[unit])
        found[mask] = self._views[unit][at[:, None] // unit + np.arange(size // unit)]
        return found.view(np.uint8)

    def store(self, addresses: np.ndarray, data: np.ndarray, mask: np.ndarray, text: str) -> None:
        """data: (threads, size) bytes."""
        size = data.shape[1]
        at = self._places(addresses[mask], size, text)
        unit = min(size, 8)
        span = at[:, None] // unit + np.arange(size // unit)
        self._views[unit][span] = np.ascontiguousarray(data[mask]).view(UNSIGNED[unit])

    def bytes_of_launch(self, sectors: np.ndarray, blocks: int) -> int:
        """What `blocks` such blocks move to and from memory, where each touches other sectors, up to the whole of an allocation."""
        bases = np.array(sorted(self._held), np.int64)
        which = np.searchsorted(bases, sectors + 31, side='right') - 1
        counts = np.bincount(which[which >= 0], minlength=bases.size)
        return sum(min(self._held[int(base)][0], int(count) * 32 * blocks) for base, count in zip(bases, counts))

    def _places(self, addresses: np.ndarray, size: int, text: str) -> np.ndarray:
        """Where `size` bytes at each address lie."""
        if self._table is None:
            rows = sorted((base, *held) for base, held in self._held.items())
            self._table = tuple(np.array(column, np.int64) for column in zip(*rows)) if rows else (np.zeros(0, np.int64),) * 3
        bases, sizes, starts = self._table
        if addresses.size and (addresses % size).any():
            raise PtxError(f'an address that is no multiple of {size}: {text}')
        which = np.searchsorted(bases, addresses, side='right') - 1
        if (which < 0).any() or (addresses - bases[which] + size > sizes[which]).any():
            raise PtxError(f'an access outside of every allocation: {text}')
        return starts[which] + addresses - bases[which]


class SharedMemory:
    """A block's shared memory: what nobody wrote must not be read."""

    def __init__(self, size: int):
        size = -(-size // 16) * 16
        self.bytes = np.full(size, 0xFF, np.uint8)
        self.written = np.zeros(size, bool)

    def _check(self, addresses: np.ndarray, size: int, text: str) -> None:
        if addresses.size and ((addresses % size).any() or addresses.min() < 0):
            raise PtxError(f'an address of shared memory that is no multiple of {size}: {text}')
        if addresses.size and addresses.max() + size > self.bytes.size:
            raise PtxError(f'an access outside of shared memory ({self.bytes.size} bytes): {text}')

    def load(self, addresses: np.ndarray, size: int, mask: np.ndarray, text: str) -> np.ndarray:
        at = addresses[mask]
        self._check(at, size, text)
        unit = min(size, 8)
        span = at[:, None] // unit + np.arange(size // unit)
        if not (self.written.view(UNSIGNED[unit])[span] == ALL_WRITTEN[unit]).all():
            raise PtxError(f'reads shared memory that nobody wrote: {text}')
        found = np.zeros((addresses.size, size // unit), UNSIGNED[unit])
        found[mask] = self.bytes.view(UNSIGNED[unit])[span]
        return found.view(np.uint8)

    def store(self, addresses: np.ndarray, data: np.ndarray, mask: np.ndarray, text: str) -> None:
        size = data.shape[1]
        at = addresses[mask]
        self._check(at, size, text)
        unit = min(size, 8)
        span = at[:, None] // unit + np.arange(size // unit)
        self.bytes.view(UNSIGNED[unit])[span] = np.ascontiguousarray(data[mask]).view(UNSIGNED[unit])
        self.written.view(UNSIGNED[unit])[span] = ALL_WRITTEN[unit]

    def spoil(self, addresses: np.ndarray, size: int, mask: np.ndarray, text: str) -> None:
        """Where an asynchronous copy is under way nobody may read."""
        at = addresses[mask]
        self._check(at, size, text)
        span = at[:, None] + np.arange(size)
        self.bytes[span] = 0xFF
        self.written[span] = False
