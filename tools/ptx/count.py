"""Runs the kernels' PTX without a GPU: holds their results to the emulated device's, and counts what they issue.

    python3 tools/ptx/count.py check              every kernel on the cases of operations and of the compiled lifter, in every precision
    python3 tools/ptx/count.py count [--update]   instructions, bank conflicts and sectors at the published shape, against native/cuda/ptx-counts.txt
    python3 tools/ptx/count.py forecast           milliseconds on an H200 from the same counts, into docs/gpu.md

Needs nvcc, NumPy and the emulated addon (`npm run build:emulated`). Where nvcc is missing it says so and ends with 0.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import forecast
from kernel import PtxError
from replay import Program, Run, replay

ROOT = Path(__file__).resolve().parents[2]
ADDON = ROOT / 'build/emulated/build/Release/pstmo.node'
TABLE = ROOT / 'native/cuda/ptx-counts.txt'
OUT = ROOT / 'build/ptx'
PRECISIONS = ('fp32', 'tf32', 'bf16')
# Dry records of the batch that the forecast is of (tools/ptx/record.mjs), by architecture.
COUNTED = {
    '90a': ('windows:fp32', 'windows:tf32', 'windows:bf16', 'video:bf16', 'stage1:bf16', 'stage2:bf16'),
    '80': ('windows:tf32', 'windows:bf16', 'stage2:bf16'),
}
# Kernels that measure a device, and one that does nothing.
LEFT_OUT = {'fillSmall', 'multiplyAdds', 'multiplyTiles<BrainFloat>', 'multiplyTiles<TensorFloat>', 'forEachKernel<Nothing>'}
COLUMNS = ('issued', 'mma', 'waves', 'sectors', 'divergent')


def make_ptx(architecture: str) -> Path:
    """The PTX of every CUDA source, in a folder; what is newer than its sources stays."""
    folder = OUT / f'sm_{architecture}'
    folder.mkdir(parents=True, exist_ok=True)
    headers = [path for path in (ROOT / 'native').rglob('*.h') if 'emulation' not in path.parts]
    newest = max(path.stat().st_mtime for path in headers)
    rooms = ('cuda', 'cuda/kernels', 'inference/cuda')
    jobs = []
    for source in sorted(path for room in rooms for path in (ROOT / 'native' / room).glob('*.cu')):
        target = folder / ('-'.join(source.relative_to(ROOT / 'native').with_suffix('.ptx').parts))
        if target.exists() and target.stat().st_mtime > max(newest, source.stat().st_mtime):
            continue
        jobs.append(['nvcc', '-std=c++20', '--expt-relaxed-constexpr', '-I', str(ROOT / 'native/cuda'), '-O3', '-ptx', '-gencode',
                     f'arch=compute_{architecture},code=compute_{architecture}', str(source), '-o', str(target)])
    waiting = list(jobs)
    running: list[subprocess.Popen] = []
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            running.append(subprocess.Popen(waiting.pop(0)))
        if running.pop(0).wait() != 0:
            raise SystemExit('nvcc failed.')
    return folder


def make_record(job: str) -> Path:
    file = OUT / f'{job.replace(":", "-")}-{os.getpid()}.record'
    subprocess.run(['node', str(ROOT / 'tools/ptx/record.mjs'), job, str(file)], check=True, cwd=ROOT)
    return file


def check(program: Program, launches: int, blocks: int) -> int:
    """Failures among at most so many launches of each kernel, and so many blocks of each launch."""
    seen: Counter[str] = Counter()
    worst: dict[str, float] = {}
    failures = 0
    for job in (f'{what}:{precision}' for what in ('ops', 'lifter') for precision in PRECISIONS):
        record = make_record(job)
        before: Counter[str] = Counter(seen)
        try:
            for run in replay(record, ADDON, program, lambda name, _: name not in LEFT_OUT and seen[name] - before[name] < launches,
                              blocks):
                seen[run.name] += 1
                worst[run.name] = max(worst.get(run.name, 0), run.error)
                if run.error > 1 or run.divergent:
                    failures += 1
                    print(f'{job}: {run.name}, grid {run.launch.grid}: {run.error:.2g} of the tolerance, '
                          f'{run.divergent} divergent arrivals')
        except PtxError as error:
            failures += 1
            print(f'{job}: {error}')
        record.unlink()
    missing = [name for name in program.names() if name not in seen and name not in LEFT_OUT]
    print(f'{sum(seen.values())} launches of {len(seen)} kernels run from PTX, the worst at {max(worst.values(), default=0):.2g} '
          f'of its tolerance; {failures} failed')
    if missing:
        print(f'no case on this device runs {", ".join(missing)}')
    return failures


@dataclass
class Row:
    """What a block in the middle of a launch takes, and of how many blocks: of all launches whose blocks issue the same."""

    job: str
    kernel: str
    blocks: int
    launches: int
    issued: int
    mma: int
    waves: float
    sectors: float
    divergent: int
    l2_bytes: int      # all blocks'
    memory_bytes: int  # all launches'

    @property
    def key(self) -> str:
        return f'{self.job} {self.blocks} {self.launches} {self.kernel}'

    def again(self, other: 'Row') -> None:
        """Adds launches of the same kernel."""
        self.blocks += other.blocks
        self.launches += other.launches
        self.waves, self.sectors = max(self.waves, other.waves), max(self.sectors, other.sectors)
        self.divergent = max(self.divergent, other.divergent)
        self.l2_bytes += other.l2_bytes
        self.memory_bytes += other.memory_bytes


def row_of(job: str, run: Run) -> Row:
    grid = run.launch.grid
    mma = sum(count for op, count in run.issued.items() if op.startswith('mma'))
    over = lambda counter, name: counter[name] / counter['ideal'] if counter['ideal'] else 1.0
    blocks = grid[0] * grid[1] * grid[2]
    return Row(job, run.name, blocks, 1, sum(run.issued.values()), mma,
               over(run.shared, 'waves'), over(run.device, 'sectors'), run.divergent,
               32 * run.device['sectors'] * blocks, run.memory_bytes)


def count(program: Program, job: str) -> list[Row]:
    """A row for each kernel and what its blocks issue."""
    record = make_record(f'{job}:dry')
    rows: dict[tuple, Row] = {}  # one a kernel, grid and size of parameters
    times: Counter[tuple] = Counter()

    def wanted(name, launch):
        wanted.key = (name, launch.grid, launch.threads, launch.shared_bytes, scalars(launch.parameters))
        times[wanted.key] += 1
        # Weights are packed when a model is made.
        return times[wanted.key] == 1 and 'PackWord' not in name

    for run in replay(record, ADDON, program, wanted, most_blocks=1, dry=True):
        rows[wanted.key] = row_of(job, run)
    record.unlink()
    found: dict[tuple, Row] = {}
    for key, row in rows.items():
        for _ in range(times[key]):
            same = found.setdefault((row.kernel, row.issued, row.mma), replace(row, blocks=0, launches=0, l2_bytes=0, memory_bytes=0))
            same.again(row)
    return list(found.values())


def count_in(folder: Path, job: str) -> list[Row]:
    """count() in a process of its own."""
    np.seterr(all='ignore')
    return count(Program(folder), job)


def scalars(parameters: list[bytes]) -> tuple:
    """Parameters without addresses. A large word keeps its low byte: it may be a flag with padding behind it, which holds anything."""
    return tuple(tuple(word if word < 1 << 24 else word & 0xFF for word in _without_addresses(one)) for one in parameters)


def _without_addresses(parameter: bytes) -> list[int]:
    words = np.frombuffer(parameter[:len(parameter) // 4 * 4], np.uint32).tolist()
    kept: list[int] = []
    at = 0
    while at < len(words):
        if at % 2 == 0 and at + 1 < len(words) and 0x5000 <= words[at + 1] < 0x8000:  # the host's memory
            at += 2
            continue
        kept.append(words[at])
        at += 1
    return kept


def lines_of(architecture: str, rows: list[Row]) -> list[str]:
    return [f'{row.issued:10d} {row.mma:7d} {row.waves:7.3f} {row.sectors:7.3f} {row.divergent:4d} sm_{architecture} {row.key}' for row in rows]


HEAD = """# What one block issues and asks for, by running nvcc's own PTX: python3 tools/ptx/count.py count --update writes this table.
# issued: warp instructions of PTX, prologue and epilogue included; mma: those of them that are tensor-core instructions; waves: wavefronts
# of shared memory over the least for the same words; sectors: of device memory over the least for the same bytes; divergent: arrivals of
# part of a warp where all of it is needed. Then the job (P-STMO-S, N = 243; 2,304 windows, 160 samples), blocks, launches, kernel.
#   issued     mma   waves sectors divergent
"""


def compare(table: list[str], lines: list[str]) -> int:
    """Rows that are worse than the table's, or not in it. Rows of one key are held to one another in their order of instructions."""
    held, now = _by_key(table), _by_key(lines)
    worse = 0
    for key in sorted(held.keys() | now.keys()):
        before, after = held.get(key, []), now.get(key, [])
        if len(before) != len(after):
            worse += 1
            print(f'{len(before)} rows in the table, {len(after)} now: {key}')
            continue
        for old, new in zip(before, after):
            for column, was, value in zip(COLUMNS, old, new):
                if column != 'mma' and value > was:
                    worse += 1
                    print(f'{column} grew from {was:g} to {value:g}: {key}')
    return worse


