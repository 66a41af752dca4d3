#!/usr/bin/env bash
# What a machine with a GPU proves and measures: builds the addon for it; probes of the hardware; every operation case and golden, both
# trainings with them; memory and race checks where the machine allows them; errors; profiles; PyTorch beside them. One JSON and one
# readable report in bench/results (or the folder that is named); each part is written as it ends, so that it may be stopped at any
# minute. Needs a driver, nvcc and CMake; Node and its packages too, or gpu-pack/pack.tar.xz (tools/gpu/pack.sh). No network.
#   tools/gpu/check.sh [--emulated] [folder]
# --emulated: a dry run on the emulated device, small, of every part that can run there. GPU_CHECK_ONLY='probe|profiles': those parts alone.
set -uo pipefail
cd "$(dirname "$0")/../.."
emulated=0
if [ "${1:-}" = --emulated ]; then
  emulated=1
  shift
fi
results=$(mkdir -p "${1:-bench/results}" && cd "${1:-bench/results}" && pwd) || exit 1
if [ "$emulated" = 1 ]; then
  device='emulated on the host'
  name=gpu-emulated
else
  device=$(nvidia-smi --query-gpu=name,compute_cap,driver_version --format=csv,noheader | head -n 1)
  [ -n "$device" ] || { echo 'gpu-check: nvidia-smi shows no GPU here.' >&2; exit 1; }
  name=gpu-$(date -u +%Y%m%d-%H%M%S)
fi
report=$results/$name.txt
json=$results/$name.json
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. tools/gpu/node.sh
echo "$device" | tee "$report"
export GPU_CHECK_DEVICE=$device
failed=0

# part <seconds it may take> <title> <command...>: what it prints goes to the report; lines of JSON that it puts into $data, to the JSON.
export data=$work/data.jsonl
part() {
  local limit=$1 title=$2 begin=$SECONDS status
  shift 2
  [[ $title =~ ${GPU_CHECK_ONLY:-.} ]] || return 0
  [ "$emulated" = 0 ] || limit=$((4 * limit))
  printf '\n== %s\n' "$title" | tee -a "$report"
  : >"$data"
  timeout --kill-after=5 "$limit" "$@" 2>&1 | tee -a "$report"
  status=${PIPESTATUS[0]}
  # 77: the machine does not allow it, which is no failure.
  [ "$status" -eq 0 ] || [ "$status" -eq 77 ] || failed=1
  [ "$status" -ne 124 ] || echo "stopped after $limit s" | tee -a "$report"
  node tools/gpu/report.mjs "$json" "$title" "$status" $((SECONDS - begin)) "$data"
  [ "$status" -eq 0 ]
}

build() {
  local log=$work/build.log
  if [ "$emulated" = 1 ]; then
    node tools/build/build-native.mjs emulated
  else
    PSTMO_CUDA=on node tools/build/build-native.mjs && cmake --build build --config Release --target device-faults
  fi >"$log" 2>&1 || { tail -n 100 "$log"; return 1; }
  grep -E '^-- CUDA' "$log"
  tail -n 1 "$log"
}

# The GPU's own architecture: Hopper's own instructions want the name with an a.
compile_probe() {
  local arch
  arch=$(echo "$device" | sed -E 's/.*, *([0-9]+)\.([0-9]+),.*/\1\2/; s/^90$/90a/')
  nvcc -std=c++20 -O3 --expt-relaxed-constexpr -Inative/cuda -gencode "arch=compute_$arch,code=sm_$arch" -o "$work/$1" "native/cuda/probes/$1.cu"
}
layouts() {
  if [ "$emulated" = 1 ]; then cp build/emulated/emulated-layouts "$work/layouts"; else compile_probe layouts || return 1; fi
  "$work/layouts" >"$work/layouts.txt" || return 1
  if diff test/fixtures/cuda-layouts.txt "$work/layouts.txt" >"$work/difference"; then
    echo "as the emulated device has it, $(wc -l <"$work/layouts.txt") lines"
    return 0
  fi
  echo 'the hardware (>) is not as the emulated device (<) has it:'
  head -n 60 "$work/difference"
  return 1
}
rates() {
  [ "$emulated" = 0 ] || { echo 'not on the emulated device'; return 77; }
  compile_probe rates && "$work/rates" | tee "$data"
}

