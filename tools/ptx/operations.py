"""What each PTX instruction does, by the text of the PTX ISA: OPERATIONS[first part of its name](block, instruction, mask, full)."""

import numpy as np

from kernel import SIZES, Kernel, PtxError
from memory import WARP
from tensor import ldmatrix, mma, to_bfloat, to_tensor_float

DTYPES = {kind: np.dtype({'f': 'f', 's': 'i', 'u': 'u', 'b': 'u'}[kind[0]] + str(size)) for kind, size in SIZES.items()}
# Generic addresses of parameters, which kernels copy out of by address.
PARAMETERS = 1 << 62


def symbol(name: str, kernel: Kernel) -> int:
    """The address of a parameter or of an array, each in its own space."""
    if name in kernel.parameters:
        return kernel.parameters[name][0]
    for arrays in (kernel.shared, kernel.local):
        if name in arrays:
            return arrays[name]
    raise PtxError(f'a symbol that is not known: {name}')


def constant(text: str, kind: str, kernel: Kernel):
    dtype = DTYPES[kind]
    if text[:2] in ('0f', '0F'):
        return np.uint32(int(text[2:], 16)).view(np.float32).view(dtype)
    if text[:2] in ('0d', '0D'):
        return np.uint64(int(text[2:], 16)).view(np.float64).view(dtype)
    if text.lstrip('-')[0].isdigit():
        bits = int(text, 0) & ((1 << 8 * dtype.itemsize) - 1)
        return np.array(bits, f'u{dtype.itemsize}').view(dtype)[()]
    base = PARAMETERS if text in kernel.parameters else 0
    return np.array(base + symbol(text, kernel), f'u{dtype.itemsize}').view(dtype)[()]


def down(exact: np.ndarray) -> np.ndarray:
    """float64 to float32, towards minus infinity."""
    near = exact.astype(np.float32)
    return np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)


def up(exact: np.ndarray) -> np.ndarray:
    return -down(-exact)


def fused(rounding: str, a, b, c):
    """a b + c, rounded once: float64 holds the product of two float32."""
    if a.dtype == np.float64:
        wide = a.astype(np.longdouble) * b + c
        return wide.astype(np.float64)
    exact = a.astype(np.float64) * np.float64(b) + np.float64(c)
    if rounding == 'rm':
        return down(np.asarray(exact))
    if rounding == 'rp':
        return up(np.asarray(exact))
    return exact.astype(np.float32)


def flushed(parts: tuple[str, ...], *values):
    """Subnormal numbers as zeros of their sign, where the instruction says so."""
    if 'ftz' not in parts:
        return values
    return tuple(np.where(np.abs(one) < np.finfo(np.float32).tiny, np.copysign(np.float32(0), one), one) for one in values)


def _quotient(a, b):
    """Whole numbers divided towards zero; the remainder has the dividend's sign."""
    safe = np.where(b == 0, 1, b).astype(a.dtype)
    if a.dtype.kind == 'u':
        return a // safe, a % safe
    rest = np.fmod(a, safe)
    return (a - rest) // safe, rest


def _arithmetic(function):
    """Of values alone: function(instruction, kind, values)."""
    def run(block, one, mask, full):
        kind = one.parts[-1]
        if kind == 'pred':
            values = [block.predicate(name) for name in one.operands[1:]]
        else:
            values = [block.value(name, kind) for name in one.operands[1:]]
        values = flushed(one.parts, *values) if kind == 'f32' else values
        block.set(one.operands[0], *flushed(one.parts, function(one, *values)) if kind == 'f32' else (function(one, *values),),
                  mask, full)
    return run


def _integer_product(block, one, mask, full):
    """mul and mad: whole numbers wide, high or low; floats."""
    parts, kind = one.parts, one.parts[-1]
    if kind[0] == 'f':
        a, b = flushed(parts, *(block.value(name, kind) for name in one.operands[1:3]))
        return block.set(one.operands[0], *flushed(parts, a * b), mask, full)
    a, b = (block.value(name, kind) for name in one.operands[1:3])
    if parts[1] == 'lo':
        result = a * b
        if parts[0] == 'mad':
            result = result + block.value(one.operands[3], kind)
    elif parts[1] == 'wide':
        wider = kind[0] + str(2 * int(kind[1:]))
        result = np.asarray(a).astype(DTYPES[wider]) * np.asarray(b).astype(DTYPES[wider])
        if parts[0] == 'mad':
            result = result + block.value(one.operands[3], wider)
    elif parts[1] == 'hi' and kind[1:] == '32':
        wider = DTYPES[kind[0] + '64']
        result = (np.asarray(a).astype(wider) * np.asarray(b).astype(wider) >> wider.type(32)).astype(DTYPES[kind])
    elif one.op == 'mul.hi.u64':
        result = _high_product(np.asarray(a), np.asarray(b))
    else:
        raise PtxError(f'an instruction that this interpreter does not know: {one.text}')
    block.set(one.operands[0], result, mask, full)


