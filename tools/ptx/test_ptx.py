"""What the interpreter does, held to the PTX ISA's formulas and to small kernels whose costs are known: python3 -m unittest discover tools/ptx"""

import contextlib
import io
import struct
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np

from block import Block
from count import compare, scalars
from kernel import Kernel, PtxError
from memory import DeviceMemory, wavefronts

np.seterr(all='ignore')
ROOT = Path(__file__).resolve().parents[2]
OUT = 1 << 20  # where kernels of these tests write


def kernel(body: str, shared: int = 0) -> Kernel:
    """A kernel of one parameter, the address of its output in %rd1, and the lane in %r1."""
    declared = f'.shared .align 16 .b8 smem[{shared}];\n' if shared else ''
    return Kernel(f'.entry test(\n\t.param .u64 out\n)\n{{\n{declared}ld.param.u64 \t%rd1, [out];\nmov.u32 \t%r1, %tid.x;\n{body}\nret;\n\n}}\n',
                  'test')


def run(body: str, threads: int = 32, words: int = 1, shared: int = 0):
    """The output's words (threads, words), and the block."""
    memory = DeviceMemory()
    memory.allocate(OUT, threads * words * 4)
    block = Block(kernel(body, shared), memory, [OUT.to_bytes(8, 'little')], (1, 1, 1), (0, 0, 0), (threads, 1, 1), 0)
    block.run()
    return memory.read(OUT, threads * words * 4).view(np.uint32).reshape(threads, words), block


def store(*registers: str) -> str:
    """Writes registers of each thread behind one another."""
    lines = [f'mul.wide.u32 \t%rd2, %r1, {4 * len(registers)};', 'add.s64 \t%rd3, %rd1, %rd2;']
    lines += [f'st.global.u32 \t[%rd3+{4 * i}], {name};' for i, name in enumerate(registers)]
    return '\n'.join(lines)


def answer(expression: str, register: str = '%r9') -> np.ndarray:
    return run(f'{expression}\n{store(register)}')[0][:, 0]


def floats(values) -> list[str]:
    """The hexadecimal constants of float32 numbers."""
    return [f'0f{int(np.float32(value).view(np.uint32)):08X}' for value in values]


