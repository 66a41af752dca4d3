#!/usr/bin/env bash
# What a machine with a GPU proves: builds the addon for it, then runs every operation case and every golden, both trainings with them,
# on the device. One JSON and one readable report in bench/results (or the folder named as the first argument); each part is written as
# it ends, so that it may be stopped at any minute. Needs Node, CMake, nvcc and the installed node_modules; no network.
set -uo pipefail
cd "$(dirname "$0")/.."
results=$(mkdir -p "${1:-bench/results}" && cd "${1:-bench/results}" && pwd)
name=gpu-$(date -u +%Y%m%d-%H%M%S)
json=$results/$name.json
report=$results/$name.txt
failed=0
parts=''

device=$(nvidia-smi --query-gpu=name,compute_cap,driver_version --format=csv,noheader | head -n 1)
if [ -z "$device" ]; then
  echo 'gpu-check: nvidia-smi shows no GPU here.' >&2
  exit 1
fi
echo "$device" | tee "$report"

part() {
  local title=$1 begin=$SECONDS status
  shift
  printf '\n== %s\n' "$title" | tee -a "$report"
  "$@" 2>&1 | tee -a "$report"
  status=${PIPESTATUS[0]}
  [ "$status" -eq 0 ] || failed=1
  parts="$parts${parts:+,}
    { \"part\": \"$title\", \"passed\": $([ "$status" -eq 0 ] && echo true || echo false), \"seconds\": $((SECONDS - begin)) }"
  printf '{\n  "device": "%s",\n  "commit": "%s",\n  "parts": [%s\n  ]\n}\n' "$device" "$(git rev-parse HEAD 2>/dev/null)" "$parts" >"$json.partial"
  mv "$json.partial" "$json"
  [ "$status" -eq 0 ]
}

PSTMO_CUDA=auto part 'build' node scripts/build-native.mjs || exit 1
export PSTMO_TEST_DEVICE=cuda:0
part 'operations in fp32, tf32 and bf16' node_modules/.bin/vitest run test/native/cuda-ops.test.ts
part 'goldens: forward, gradients, both trainings' node_modules/.bin/vitest run test/models/goldens.test.ts
exit $failed