def _high_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The upper 64 of a product's 128 bits."""
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    al, ah, bl, bh = a & low, a >> half, b & low, b >> half
    middle = ah * bl + (al * bl >> half)
    carry = (middle & low) + al * bh
    return ah * bh + (middle >> half) + (carry >> half)


def _shift(block, one, mask, full):
    kind = one.parts[-1]
    a = block.value(one.operands[1], kind)
    count = np.asarray(block.value(one.operands[2], 'u32')).astype(np.int64)
    bits = 8 * DTYPES[kind].itemsize
    within = np.minimum(count, bits - 1).astype(np.asarray(a).dtype)
    result = a << within if one.parts[0] == 'shl' else a >> within
    if one.parts[0] == 'shl' or DTYPES[kind].kind == 'u':
        result = np.where(count >= bits, 0, result).astype(np.asarray(a).dtype)
    block.set(one.operands[0], result, mask, full)


def _compare(block, one, mask, full):
    relation, kind = one.parts[1], one.parts[-1]
    a, b = (block.value(name, kind) for name in one.operands[1:3])
    ordered = {'lt': np.less, 'le': np.less_equal, 'gt': np.greater, 'ge': np.greater_equal, 'eq': np.equal,
               'ne': np.not_equal, 'lo': np.less, 'ls': np.less_equal, 'hi': np.greater, 'hs': np.greater_equal}
    if relation in ordered:
        result = ordered[relation](a, b)
        if DTYPES[kind].kind == 'f' and relation == 'ne':
            result = result & ~(np.isnan(a) | np.isnan(b))
    else:
        unordered = np.isnan(a) | np.isnan(b)
        result = unordered if relation == 'nan' else ~unordered if relation == 'num' else ordered[relation[:2]](a, b) | unordered
    if len(one.parts) > 3 or '|' in one.operands[0]:
        raise PtxError(f'an instruction that this interpreter does not know: {one.text}')
    block.set(one.operands[0], result, mask, full)


def _move(block, one, mask, full):
    to, source = one.operands
    kind = one.parts[-1]
    if kind == 'pred':
        return block.set(to, block.predicate(source), mask, full)
    if to[0] == '{':  # unpacked, the lowest first
        parts = [name.strip() for name in to[1:-1].split(',')]
        size = SIZES[kind] // len(parts)
        value = np.broadcast_to(block.value(source, f'u{8 * SIZES[kind]}'), (block.threads,))
        columns = np.ascontiguousarray(value).view(f'u{size}').reshape(block.threads, len(parts))
        for i, name in enumerate(parts):
            block.set(name, columns[:, i].copy(), mask, full)
        return None
    if source[0] == '{':  # packed
        parts = [name.strip() for name in source[1:-1].split(',')]
        size = SIZES[kind] // len(parts)
        columns = [np.broadcast_to(block.value(name, f'u{8 * size}'), (block.threads,)) for name in parts]
        return block.set(to, np.stack(columns, axis=1).copy().view(f'u{SIZES[kind]}').reshape(-1), mask, full)
    return block.set(to, block.value(source, kind), mask, full)


def _convert(block, one, mask, full):
    parts, (to, *sources) = one.parts, one.operands
    kind = parts[-1]
    if 'tf32' in parts:
        return block.set(to, to_tensor_float(np.asarray(block.value(sources[0], 'f32'))), mask, full)
    if 'bf16x2' in parts:  # the first source goes to the upper half
        high, low = (to_bfloat(np.asarray(block.value(name, 'f32'))).astype(np.uint32) for name in sources)
        return block.set(to, high << np.uint32(16) | low, mask, full)
    if parts[-2] == 'bf16':
        return block.set(to, to_bfloat(np.asarray(block.value(sources[0], 'f32'))), mask, full)
    value, target = np.asarray(block.value(sources[0], kind)), parts[-2]
    if 'sat' in parts and target == 'f32':
        result = np.clip(np.where(np.isnan(value), np.float32(0), value), np.float32(0), np.float32(1))
    elif DTYPES[kind].kind == 'f' and DTYPES[target].kind != 'f':
        rounded = {'rzi': np.trunc, 'rni': np.rint, 'rmi': np.floor, 'rpi': np.ceil}[parts[1]](value.astype(np.float64))
        limits = np.iinfo(DTYPES[target])
        result = np.clip(np.where(np.isnan(rounded), 0, rounded), limits.min, limits.max).astype(DTYPES[target])
    else:
        result = value.astype(DTYPES[target])
    return block.set(to, result, mask, full)


def _registers(operand: str) -> list[str]:
    return [name.strip() for name in operand.strip('{}').split(',')]


