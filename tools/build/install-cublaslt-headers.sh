#!/usr/bin/env bash
# Puts the headers of cuBLASLt, and those of CUDA that they need, into out/cublaslt/include, where test/native/cublaslt.test.ts holds
# native/cuda/cublaslt/cublaslt.h against them. No build needs them. They come out of wheels of NVIDIA's on PyPI, of which the rest (445 MB, the
# library itself) is thrown away again.
#   tools/build/install-cublaslt-headers.sh && node_modules/.bin/vitest run test/native/cublaslt.test.ts
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
folder="$root/out/cublaslt"
[ ! -e "$folder/include/cublasLt.h" ] || exit 0
mkdir -p "$folder"
wheels=$(mktemp -d -p "$folder")
trap 'rm -rf "$wheels"' EXIT
python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$wheels" 'nvidia-cublas==13.*' 'nvidia-cuda-runtime==13.*' 'nvidia-cuda-crt==13.*' \
  'nvidia-cuda-cccl==13.*'
python3 - "$folder/include" "$wheels"/*.whl <<'PYTHON'
import pathlib, sys, zipfile

for wheel in sys.argv[2:]:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            header = name.partition("/include/")[2]
            # Of the C++ libraries only what other headers include.
            if header and not header.endswith("/") and (header.startswith("cccl/nv/") or not header.startswith("cccl/")):
                path = pathlib.Path(sys.argv[1], header.removeprefix("cccl/"))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(name))
PYTHON
