#!/usr/bin/env bash
# Installs what the benchmarks are compared with: PyTorch (CPU build) and OpenVINO into .venv, onnxruntime-node beside the package's modules.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)"
python="${PYTHON:-python3}"

# The package index has PyTorch with CUDA, gigabytes of it; PyTorch's own index has the CPU build. What the user's pip is
# already told wins.
if [ -z "${PIP_EXTRA_INDEX_URL:-}" ] && ! "$python" -m pip config get global.extra-index-url >/dev/null 2>&1; then
  export PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
fi
"$python" -m venv "$root/.venv"
"$root/.venv/bin/python" -m pip install --quiet --requirement "$root/bench/sides/python/requirements.txt"
"$root/.venv/bin/python" -c 'import openvino, torch; print("PyTorch", torch.__version__, "and OpenVINO", openvino.__version__, "are in .venv")'
"$root/tools/build/install-onnxruntime.sh"
