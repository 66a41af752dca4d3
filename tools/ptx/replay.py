"""Runs launches of a record from their PTX and holds what they write to what the emulated device wrote."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from block import Block
from kernel import Kernel, PtxError, entries
from memory import DeviceMemory
from record import Allocation, Free, Launch, Write, demangled, kernel_name, kernels_of_addon, read_record

# ||ptx - emulation|| / ||emulation|| of what a block writes: float32 sums in another order, and numbers stored in tf32 and bf16, of which a
# few are rounded to the other neighbour.
FLOAT_TOLERANCE = 1e-5
TENSOR_FLOAT_TOLERANCE = 2 ** -11
BFLOAT_TOLERANCE = 4e-3


class Program:
    """All kernels of a folder of PTX files, by name."""

    def __init__(self, folder: Path):
        self._texts = {path: path.read_text() for path in sorted(folder.glob('*.ptx'))}
        mangled = [(path, name) for path, text in self._texts.items() for name in entries(text)]
        names = demangled([name for _, name in mangled])
        self._places = {kernel_name(plain): place for plain, place in zip(names, mangled)}
        self._kernels: dict[str, Kernel] = {}

    def names(self) -> list[str]:
        return sorted(self._places)

    def kernel(self, name: str) -> Kernel:
        if name not in self._kernels:
            if name not in self._places:
                raise PtxError(f'no PTX has the kernel {name}')
            path, mangled = self._places[name]
            self._kernels[name] = Kernel(self._texts[path], mangled)
        return self._kernels[name]


@dataclass
class Run:
    """Blocks of one launch that were run, and what they took."""

    name: str
    launch: Launch
    blocks: int
    issued: Counter
    shared: Counter
    device: Counter
    divergent: int
    error: float
    memory_bytes: int  # of the launch, by its last block that was run


def blocks_of(grid: tuple[int, int, int], most: int) -> list[tuple[int, int, int]]:
    """At most `most` blocks of a grid: the first and the last among them, or the middle one alone."""
    count = grid[0] * grid[1] * grid[2]
    few = min(most, count)
    chosen = [count // 2] if few == 1 else sorted({round(i * (count - 1) / (few - 1)) for i in range(few)})
    return [(i % grid[0], i // grid[0] % grid[1], i // (grid[0] * grid[1])) for i in chosen]


def compare(after: DeviceMemory, written: list[tuple[np.ndarray, int, str]], expected: DeviceMemory) -> float:
    """The largest relative error of what was written, each kind of number apart, as a share of its tolerance."""
    worst = 0.0
    for kinds, dtype, tolerance in ((('f32',), np.float32, FLOAT_TOLERANCE), (('f64',), np.float64, FLOAT_TOLERANCE),
                                    (('u16', 'b16'), 'bf16', BFLOAT_TOLERANCE), (('u32', 'b32'), 'words', BFLOAT_TOLERANCE)):
        places = [(address, size) for address, size, kind in written if kind in kinds]
        if not places:
            continue
        got, want = [], []
        for address, size in places:
            everywhere = np.ones(address.size, bool)
            got.append(after.load(address, size, everywhere, 'compare').reshape(-1))
            want.append(expected.load(address, size, everywhere, 'compare').reshape(-1))
        worst = max(worst, _difference(np.concatenate(got), np.concatenate(want), dtype) / tolerance)
    return worst


def _difference(got: np.ndarray, want: np.ndarray, dtype) -> float:
    """||got - want|| / ||want||. Words are floats, numbers in tf32 or pairs of bf16, and whichever agrees better is meant."""
    if np.array_equal(got, want):
        return 0.0
    if dtype == 'words':
        rounded = not (want.view(np.uint32) & np.uint32(0x1FFF)).any()
        tolerance = TENSOR_FLOAT_TOLERANCE if rounded else FLOAT_TOLERANCE
        return min(_difference(got, want, np.float32) * BFLOAT_TOLERANCE / tolerance, _difference(got, want, 'bf16'))
    if dtype == 'bf16':
        got, want = ((one.view(np.uint16).astype(np.uint32) << np.uint32(16)).view(np.float32) for one in (got, want))
    else:
        got, want = got.view(dtype), want.view(dtype)
    got, want = got.astype(np.float64), want.astype(np.float64)
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    difference = np.where(same, 0, got - want)
    norm = np.linalg.norm(np.where(np.isnan(want), 0, want))
    return float(np.linalg.norm(difference) / norm) if norm > 0 else float(np.abs(difference).max())


def replay(record: Path, addon: Path, program: Program, wanted, most_blocks: int, dry: bool = False):
    """Yields a Run for each launch of the record for which wanted(name, launch) is true; the memory goes on as the emulated device left it.

    dry: a record without results, whose memory is zeros; what is written is compared with nothing.
    """
    names = kernels_of_addon(addon)
    memory, expected = (DeviceMemory(None), DeviceMemory(None)) if dry else (DeviceMemory(), DeviceMemory())
    with record.open('rb') as file:
        for item in read_record(file):
            if isinstance(item, Allocation):
                memory.allocate(item.address, item.size)
                expected.allocate(item.address, item.size)
            elif isinstance(item, Free):
                memory.free(item.address)
                expected.free(item.address)
            elif isinstance(item, Write):
                memory.write(item.address, item.data)
                expected.write(item.address, item.data)
            else:
                for address, data in item.changes:
                    expected.write(address, data)
                name = names[item.offset]
                if wanted(name, item):
                    yield _run(name, program.kernel(name), item, memory, None if dry else expected, most_blocks)
                for address, data in item.changes:
                    memory.write(address, data)


def _run(name: str, kernel: Kernel, launch: Launch, memory: DeviceMemory, expected: DeviceMemory | None,
         most: int) -> Run:
    total = Run(name, launch, 0, Counter(), Counter(), Counter(), 0, 0.0, 0)
    before = [(address, memory.read(address, len(data))) for address, data in launch.changes]
    written = []
    for index in blocks_of(launch.grid, most):
        block = Block(kernel, memory, launch.parameters, launch.grid, index, launch.threads, launch.shared_bytes)
        try:
            block.run()
        except PtxError as error:
            raise PtxError(f'{name}, block {index} of {launch.grid}: {error}') from None
        total.blocks += 1
        total.issued.update(block.issued)
        total.shared.update(block.costs.shared)
        total.device.update(block.costs.device)
        total.divergent += block.divergent
        written += block.written
        blocks = launch.grid[0] * launch.grid[1] * launch.grid[2]
        total.memory_bytes = memory.bytes_of_launch(block.costs.touched(), blocks)
    if expected is not None:
        total.error = compare(memory, written, expected)
    for address, data in before:
        memory.write(address, data.tobytes())
    return total