def _access(one) -> tuple[str, str, int, int]:
    """Space, kind, numbers and bytes of a load or store."""
    space, kind = one.parts[1], one.parts[-1]
    count = next((int(part[1:]) for part in one.parts if part in ('v2', 'v4')), 1)
    return space, kind, count, count * SIZES[kind]


def _load(block, one, mask, full):
    space, kind, count, size = _access(one)
    address = block.address(one.operands[1])
    if space == 'param':
        data = block.parameters[(np.where(address >= PARAMETERS, address - PARAMETERS, address))[:, None] + np.arange(size)]
    elif space == 'global':
        data = block.memory.load(address, size, mask, one.text)
        block.costs.count_device(address, size, mask)
    elif space == 'shared':
        data = block.shared.load(address, size, mask, one.text)
        block.costs.count_shared(address, size, mask)
    elif space == 'local':
        data = np.take_along_axis(block.local, address[:, None] + np.arange(size), axis=1)
    else:
        raise PtxError(f'an instruction that this interpreter does not know: {one.text}')
    columns = np.ascontiguousarray(data).view(DTYPES[kind]).reshape(block.threads, count)
    for i, name in enumerate(_registers(one.operands[0])):
        value = columns[:, i].copy()
        wider = {'%rs': 2, '%rd': 8}.get(name[:3], 4 if name[:2] == '%r' else SIZES[kind])
        if wider > SIZES[kind]:  # widened with the kind's sign
            value = value.astype(f'i{wider}' if kind[0] == 's' else f'u{wider}')
        block.set(name, value, mask, full)


def _store(block, one, mask, full):
    space, kind, count, size = _access(one)
    address = block.address(one.operands[0])
    values = [np.broadcast_to(block.value(name, kind), (block.threads,)) for name in _registers(one.operands[1])]
    data = np.stack(values, axis=1).view(np.uint8).reshape(block.threads, size)
    if space == 'global':
        block.memory.store(address, data, mask, one.text)
        block.costs.count_device(address, size, mask)
        block.written.append((address[mask], size, kind))
    elif space == 'shared':
        block.shared.store(address, data, mask, one.text)
        block.costs.count_shared(address, size, mask)
    elif space == 'local':
        rows = np.nonzero(mask)[0]
        block.local[rows[:, None], address[mask][:, None] + np.arange(size)] = data[mask]
    else:
        raise PtxError(f'an instruction that this interpreter does not know: {one.text}')


def _copy(block, one, mask, full):
    """cp.async of 16 bytes: the target is unreadable until the thread waits for it; bytes beyond the source's size are zeros."""
    if 'wait_all' in one.parts:
        left = []
        for to, source, size, threads in block.copies:
            now = threads & mask
            if now.any():
                data = np.zeros((block.threads, 16), np.uint8)
                present = now & (size > 0)
                if present.any():
                    data[present] = block.memory.load(source, 16, present, one.text)[present]
                    data[np.arange(16) >= size[:, None]] = 0
                block.shared.store(to, data, now, one.text)
            if (threads & ~mask).any():
                left.append((to, source, size, threads & ~mask))
        block.copies = left
        return
    if not one.op.startswith('cp.async.cg.shared') or one.operands[2] != '16':
        raise PtxError(f'an instruction that this interpreter does not know: {one.text}')
    to, source = block.address(one.operands[0]), block.address(one.operands[1])
    size = np.full(block.threads, 16, np.int64)
    if len(one.operands) > 3:
        size = np.broadcast_to(block.value(one.operands[3], 'u32'), (block.threads,)).astype(np.int64)
    if (source[mask] % 16).any():
        raise PtxError(f'an address that is no multiple of 16: {one.text}')
    block.shared.spoil(to, 16, mask, one.text)
    block.costs.count_shared(to, 16, mask)
    if (mask & (size > 0)).any():
        block.costs.count_device(source, 16, mask & (size > 0))
    block.copies.append((to, source, size, mask.copy()))


def _shuffle(block, one, mask, full):
    """shfl.sync.{idx, bfly, up, down}.b32; the source lane by the ISA's formulas."""
    mode = one.parts[2]
    target, _, valid = one.operands[0].partition('|')
    value = np.broadcast_to(block.value(one.operands[1], 'u32'), (block.threads,))
    b, c = (np.asarray(block.value(name, 'u32')).astype(np.int64) for name in one.operands[2:4])
    thread = np.arange(block.threads, dtype=np.int64)
    lane, clamp, segment = thread % WARP, c & 31, c >> 8 & 31
    highest, lowest = (lane & segment) | (clamp & ~segment), lane & segment
    source, inside = {
        'up': (lane - b, lane - b >= highest),
        'down': (lane + b, lane + b <= highest),
        'bfly': (lane ^ b, (lane ^ b) <= highest),
        'idx': (lowest | (b & ~segment), (lowest | (b & ~segment)) <= highest),
    }[mode]
    source = np.where(inside, source, lane)
    block.set(target, value[thread - lane + source], mask, full)
    if valid:
        block.set(valid, np.broadcast_to(inside, (block.threads,)).copy(), mask, full)


