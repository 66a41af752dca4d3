"""One block of a kernel, all its threads at once: a register is one NumPy array with an element a thread.

Threads that stand at the smallest program counter run together until one may leave the others. What each warp issues is counted: an
instruction counts once for a warp of which any thread takes part, guarded off or not, as the hardware issues it.
"""

from collections import Counter

import numpy as np

import operations
from kernel import Kernel, PtxError
from memory import WARP, Costs, DeviceMemory, SharedMemory

READY, AT_BARRIER, DONE, AT_COLLECTIVE = range(4)


class Block:
    """Block `index` of a `grid` of `kernel`, with threads of `shape`. parameters: the bytes of each."""

    def __init__(self, kernel: Kernel, memory: DeviceMemory, parameters: list[bytes], grid: tuple[int, int, int],
                 index: tuple[int, int, int], shape: tuple[int, int, int], shared_bytes: int):
        threads = shape[0] * shape[1] * shape[2]
        if threads % WARP:
            raise PtxError(f'expected whole warps, got {threads} threads')
        self.kernel, self.memory, self.threads = kernel, memory, threads
        self.shared = SharedMemory(kernel.shared_bytes + shared_bytes)
        self.local = np.zeros((threads, kernel.local_bytes), np.uint8)
        self.parameters = self._parameter_bytes(parameters)
        self.costs = Costs()
        self.issued: Counter[str] = Counter()
        self.divergent = 0  # arrivals of part of a warp at an instruction that needs it whole
        self.written: list[tuple[np.ndarray, int, bool]] = []  # device addresses, bytes, whether they are floats
        self.copies: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []  # to, from, bytes, threads: under way
        self.registers: dict[str, np.ndarray] = {}
        lane = np.arange(threads, dtype=np.uint32)
        self.special = {'%laneid': lane % WARP, '%tid.x': lane % shape[0], '%tid.y': lane // shape[0] % shape[1],
                        '%tid.z': lane // (shape[0] * shape[1])}
        for axis, at, blocks, size in zip('xyz', index, grid, shape):
            self.special[f'%ctaid.{axis}'] = np.uint32(at)
            self.special[f'%nctaid.{axis}'] = np.uint32(blocks)
            self.special[f'%ntid.{axis}'] = np.uint32(size)
        self._at = np.zeros(threads, np.int64)
        self._state = np.full(threads, READY, np.int8)

    def _parameter_bytes(self, parameters: list[bytes]) -> np.ndarray:
        expected = [size for _, size in self.kernel.parameters.values()]
        if [len(one) for one in parameters] != expected:
            raise PtxError(f'expected parameters of {expected} bytes, got {[len(one) for one in parameters]}')
        found = np.zeros(self.kernel.parameter_bytes + 16, np.uint8)
        for (offset, size), data in zip(self.kernel.parameters.values(), parameters):
            found[offset:offset + size] = np.frombuffer(data, np.uint8)
        return found

    def run(self) -> None:
        while True:
            ready = self._state == READY
            if ready.any():
                at = int(self._at[ready].min())
                self._segment(at, ready & (self._at == at))
            elif (self._state == DONE).all():
                return
            elif not self._release():
                places = Counter(zip(self._state.tolist(), self._at.tolist())).most_common(4)
                raise PtxError(f'deadlock: threads stand at {places}')

    def _release(self) -> bool:
        """Lets whole warps go on from a collective, or the block from a barrier."""
        waits = (self._state == AT_COLLECTIVE).reshape(-1, WARP).all(axis=1)
        place = self._at.reshape(-1, WARP)
        together = waits & (place == place[:, :1]).all(axis=1)
        if together.any():
            self._state[np.repeat(together, WARP)] = READY
            return True
        if (self._state != AT_BARRIER).any():
            if (self._state == AT_BARRIER).any() and (self._state == DONE).any():
                raise PtxError('a barrier after threads of the block have ended')
            return False
        if (self._at != self._at[0]).any():
            raise PtxError('threads of a block stand at different barriers')
        self._state[:] = READY
        self._at += 1
        return True

    def _segment(self, at: int, mask: np.ndarray) -> None:
        """Runs the threads of `mask` from instruction `at` until they may part."""
        instructions, leaders = self.kernel.instructions, self.kernel.leaders
        warps = int(mask.reshape(-1, WARP).any(axis=1).sum())
        full, first = bool(mask.all()), at
        while True:
            if at != first and at in leaders:
                self._at[mask] = at
                return
            one = instructions[at]
            self.issued[one.op] += warps
            root = one.parts[0]
            if root == 'bra':
                target = self.kernel.labels[one.operands[0]]
                taken = mask if one.guard is None else mask & self._guard(one.guard)
                self._at[mask] = at + 1
                self._at[taken] = target
                return
            if root in ('ret', 'exit'):
                if one.guard is not None:
                    raise PtxError(f'a guarded return is not known: {one.text}')
                self._state[mask] = DONE
                return
            if root == 'bar' and one.parts[1] != 'warp':
                self._state[mask], self._at[mask] = AT_BARRIER, at
                return
            if 'aligned' in one.parts or root in ('shfl', 'vote', 'bar'):
                lanes = mask.reshape(-1, WARP)
                parted = lanes.any(axis=1) & ~lanes.all(axis=1)
                if parted.any():
                    waits = np.repeat(parted, WARP) & mask
                    self.divergent += int(parted.sum())
                    self.issued[one.op] -= int(parted.sum())
                    self._state[waits], self._at[waits] = AT_COLLECTIVE, at
                    mask = mask & ~waits
                    warps, full = warps - int(parted.sum()), False
                    if not mask.any():
                        return
            if root != 'bar':
                self._execute(one, mask, full)
            at += 1

    def _execute(self, one, mask: np.ndarray, full: bool) -> None:
        if one.guard is not None:
            mask = mask & self._guard(one.guard)
            full = False
            if not mask.any():
                return
        operation = operations.OPERATIONS.get(one.parts[0])
        if operation is None:
            raise PtxError(f'an instruction that this interpreter does not know: {one.text}')
        operation(self, one, mask, full)

    def _guard(self, guard: tuple[str, bool]) -> np.ndarray:
        value = self.predicate(guard[0])
        return ~value if guard[1] else value

    # Registers and operands.

    def predicate(self, operand: str):
        if operand[0] != '%':
            return np.bool_(int(operand) != 0)
        if operand not in self.registers:
            raise PtxError(f'reads predicate {operand}, which nothing wrote')
        return self.registers[operand]

    def value(self, operand: str, kind: str):
        """An operand as numbers of `kind`: an array with an element a thread, or one number for all."""
        dtype = operations.DTYPES[kind]
        if operand[0] == '%':
            bits = self.registers.get(operand)
            if bits is None:
                bits = self.special.get(operand)
            if bits is None:
                raise PtxError(f'reads register {operand}, which nothing wrote')
            if bits.dtype.itemsize != dtype.itemsize:
                bits = bits.astype(f'u{dtype.itemsize}')
            return bits.view(dtype)
        return operations.constant(operand, kind, self.kernel)

    def set(self, register: str, value, mask: np.ndarray, full: bool) -> None:
        """Writes `value` to the threads of `mask`."""
        if register == '_':
            return
        value = np.asarray(value)
        if value.dtype != bool:
            value = value.view(f'u{value.dtype.itemsize}')
        if full and value.ndim:
            self.registers[register] = value
            return
        held = self.registers.get(register)
        held = np.zeros(self.threads, value.dtype) if held is None or held.dtype != value.dtype else held.copy()
        np.copyto(held, value, where=mask)
        self.registers[register] = held

    def address(self, operand: str) -> np.ndarray:
        """What `[%rd1+16]`, `[symbol+4]` or `[symbol]` points to, (threads)."""
        base, _, offset = operand[1:-1].partition('+')
        if base[0] == '%':
            found = self.value(base, 's64' if self._wide(base) else 's32').astype(np.int64)
        else:
            found = np.int64(operations.symbol(base, self.kernel))
        return np.broadcast_to(found + int(offset or 0), (self.threads,))

    def _wide(self, register: str) -> bool:
        return self.registers[register].dtype.itemsize == 8
