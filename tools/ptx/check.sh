#!/usr/bin/env bash
# Runs the CUDA kernels' PTX without a GPU: the interpreter's own tests, every kernel's results, and the counts of native/cuda/ptx-counts.txt.
# Needs nvcc, NumPy (installed from PyPI where it is missing) and the emulated addon.
set -euo pipefail
cd "$(dirname "$0")/../.."
python3 -c 'import numpy' 2>/dev/null || pip install --quiet numpy
python3 -m unittest discover -s tools/ptx -p 'test_*.py'
python3 tools/ptx/count.py check
python3 tools/ptx/count.py count
