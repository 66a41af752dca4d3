#!/usr/bin/env bash
# Compiles every CUDA source for sm_90a as the build does (CMakeLists.txt, PSTMO_CUDA=auto), warnings as errors, and prints what each kernel
# takes of the device: registers, spills, shared memory. Fails where one does not compile or spills. Needs nvcc alone, no GPU.
set -euo pipefail
cd "$(dirname "$0")/.."
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
for source in native/cuda/*.cu; do
  echo "$source"
  report=$(nvcc -std=c++20 --expt-relaxed-constexpr -O3 -Xcompiler -Wall,-Wextra,-fPIC -Werror all-warnings \
    -gencode arch=compute_90a,code=sm_90a -Xptxas -v -c "$source" -o "$objects/$(basename "$source").o" 2>&1) || {
    echo "$report"
    exit 1
  }
  echo "$report" | grep -E 'spill|Used' | sed 's/^ptxas info *: //' || true
  if echo "$report" | grep -E 'spill' | grep -vE ' 0 bytes spill stores, 0 bytes spill loads' >/dev/null; then
    echo "$source: a kernel spills registers to memory"
    exit 1
  fi
done