def _by_key(lines: list[str]) -> dict[str, list[tuple[float, ...]]]:
    rows: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for line in lines:
        if line.startswith('#'):
            continue
        values, key = line.split(' sm_')
        rows[key].append(tuple(float(value) for value in values.split()))
    return {key: sorted(found) for key, found in rows.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description='Runs the CUDA kernels\' PTX without a GPU.')
    parser.add_argument('what', choices=('check', 'count', 'forecast'))
    parser.add_argument('--update', action='store_true', help='write the table of counts anew')
    parser.add_argument('--launches', type=int, default=3, help='of each kernel and job that check runs (3)')
    parser.add_argument('--blocks', type=int, default=2, help='of each launch that check runs (2)')
    parser.add_argument('--jobs', nargs='+', help='what count and forecast run in place of all, such as windows:bf16')
    flags = parser.parse_args()
    if shutil.which('nvcc') is None:
        print('skipped: the PTX of the CUDA kernels was not run, since nvcc was not found')
        return
    if not ADDON.exists():
        raise SystemExit(f'{ADDON} is missing: npm run build:emulated makes it.')
    np.seterr(all='ignore')
    began = time.time()
    if flags.what == 'check':
        failures = check(Program(make_ptx('90a')), flags.launches, flags.blocks)
    elif flags.what == 'forecast':
        jobs = flags.jobs or COUNTED['90a']
        with ProcessPoolExecutor() as pool:
            text = forecast.report(dict(zip(jobs, pool.map(count_in, [make_ptx('90a')] * len(jobs), jobs))))
        print(text)
        if not flags.jobs:
            page = (ROOT / 'docs/gpu.md').read_text()
            begin, end = '<!-- forecast -->', '<!-- end of forecast -->'
            (ROOT / 'docs/gpu.md').write_text(f'{page.split(begin)[0]}{begin}\n{text}{end}{page.split(end)[1]}')
        failures = 0
    else:
        wanted = [(architecture, job) for architecture, jobs in COUNTED.items() for job in flags.jobs or jobs]
        folders = {architecture: make_ptx(architecture) for architecture in COUNTED}
        with ProcessPoolExecutor() as pool:
            counted = pool.map(count_in, [folders[architecture] for architecture, _ in wanted], [job for _, job in wanted])
            lines = [line for (architecture, _), rows in zip(wanted, counted) for line in lines_of(architecture, rows)]
        if flags.update:
            TABLE.write_text(HEAD + '\n'.join(lines) + '\n')
        else:
            print('\n'.join(lines) if flags.jobs else f'{len(lines)} rows')
        failures = 0 if flags.update or flags.jobs else compare(TABLE.read_text().splitlines(), lines)
    print(f'{time.time() - began:.0f} s')
    sys.exit(1 if failures else 0)


if __name__ == '__main__':
    main()
