"""Milliseconds on an H200 from what one block of each launch takes (count.py): expected, not measured.

The launches of a kernel whose blocks issue the same take the longest of
- its warp instructions, PTX x 1.1, at 528 issue slots a clock (132 multiprocessors of four) and 1.755 GHz, of which 65% are used (50 and 85%
  give the range),
- its tensor-core matmuls at the rate that was measured for large ones,
- its bytes at the rates of L2 and of memory, x 1.1.
Nothing is counted for starting kernels, for gaps, for grids that do not fill the device, or for arrays that L2 keeps.
"""

from collections import defaultdict

SLOTS = 528
CLOCK = 1.755e9
MACHINE_INSTRUCTIONS = 1.1  # for each of PTX
USED = (0.5, 0.65, 0.85)
BYTES_MARGIN = 1.1
L2_RATE = 5.5e12
MEMORY_RATE = 4.3e12
# FLOP of one mma and FLOP/s: m16n8k16 of bf16, m16n8k8 of tf32.
MATMULS = {'bf16': (4096, 788e12), 'tf32': (2048, 394e12), 'fp32': (2048, 394e12)}
BATCH = {'windows': 2304, 'video': 2304, 'stage1': 160, 'stage2': 160}


def seconds(row, precision: str, used: float) -> float:
    """Of all launches of a row."""
    flops, rate = MATMULS[precision]
    issue = row.issued * row.blocks * MACHINE_INSTRUCTIONS / (SLOTS * used * CLOCK)
    matmul = row.mma * row.blocks * flops / rate
    return max(issue, matmul, BYTES_MARGIN * row.l2_bytes / L2_RATE, BYTES_MARGIN * row.memory_bytes / MEMORY_RATE)


def by_kernel(rows, precision: str) -> list[tuple[str, list[float], float]]:
    """Milliseconds a kernel at each share of the slots, and instructions a mma; the longest first."""
    found: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(USED))
    counts: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in rows:
        for i, used in enumerate(USED):
            found[row.kernel][i] += 1e3 * seconds(row, precision, used)
        counts[row.kernel][0] += row.issued * row.blocks
        counts[row.kernel][1] += row.mma * row.blocks
    order = sorted(found, key=lambda kernel: -found[kernel][1])
    return [(kernel, found[kernel], counts[kernel][0] / counts[kernel][1] if counts[kernel][1] else 0.0) for kernel in order]


def report(jobs) -> str:
    """Markdown. jobs: rows by the job's name, such as windows:bf16."""
    lines = []
    for job, rows in jobs.items():
        what, precision = job.split(':')
        kernels = by_kernel(rows, precision)
        slow, expected, quick = (sum(times[i] for _, times, _ in kernels) for i in range(len(USED)))
        batch = BATCH[what]
        unit = 'samples' if what.startswith('stage') else 'frames' if what == 'video' else 'windows'
        lines += [f'### {job}, {batch} {unit}: {expected:.2f} ms ({quick:.2f} to {slow:.2f}), '
                  f'{batch / expected * 1e3:,.0f} {unit}/s ({batch / slow * 1e3:,.0f} to {batch / quick * 1e3:,.0f})', '',
                  '| kernel | ms | at 85 and 50% | instructions a mma |', '| --- | ---: | ---: | ---: |']
        lines += [f'| {kernel} | {times[1]:.2f} | {times[2]:.2f} to {times[0]:.2f} | {f"{a_mma:.1f}" if a_mma else ""} |'
                  for kernel, times, a_mma in kernels if times[1] >= expected / 200]
        lines.append('')
    return '\n'.join(lines)
