"""Tensor-core instructions of a warp and the number formats that they take, by the layouts of the PTX ISA, "Matrix fragments for mma"."""

import numpy as np

from memory import WARP


def to_bfloat(values: np.ndarray) -> np.ndarray:
    """float32 to the bits of bfloat16, to the nearest, ties to even; a NaN becomes 0x7FFF."""
    bits = values.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + (bits >> np.uint64(16) & np.uint64(1))) >> np.uint64(16)
    return np.where(np.isnan(values), 0x7FFF, rounded).astype(np.uint16)


def to_tensor_float(values: np.ndarray) -> np.ndarray:
    """float32 to tf32, to the nearest, ties away from zero; the 13 lowest bits become 0."""
    bits = values.view(np.uint32)
    rounded = (bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)
    return np.where(np.isfinite(values), rounded, bits).astype(np.uint32)


def _names(operand: str) -> list[str]:
    return [name.strip() for name in operand.strip('{}').split(',')]


def _fragments(inner: int):
    """Row and column of each number of a lane: of A (16, inner), of B (inner, 8), of C (16, 8)."""
    lane = np.arange(WARP)
    group, member = lane >> 2, lane % 4
    half = inner // 8  # numbers a register: 1 of tf32, 2 of bf16
    a = [(group + 8 * (i // half % 2), member * half + i % half + 4 * half * (i // half // 2)) for i in range(4 * half)]
    b = [(member * half + i % half + 4 * half * (i // half), group) for i in range(2 * half)]
    c = [(group + 8 * (i // 2), 2 * member + i % 2) for i in range(4)]
    return a, b, c


FRAGMENTS = {8: _fragments(8), 16: _fragments(16)}


def _matrix(registers: np.ndarray, places, shape: tuple[int, int], inner: int) -> np.ndarray:
    """(registers, warps, 32) bits as (warps, *shape) numbers."""
    found = np.zeros((registers.shape[1], *shape), np.float64)
    half = inner // 8
    for i, (row, column) in enumerate(places):
        bits = registers[i // half]
        # bf16 is the upper half of a float32; the tensor core does not see tf32's 13 lowest bits.
        bits = (bits >> np.uint32(16 * (i % 2))) << np.uint32(16) if half == 2 else bits & np.uint32(0xFFFFE000)
        found[:, row, column] = bits.view(np.float32)
    return found


def mma(block, one, mask, full):
    """d = a b + c of 16 x 8 fragments, summed in float64 and rounded once."""
    inner = 16 if 'm16n8k16' in one.parts else 8
    if 'm16n8k16' not in one.parts and 'm16n8k8' not in one.parts:
        raise NotImplementedError(one.text)
    d, a, b, c = (_names(operand) for operand in one.operands)
    of_a, of_b, of_c = FRAGMENTS[inner]
    read = lambda names: np.stack([block.value(name, 'u32') for name in names]).reshape(len(names), -1, WARP)
    left, right = _matrix(read(a), of_a, (16, inner), inner), _matrix(read(b), of_b, (inner, 8), inner)
    product = left @ right
    for i, (row, column) in enumerate(of_c):
        sums = np.asarray(block.value(c[i], 'f32')).astype(np.float64) + product[:, row, column].reshape(-1)
        block.set(d[i], sums.astype(np.float32), mask, full)


def ldmatrix(block, one, mask, full):
    """Matrices of 8 rows of 16 bytes, whose addresses lanes 8 i to 8 i + 7 give; transposed where the instruction says so."""
    names = _names(one.operands[0])
    address = block.address(one.operands[1])
    lanes = np.arange(block.threads) % WARP < 8 * len(names)
    taking = mask & lanes
    rows = block.shared.load(address, 16, taking, one.text).view(np.uint16).reshape(-1, 4, 8, 8)
    block.costs.count_shared(address, 16, taking)
    lane = np.arange(WARP)
    for i, name in enumerate(names):
        matrix = rows[:, i]
        if 'trans' in one.parts:
            low, high = matrix[:, 2 * (lane % 4), lane // 4], matrix[:, 2 * (lane % 4) + 1, lane // 4]
        else:
            low, high = matrix[:, lane // 4, 2 * (lane % 4)], matrix[:, lane // 4, 2 * (lane % 4) + 1]
        block.set(name, (low.astype(np.uint32) | high.astype(np.uint32) << np.uint32(16)).reshape(-1), mask, full)