# compute-sanitizer's own status is 86 where it found something; where it cannot watch this device it says so and checks nothing.
sanitizer() {
  local tool log=$work/sanitizer status options=()
  tool=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null) && [ "$emulated" = 0 ] || { echo 'no compute-sanitizer for this device'; return 77; }
  # What a library tries and handles itself is no finding.
  [ "$1" != memcheck ] || options=(--report-api-errors no)
  "$tool" --tool "$1" "${options[@]}" --target-processes all --error-exitcode 86 node tools/gpu/parts.mjs small >"$log" 2>&1
  status=$?
  tail -n 40 "$log"
  [ "$status" -eq 0 ] || [ "$status" -eq 86 ] || ! grep -qiE 'not supported|Unable to|failed to initialize' "$log" || { echo 'refused by this machine'; return 77; }
  return "$status"
}

profiles() {
  local shape options
  local shapes=("--frames 243 --batch 2304" "--frames 243 --batch 160 --training" "--frames 243 --batch 160 --training --set stage=1" "--frames 243 --batch 160"
    "--frames 81 --batch 2304" "--model pstmo --batch 2304")
  local precisions="bf16 tf32 fp32" seconds=1
  if [ "$emulated" = 1 ]; then
    shapes=("--frames 9 --batch 1 --set width=32 --set hidden=32" "--frames 9 --batch 2 --set width=32 --set hidden=32 --training")
    precisions=bf16
    seconds=0.01
  fi
  for shape in "${shapes[@]}"; do
    for precision in $precisions; do
      options="$shape --precision $precision --device cuda --seconds $seconds"
      echo "pstmo profile $options"
      # shellcheck disable=SC2086 # options are words
      node dist/cli/main.js profile $options --json >"$work/profile.json" || return 1
      node tools/gpu/report.mjs --profile "$work/profile.json" "$data"
    done
  done
}

peers() {
  local options=(--device cuda --budget 150)
  [ "$emulated" = 0 ] || options=(--device cpu --quick --budget 30)
  python3 -c 'import torch' 2>/dev/null || { echo 'no PyTorch here'; return 77; }
  [ "$emulated" = 1 ] || python3 -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' || { echo 'this PyTorch has no CUDA'; return 77; }
  python3 bench/sides/python/torch_speed_cuda.py "${options[@]}" | tee "$data"
}
export -f build compile_probe layouts rates sanitizer profiles peers
export emulated work device

[ "$emulated" = 0 ] || export PSTMO_PREBUILD=$PWD/build/emulated
export PSTMO_TEST_DEVICE=cuda:0
part 300 'build' bash -c build || exit 1
part 60 'probe: layouts' bash -c layouts
part 90 'probe: rates' bash -c rates
part 60 'probe: peaks of matrix products and copies' node tools/gpu/parts.mjs peaks
part 180 'operations in fp32, tf32 and bf16' node_modules/.bin/vitest run test/native/cuda-ops.test.ts
# shellcheck disable=SC2046 # names are words
part 180 'goldens and trainings' node_modules/.bin/vitest run $(ls test/*/cuda-*.test.ts | grep -vE 'cuda-(ops|layouts|mutants)')
part 200 'compiled beside op by op' node tools/gpu/parts.mjs compiled
part 90 'memory check' bash -c 'sanitizer memcheck'
part 90 'race check' bash -c 'sanitizer racecheck'
part 60 'errors: out of memory' env ${PSTMO_PREBUILD:+PSTMO_EMULATION_MEMORY=16000000} node tools/gpu/parts.mjs out-of-memory
part 60 'errors: illegal address' bash -c '[ "$emulated" = 0 ] || { echo "not on the emulated device"; exit 77; }; build/Release/device-faults'
part 150 'profiles' bash -c profiles
part 170 'PyTorch beside it' bash -c peers
printf '\nReport: %s\nJSON: %s\n' "$report" "$json"
exit $failed
