#!/usr/bin/env bash
# Runs every operation case, in every precision, on the emulated device built with AddressSanitizer: allocations of exactly the size that was
# asked, so that any access outside one, read or written, by a kernel or by the host side, is reported. Fails at the first.
set -euo pipefail
cd "$(dirname "$0")/.."
node scripts/build-native.mjs sanitized
library=$(${CXX:-c++} -print-file-name=libasan.so)
cases=$(node --input-type=module -e '
  const root = process.cwd();
  const { compiledCases, writeCases } = await import(`${root}/scripts/cuda-cases.mjs`);
  const cases = writeCases(await compiledCases(root), `${root}/build/sanitized/cases`);
  console.log(cases.map(({ file, precision }) => `${file}:${precision}`).join(" "));
')
# Node and its libraries leak by design at the end of a process.
# shellcheck disable=SC2086
LD_PRELOAD=$library ASAN_OPTIONS=detect_leaks=0 node scripts/cuda-case-child.mjs "$PWD/build/sanitized/build/Release/pstmo.node" $cases
echo "$(wc -w <<<"$cases") cases, no access outside what was allocated"
