#!/usr/bin/env bash
# Compiles every CUDA source for sm_90a as the build does (CMakeLists.txt, PSTMO_CUDA=on), warnings as errors, and compares the registers,
# shared memory, stack and spills of each kernel with native/cuda/ptxas.txt. Fails where a kernel does not compile, spills or takes more
# than that table says; --update writes the table anew. Needs nvcc and the C++ compiler it works with, no GPU.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for source in native/cuda/*.cu native/cuda/{kernels,cublaslt}/*.cu native/inference/cuda/*.cu; do
  name=${source#native/}
  mkdir -p "$out/$(dirname "$name")"
  echo "$source"
  nvcc -std=c++20 --expt-relaxed-constexpr -Inative/cuda -O3 -Xcompiler -Wall,-Wextra,-fPIC -Werror all-warnings \
    -gencode arch=compute_90a,code=sm_90a -Xptxas -v -c "$source" -o "$out/$name.o" >"$out/$name.ptxas" 2>&1 || {
    cat "$out/$name.ptxas"
    exit 1
  }
  # ptxas does not see shared memory that a launch asks for: the sizes of the kernels' Smem structs come from the C++ compiler.
  g++ -std=c++20 -x c++ -Inative/emulation -w -fsyntax-only "-fdump-lang-class=$out/$name.classes" "$source"
done
node tools/build/cuda-resources.mjs "$out" "$(nvcc --version | sed -n 's/.*release \([0-9.]*\).*/\1/p')" "$@"