class Numbers(unittest.TestCase):
    def test_integers(self):
        self.assertEqual(answer('mul.hi.u32 \t%r9, 4000000000, 3;')[0], 4000000000 * 3 >> 32)
        self.assertEqual(answer('mul.hi.s32 \t%r9, -2, 3;')[0], 0xFFFFFFFF)
        self.assertEqual(answer('div.s32 \t%r9, -7, 2;').view(np.int32)[0], -3)
        self.assertEqual(answer('rem.s32 \t%r9, -7, 2;').view(np.int32)[0], -1)
        self.assertEqual(answer('shl.b32 \t%r9, 1, 32;')[0], 0)
        self.assertEqual(answer('bfi.b32 \t%r9, 255, 4096, 4, 3;')[0], 4096 | 7 << 4)
        self.assertEqual(answer('bfi.b32 \t%r9, 255, 1, 28, 8;')[0], 0xF0000001)
        self.assertEqual(answer('bfi.b32 \t%r9, 255, 1, 32, 8;')[0], 1)
        # PTX ISA, lop3: the table is the operation on 0xF0, 0xCC and 0xAA.
        for table, expected in ((0xF0 ^ 0xCC ^ 0xAA, 0b1100 ^ 0b1010 ^ 0b0110), (0xF0 & 0xCC | 0xAA, 0b1100 & 0b1010 | 0b0110),
                                (~0xF0 & 0xFF, ~0b1100 & 0xFFFFFFFF)):
            self.assertEqual(answer(f'lop3.b32 \t%r9, 12, 10, 6, {table};')[0], expected)
        self.assertEqual(answer('shr.s32 \t%r9, -8, 40;').view(np.int32)[0], -1)
        self.assertEqual(answer('mul.hi.u64 \t%rd9, 18446744073709551615, 18446744073709551615;\ncvt.u32.u64 \t%r9, %rd9;')[0], 0xFFFFFFFE)

    def test_one_rounding_of_a_multiply_add(self):
        a = np.float32(1 + 2 ** -12)
        exact = np.float64(a) * np.float64(a) - 1
        x, one = floats([a, -1])
        found = answer(f'fma.rn.f32 \t%f1, {x}, {x}, {one};\nmov.b32 \t%r9, %f1;').view(np.float32)[0]
        self.assertEqual(found, np.float32(exact))

    def test_rounding_down(self):
        x, y = floats([1, 2 ** -30])
        one = floats([1])[0]
        found = answer(f'neg.f32 \t%f2, {y};\nfma.rm.f32 \t%f1, {x}, {one}, %f2;\nmov.b32 \t%r9, %f1;').view(np.float32)[0]
        self.assertEqual(found, np.nextafter(np.float32(1), np.float32(0)))

    def test_tf32_rounds_ties_away_and_bf16_to_even(self):
        tie = np.uint32(0x3F801000).view(np.float32)  # half a unit of tf32
        self.assertEqual(answer(f'cvt.rna.tf32.f32 \t%r9, {floats([tie])[0]};')[0], 0x3F802000)
        even, odd = (np.uint32(bits).view(np.float32) for bits in (0x3F808000, 0x3F818000))
        high, low = floats([odd, even])
        self.assertEqual(answer(f'cvt.rn.bf16x2.f32 \t%r9, {high}, {low};')[0], 0x3F823F80)

    def test_comparisons_with_nan(self):
        nan, one = '0f7FC00000', floats([1])[0]
        for relation, expected in (('lt', 0), ('ne', 0), ('neu', 1), ('ltu', 1), ('nan', 1)):
            self.assertEqual(answer(f'setp.{relation}.f32 \t%p1, {nan}, {one};\nselp.b32 \t%r9, 1, 0, %p1;')[0], expected, relation)

    def test_bytes_of_two_words(self):
        for selectors, expected in ((0x5410, 0xCCDD3344), (0x7632, 0xAABB1122), (0x1054, 0x3344CCDD), (0xC8F0, 0xFF00FF44)):
            self.assertEqual(answer(f'prmt.b32 \t%r9, {0x11223344}, {0xAABBCCDD}, {selectors};')[0], expected, hex(selectors))

    def test_subnormal_powers_are_zero(self):
        self.assertEqual(answer(f'ex2.approx.ftz.f32 \t%f1, {floats([-140])[0]};\nmov.b32 \t%r9, %f1;')[0], 0)