def _vote(block, one, mask, full):
    """vote.sync.{any, all}.pred of whole warps."""
    holds = np.broadcast_to(block.predicate(one.operands[1]), (block.threads,)).reshape(-1, WARP)
    found = {'any': holds.any(axis=1), 'all': holds.all(axis=1)}[one.parts[2]]
    block.set(one.operands[0], np.repeat(found, WARP), mask, full)


def _select(block, one, mask, full):
    kind = one.parts[-1]
    chosen = block.predicate(one.operands[3])
    block.set(one.operands[0], np.where(chosen, block.value(one.operands[1], kind), block.value(one.operands[2], kind)),
              mask, full)


def _generic(block, one, mask, full):
    """cvta: device memory's addresses are the generic ones, a parameter's too."""
    block.set(one.operands[0], block.value(one.operands[1], 'u64'), mask, full)


def _permuted(one, a, b, selectors):
    """prmt: each nibble of the selectors chooses a byte of b and a together; its highest bit asks for that byte's sign alone."""
    both = a.astype(np.uint64) | b.astype(np.uint64) << np.uint64(32)
    found = np.zeros_like(both)
    for place in range(4):
        chosen = selectors.astype(np.uint64) >> np.uint64(4 * place) & np.uint64(15)
        byte = both >> np.uint64(8) * (chosen & np.uint64(7)) & np.uint64(255)
        sign = np.where(byte & np.uint64(128), np.uint64(255), np.uint64(0))
        found |= np.where(chosen & np.uint64(8), sign, byte) << np.uint64(8 * place)
    return found.astype(np.uint32)


def _of_three(_, a, b, c, table):
    """Bit i of the result is bit 4 a_i + 2 b_i + c_i of the table."""
    result = np.zeros_like(np.asarray(a) | np.asarray(b) | np.asarray(c))
    for i in range(8):
        if int(np.max(table)) >> i & 1:
            result |= (a if i & 4 else ~a) & (b if i & 2 else ~b) & (c if i & 1 else ~c)
    return result


def _inserted(one, a, b, start, length):
    """The low `length` bits of a in the place of those of b from bit `start` on, as far as the word goes."""
    width = SIZES[one.parts[-1]] * 8
    begin, count = int(np.max(start)) & 255, int(np.max(length)) & 255
    mask = 0 if begin >= width else ((1 << count) - 1 << begin) & ((1 << width) - 1)
    kind = np.asarray(b).dtype.type
    return (b & kind(~mask & (1 << width) - 1)) | ((np.asarray(a) << kind(min(begin, width - 1))) & kind(mask))


OPERATIONS = {
    'add': _arithmetic(lambda one, a, b: a + b),
    'sub': _arithmetic(lambda one, a, b: a - b),
    'mul': _integer_product,
    'mad': _integer_product,
    'fma': _arithmetic(lambda one, a, b, c: fused(one.parts[1], a, b, c)),
    'div': _arithmetic(lambda one, a, b: a / b if a.dtype.kind == 'f' else _quotient(a, b)[0]),
    'rem': _arithmetic(lambda one, a, b: _quotient(a, b)[1]),
    'min': _arithmetic(lambda one, a, b: np.fmin(a, b)),
    'max': _arithmetic(lambda one, a, b: np.fmax(a, b)),
    'neg': _arithmetic(lambda one, a: -a),
    'abs': _arithmetic(lambda one, a: np.abs(a)),
    'and': _arithmetic(lambda one, a, b: a & b),
    'or': _arithmetic(lambda one, a, b: a | b),
    'xor': _arithmetic(lambda one, a, b: a ^ b),
    'not': _arithmetic(lambda one, a: ~a),
    'lop3': _arithmetic(_of_three),
    'bfi': _arithmetic(_inserted),
    'prmt': _arithmetic(_permuted),
    'ex2': _arithmetic(lambda one, a: np.exp2(a)),
    'lg2': _arithmetic(lambda one, a: np.log2(a)),
    'rcp': _arithmetic(lambda one, a: a.dtype.type(1) / a),
    'sqrt': _arithmetic(lambda one, a: np.sqrt(a)),
    'rsqrt': _arithmetic(lambda one, a: a.dtype.type(1) / np.sqrt(a)),
    'shl': _shift,
    'shr': _shift,
    'setp': _compare,
    'selp': _select,
    'mov': _move,
    'cvt': _convert,
    'cvta': _generic,
    'ld': _load,
    'st': _store,
    'cp': _copy,
    'shfl': _shuffle,
    'vote': _vote,
    'ldmatrix': ldmatrix,
    'mma': mma,
}
