"""One kernel of a PTX file, parsed: its parameters, registers' widths, shared arrays, labels and instructions.

Reads the subset of PTX ISA 9 that nvcc makes of this project's kernels; anything else is an error with its text.
"""

import re
from dataclasses import dataclass

SIZES = {'u8': 1, 'b8': 1, 's8': 1, 'u16': 2, 'b16': 2, 's16': 2, 'u32': 4, 's32': 4, 'b32': 4, 'f32': 4,
         'u64': 8, 's64': 8, 'b64': 8, 'f64': 8}

# What instructions end a run of threads that stay together.
ENDS_SEGMENT = ('bra', 'bar.sync', 'ret', 'exit')


class PtxError(Exception):
    """What a kernel does that PTX leaves undefined, or what this interpreter does not know."""


@dataclass(frozen=True)
class Instruction:
    """`@!%p1 add.s32 %r1, %r2, 3`: guard ('%p1', True), op 'add.s32', operands ('%r1', '%r2', '3')."""

    guard: tuple[str, bool] | None
    op: str
    parts: tuple[str, ...]
    operands: tuple[str, ...]
    text: str


def split_operands(text: str) -> tuple[str, ...]:
    """Operands of an instruction: commas within braces and brackets do not part them."""
    found, depth, current = [], 0, ''
    for letter in text:
        depth += (letter in '{[') - (letter in '}]')
        if letter == ',' and depth == 0:
            found.append(current.strip())
            current = ''
        else:
            current += letter
    if current.strip():
        found.append(current.strip())
    return tuple(found)


def entries(text: str) -> list[str]:
    """Mangled names of the kernels in a PTX file."""
    return re.findall(r'\.entry (\S+)\(', text)


class Kernel:
    """The kernel `name` of the PTX `text`."""

    def __init__(self, text: str, name: str):
        self.name = name
        begin = text.index(f'.entry {name}(')
        head, code = text[begin:text.index('\n}\n', begin)].split('\n{\n', 1)
        self.parameters, self.parameter_bytes = self._parameters(head)
        self.labels: dict[str, int] = {}
        self.instructions: list[Instruction] = []
        self.shared: dict[str, int] = {}
        self.shared_bytes = 0
        self.local: dict[str, int] = {}
        self.local_bytes = 0
        for symbol in re.findall(r'\.extern \.shared \.align \d+ \.b8 (\w+)\[\]', text):
            self.shared[symbol] = 0
        for line in code.split('\n'):
            self._line(line.split('//')[0].strip())
        for symbol in self.shared:
            if symbol not in re.findall(r'\.b8 (\w+)\[\d+\]', code):
                self.shared[symbol] = self.shared_bytes
        self.leaders = set(self.labels.values()) | {
            i + 1 for i, one in enumerate(self.instructions) if one.op.startswith(ENDS_SEGMENT)}

    @staticmethod
    def _parameters(head: str) -> tuple[dict[str, tuple[int, int]], int]:
        """Offset and bytes of each parameter, and the bytes of all."""
        found, offset = {}, 0
        for alignment, kind, name, count in re.findall(
                r'\.param (?:\.align (\d+) )?\.(\w+) (\w+)(?:\[(\d+)\])?', head):
            size = SIZES[kind] * int(count or 1)
            step = int(alignment or SIZES[kind])
            offset = -(-offset // step) * step
            found[name] = (offset, size)
            offset += size
        return found, offset

    def _line(self, line: str) -> None:
        array = re.fullmatch(r'\.(shared|local) \.align (\d+) \.b8 (\w+)\[(\d+)\];', line)
        if array:
            space, alignment, name, size = array[1], int(array[2]), array[3], int(array[4])
            used = getattr(self, f'{space}_bytes')
            at = -(-used // alignment) * alignment
            getattr(self, space)[name] = at
            setattr(self, f'{space}_bytes', at + size)
            return
        if not line or line.startswith('.') or line in ('{', '}'):
            return
        if line.endswith(':'):
            self.labels[line[:-1]] = len(self.instructions)
            return
        if not line.endswith(';'):
            raise PtxError(f'expected an instruction that ends in a semicolon, got "{line}"')
        text = line[:-1].strip()
        guard, rest = None, text
        if text.startswith('@'):
            predicate, rest = text.split(None, 1)
            guard = (predicate.lstrip('@!'), predicate.startswith('@!'))
        op, operands = (rest.split(None, 1) + [''])[:2]
        self.instructions.append(Instruction(guard, op, tuple(op.split('.')), split_operands(operands), text))