class Warps(unittest.TestCase):
    def test_shuffles(self):
        lane = np.arange(32)
        self.assertEqual(answer('shfl.sync.bfly.b32 \t%r9|%p1, %r1, 5, 31, -1;').tolist(), (lane ^ 5).tolist())
        self.assertEqual(answer('shfl.sync.idx.b32 \t%r9|%p1, %r1, 3, 31, -1;').tolist(), [3] * 32)
        down = answer('shfl.sync.down.b32 \t%r9|%p1, %r1, 4, 31, -1;')
        self.assertEqual(down.tolist(), np.where(lane + 4 < 32, lane + 4, lane).tolist())

    def test_votes(self):
        self.assertEqual(set(answer('setp.eq.s32 \t%p1, %r1, 7;\nvote.sync.any.pred \t%p2, %p1, -1;\nselp.b32 \t%r9, 1, 0, %p2;').tolist()), {1})
        self.assertEqual(set(answer('setp.eq.s32 \t%p1, %r1, 7;\nvote.sync.all.pred \t%p2, %p1, -1;\nselp.b32 \t%r9, 1, 0, %p2;').tolist()), {0})

    def test_layouts_are_those_of_the_golden(self):
        """The golden (test/fixtures/cuda-layouts.txt), which the emulated device wrote, by the formulas of the PTX ISA alone."""
        golden = (ROOT / 'test/fixtures/cuda-layouts.txt').read_text().splitlines()
        for name, inner in (('tf32', 8), ('bf16', 16)):
            half = inner // 8
            # Section "Matrix fragments for mma": row and column of element i of lane (g, t).
            of_a = {(lane, i): (lane // 4 + 8 * (i // half % 2), lane % 4 * half + i % half + 4 * half * (i // half // 2))
                    for lane in range(32) for i in range(4 * half)}
            number = {(lane % 4 * half + i % half + 4 * half * (i // half), lane // 4): (2 * lane + i // half) * half + i % half + 1
                      for lane in range(32) for i in range(2 * half)}
            expected = []
            for (lane, i), (row, k) in of_a.items():
                met = [f' {c}.{e}={number[k, 2 * (c % 4) + e % 2]}' for c in range(32) for e in range(4) if c // 4 + 8 * (e // 2) == row]
                expected.append(f'{name} A {lane}.{i // half}.{i % half} ->' + ''.join(met))
            self.assertEqual([line for line in golden if line.startswith(f'{name} A')], expected)

    def test_mma(self):
        """16 x 8 matmuls whose fragments are made by the formulas, each element another number."""
        rng = np.random.default_rng(1)
        a, b = rng.integers(-8, 8, (16, 8)).astype(np.float32), rng.integers(-8, 8, (8, 8)).astype(np.float32)
        memory = DeviceMemory()
        memory.allocate(OUT, 32 * 16)
        lane = np.arange(32)
        g, t = lane // 4, lane % 4
        fragment = np.stack([a[g, t], a[g + 8, t], a[g, t + 4], a[g + 8, t + 4], b[t, g], b[t + 4, g]], axis=1)
        source = OUT + 4096
        memory.allocate(source, fragment.nbytes)
        memory.write(source, fragment.tobytes())
        loads = '\n'.join(f'ld.global.u32 \t%r{10 + i}, [%rd5+{4 * i}];' for i in range(6))
        body = (f'mul.wide.u32 \t%rd4, %r1, 24;\nadd.s64 \t%rd5, %rd4, {source};\n{loads}\nmov.f32 \t%f0, 0f00000000;\n'
                'mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f1,%f2,%f3,%f4}, {%r10,%r11,%r12,%r13}, {%r14,%r15}, {%f0,%f0,%f0,%f0};\n'
                + '\n'.join(f'mov.b32 \t%r{20 + i}, %f{1 + i};' for i in range(4)) + '\n' + store('%r20', '%r21', '%r22', '%r23'))
        block = Block(kernel(body), memory, [OUT.to_bytes(8, 'little')], (1, 1, 1), (0, 0, 0), (32, 1, 1), 0)
        block.run()
        found = memory.read(OUT, 512).view(np.float32).reshape(32, 4)
        product = a @ b
        expected = np.stack([product[g, 2 * t], product[g, 2 * t + 1], product[g + 8, 2 * t], product[g + 8, 2 * t + 1]], axis=1)
        np.testing.assert_array_equal(found, expected)


class Errors(unittest.TestCase):
    def fails(self, body: str, message: str, **options):
        with self.assertRaisesRegex(PtxError, message):
            run(body, **options)

    def test_memory(self):
        self.fails('st.global.u32 \t[%rd1+128], %r1;', 'outside of every allocation')
        self.fails('st.global.u32 \t[%rd1+2], %r1;', 'no multiple of 4')
        self.fails('ld.shared.u32 \t%r2, [smem];', 'nobody wrote', shared=64)
        self.fails('st.shared.u32 \t[smem+64], %r1;', 'outside of shared memory', shared=64)

    def test_a_copy_under_way(self):
        start = 'cp.async.cg.shared.global \t[smem], [%rd1], 16;'
        self.fails(f'{start}\nld.shared.u32 \t%r2, [smem];', 'nobody wrote', shared=64, words=4)
        run(f'{start}\ncp.async.wait_all;\nld.shared.u32 \t%r2, [smem];', shared=64, words=4)

    def test_barriers(self):
        self.fails('setp.lt.u32 \t%p1, %r1, 16;\n@%p1 bra \t$L1;\nbar.sync \t0;\n$L1:', 'barrier after threads')
        self.fails('mov.u32 \t%r2, %r77;', 'nothing wrote')
        self.fails('frob.u32 \t%r2, %r1;', 'does not know')


class Costs(unittest.TestCase):
    def test_wavefronts(self):
        lane = np.arange(32)
        self.assertEqual(wavefronts(4 * lane, 4), (1, 1))
        self.assertEqual(wavefronts(8 * lane, 4), (2, 1))
        self.assertEqual(wavefronts(128 * lane, 4), (32, 1))
        self.assertEqual(wavefronts(0 * lane, 4), (1, 1))
        self.assertEqual(wavefronts(16 * lane, 16), (4, 4))
        self.assertEqual(wavefronts(8 * lane, 8), (2, 2))
        self.assertEqual(wavefronts(np.where(lane < 8, 128 * lane, -1), 4), (8, 1))

    def test_sectors(self):
        _, block = run(store('%r1'))
        self.assertEqual((block.costs.device['sectors'], block.costs.device['ideal']), (4, 4))
        _, block = run('mul.wide.u32 \t%rd2, %r1, 32;\nadd.s64 \t%rd3, %rd1, %rd2;\nst.global.u32 \t[%rd3], %r1;', words=8)
        self.assertEqual((block.costs.device['sectors'], block.costs.device['ideal']), (32, 4))

    def test_what_warps_issue(self):
        body = 'mov.u32 \t%r2, 0;\n$L1:\nadd.s32 \t%r2, %r2, 1;\nsetp.lt.u32 \t%p1, %r2, 5;\n@%p1 bra \t$L1;'
        _, block = run(body, threads=96)
        self.assertEqual(block.issued['add.s32'], 3 * 5)
        self.assertEqual(block.issued['ret'], 3)

    def test_divergence(self):
        body = ('setp.lt.u32 \t%p1, %r1, 16;\n@%p1 bra \t$L1;\nadd.s32 \t%r2, %r1, 1;\n$L1:\n'
                'shfl.sync.bfly.b32 \t%r9|%p2, %r1, 1, 31, -1;')
        _, block = run(body)
        self.assertEqual(block.divergent, 0)  # they meet again before
        body = ('setp.lt.u32 \t%p1, %r1, 16;\n@%p1 bra \t$L1;\nbra.uni \t$L2;\n$L1:\nshfl.sync.bfly.b32 \t%r9|%p2, %r1, 1, 31, -1;\n'
                'bra.uni \t$L3;\n$L2:\nadd.s32 \t%r2, %r1, 1;\n$L3:')
        with self.assertRaisesRegex(PtxError, 'deadlock'):
            run(body)


class Counts(unittest.TestCase):
    TABLE = ['# issued mma waves sectors divergent', '20 4 1.000 1.000 0 sm_90a job 8 2 kernel', '10 4 1.000 1.000 0 sm_90a job 8 2 kernel']

    def worse(self, lines):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            return compare(self.TABLE, lines), said.getvalue()

    def test_rows_of_one_key_compare_in_any_order(self):
        self.assertEqual(self.worse(self.TABLE[:0:-1]), (0, ''))

    def test_what_grew_or_is_missing_is_named(self):
        self.assertEqual(self.worse([self.TABLE[1], self.TABLE[2].replace('10', '11')]), (1, 'issued grew from 10 to 11: 90a job 8 2 kernel\n'))
        self.assertEqual(self.worse(self.TABLE[1:2]), (1, '2 rows in the table, 1 now: 90a job 8 2 kernel\n'))

    def test_launches_are_told_apart_by_numbers_and_flags_alone(self):
        parameters = lambda address, padding, flag: [struct.pack('<QiIBBH', address, 7, 9, flag, padding, 257 * padding)]
        one = scalars(parameters(0x7F1200345600, 1, 1))
        self.assertEqual(one, scalars(parameters(0x7F1200987600, 200, 1)))
        self.assertNotEqual(one, scalars(parameters(0x7F1200345600, 200, 0)))


if __name__ == '__main__':
    unittest.main()
