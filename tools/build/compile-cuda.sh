#!/usr/bin/env bash
# Compiles every CUDA source as the build does (CMakeLists.txt, PSTMO_CUDA=on), warnings as errors, for sm_90a; --full adds sm_80, sm_86 and
# sm_89, so that all machine code of the package was looked at. Compares registers, shared memory, stack and spills of each kernel on
# sm_90a, and spills on the others, with native/cuda/ptxas.txt. Fails where a kernel does not compile, spills on sm_90a, or takes more
# than that table says; --update writes the table anew. Needs nvcc and the C++ compiler it works with, no GPU.
set -euo pipefail
cd "$(dirname "$0")/../.."
archs=(90a)
if [ "${1:-}" = --full ]; then
  archs+=(80 86 89)
  shift
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export out code=
for arch in "${archs[@]}"; do code+=" -gencode arch=compute_$arch,code=sm_$arch"; done

compile() {
  local source=$1 name=${1#native/}
  mkdir -p "$out/$(dirname "$name")"
  echo "$source"
  # shellcheck disable=SC2086  # $code is several words
  nvcc -std=c++20 --expt-relaxed-constexpr -Inative/cuda -O3 -Xcompiler -Wall,-Wextra,-fPIC -Werror all-warnings \
    $code -Xptxas -v -c "$source" -o "$out/$name.o" >"$out/$name.ptxas" 2>&1 || {
    cat "$out/$name.ptxas"
    exit 1
  }
  # ptxas does not see shared memory that a launch asks for: the sizes of the kernels' Smem structs come from the C++ compiler.
  g++ -std=c++20 -x c++ -Inative/emulation -w -fsyntax-only "-fdump-lang-class=$out/$name.classes" "$source"
}
export -f compile
# As many files at once as there are processors.
printf '%s\n' native/cuda/*.cu native/cuda/{kernels,cublaslt}/*.cu native/inference/cuda/*.cu |
  xargs -P "$(nproc)" -I{} bash -euo pipefail -c 'compile {}'
node tools/build/cuda-resources.mjs "$out" "$(nvcc --version | sed -n 's/.*release \([0-9.]*\).*/\1/p')" "$@"
