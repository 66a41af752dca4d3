"""The record of launches that the emulated device writes (native/emulation/record.h), and names of kernels in PTX and in the addon."""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Iterator


@dataclass
class Launch:
    """One launch. changes: device memory after it, (address, bytes), where the emulated device changed it."""

    offset: int
    grid: tuple[int, int, int]
    threads: tuple[int, int, int]
    shared_bytes: int
    parameters: list[bytes]
    changes: list[tuple[int, bytes]] = field(default_factory=list)


@dataclass
class Allocation:
    address: int
    size: int


@dataclass
class Free:
    address: int


@dataclass
class Write:
    """Device memory that changed since the launch before: a copy of the host's."""

    address: int
    data: bytes


def read_record(file: BinaryIO) -> Iterator[Launch | Allocation | Free | Write]:
    """What a record says, in order. A launch comes with what it changed; what another thread allocates meanwhile comes after it."""
    launch, ran, later = None, False, []
    while line := file.readline():
        word, *numbers = line.split()
        values = [int(number) for number in numbers]
        # A dry launch has no result: it ends where anything but its parameters follows.
        if launch is not None and not ran and word not in (b'parameter', b'result'):
            yield launch
            launch = None
        if word == b'launch':
            launch = Launch(values[0], tuple(values[1:4]), tuple(values[4:7]), values[7], [])
        elif word == b'parameter':
            launch.parameters.append(file.read(values[1]))
        elif word in (b'allocation', b'free'):
            item = Allocation(*values) if word == b'allocation' else Free(*values)
            if ran:
                later.append(item)
            else:
                yield item
        elif word == b'result':
            ran = True
        elif word == b'end':
            yield launch
            yield from later
            launch, ran, later = None, False, []
        elif word == b'memory':
            data = file.read(values[1])
            if ran:
                launch.changes.append((values[0], data))
            else:
                yield Write(values[0], data)
        else:
            raise ValueError(f'expected a line of a record, got {line[:60]!r}')
    if launch is not None:
        yield launch


def demangled(names: list[str]) -> list[str]:
    return subprocess.run(['c++filt'], input='\n'.join(names), text=True, capture_output=True, check=True).stdout.split('\n')


def kernel_name(function: str) -> str:
    """`void pstmo::cuda::(anonymous namespace)::matmulKernel<A, 8>(Matmul)` as `matmulKernel<A, 8>`."""
    plain = re.sub(r'\(anonymous namespace\)::|\{anonymous\}::|pstmo::(?:inference::)?cuda::|pstmo::|^void ', '', function)
    plain = re.sub(r'\((?:int|bool|unsigned int)\)', '', plain)
    depth = 0
    for i, letter in enumerate(plain):
        depth += (letter == '<') - (letter == '>')
        if letter == '(' and depth == 0:
            return plain[:i]
    return plain


def kernels_of_addon(addon: Path) -> dict[int, str]:
    """Names of an addon's functions by their offset in it."""
    lines = subprocess.run(['nm', '-C', '--defined-only', str(addon)], text=True, capture_output=True, check=True).stdout
    found = {}
    for line in lines.splitlines():
        address, kind, name = line.split(' ', 2)
        if kind in 'tTwW' and 'ernel' in name:
            found[int(address, 16)] = kernel_name(name)
    return found
