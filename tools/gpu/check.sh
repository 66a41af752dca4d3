#!/usr/bin/env bash
# What a machine with a GPU proves and measures, in two runs of at most 560 s. The first: probes of the hardware while the addon is built
# (or taken from gpu-pack), operations, the compiled lifter right and fast, each kernel's time beside its forecast, profiles, PyTorch, memory
# check. --second: goldens, trainings, other precisions, other profiles, race check, errors. One JSON and one readable report in
# bench/results (or the folder that is named); each part ends by itself and is written as it ends, and a failed one stops no other. Needs a
# driver, nvcc and CMake; Node and its packages too, or gpu-pack/pack.tar.xz (tools/gpu/pack.sh). No network.
#   tools/gpu/check.sh [--emulated] [--second] [folder]
# GPU_CHECK_SECONDS: of a run, in place of 560; each part has what is left of them at most.
# --emulated: a dry run on the emulated device, small, of every part that can run there. GPU_CHECK_ONLY='probe|profiles': those parts alone.
set -uo pipefail
cd "$(dirname "$0")/../.."
emulated=0 run=first
while [[ "${1:-}" == --* ]]; do
  case $1 in
    --emulated) emulated=1 ;;
    --second) run=second ;;
    *) echo "gpu-check: expected --emulated or --second, got $1." >&2; exit 2 ;;
  esac
  shift
done
results=$(mkdir -p "${1:-bench/results}" && cd "${1:-bench/results}" && pwd) || exit 1
if [ "$emulated" = 1 ]; then
  device='emulated on the host'
  name=gpu-emulated-$run
else
  device=$(nvidia-smi --query-gpu=name,compute_cap,driver_version --format=csv,noheader | head -n 1)
  [ -n "$device" ] || { echo 'gpu-check: nvidia-smi shows no GPU here.' >&2; exit 1; }
  name=gpu-$(date -u +%Y%m%d-%H%M%S)-$run
fi
report=$results/$name.txt
json=$results/$name.json
work=$(mktemp -d)
builder=
trap '[ -z "$builder" ] || kill "$builder" 2>/dev/null; rm -rf "$work"' EXIT
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
  if [ "$emulated" = 1 ]; then
    limit=$((4 * limit))
  else
    # What the run has left; a part that finds less than 5 s is not begun.
    local left=$((${GPU_CHECK_SECONDS:-560} - SECONDS))
    limit=$((limit < left ? limit : left))
    [ "$limit" -ge 5 ] || { printf '\n== %s\nnot begun: the run has %d s left\n' "$title" "$left" | tee -a "$report"; return 0; }
  fi
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

# True where the addon that was packed (tools/gpu/pack.sh) runs its kernels on this GPU: then nothing is built.
packed_addon() {
  [ "$emulated" = 0 ] && [ -f gpu-pack/pstmo-90a.node ] || return 1
  mkdir -p build/Release && cp gpu-pack/pstmo-90a.node build/Release/pstmo.node
  node -e 'process.exit(require("./build/Release/pstmo.node").machine().cuda.found ? 0 : 1)'
}
# The addon, and the fault probe for the second run.
build() {
  if [ "$emulated" = 1 ]; then
    node tools/build/build-native.mjs emulated
  elif [ "$run" = first ] && packed_addon; then
    echo '-- CUDA: the packed addon'
  else
    PSTMO_CUDA=on node tools/build/build-native.mjs && { [ "$run" = first ] || cmake --build build --config Release --target device-faults; }
  fi
}
# What became of it; the probes ran meanwhile.
built() {
  local log=$work/build.log
  while [ ! -f "$work/build.status" ]; do sleep 1; done
  grep -E '^-- CUDA' "$log"
  tail -n "$([ "$(cat "$work/build.status")" = 0 ] && echo 1 || echo 100)" "$log"
  return "$(cat "$work/build.status")"
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
  local shape options status=0
  local shapes=("--frames 243 --batch 2304" "--frames 243 --batch 160 --training" "--frames 243 --batch 160 --training --set stage=1")
  local precisions=bf16 seconds=1
  if [ "$run" = second ]; then
    shapes+=("--frames 243 --batch 160" "--frames 81 --batch 2304" "--model pstmo --batch 2304")
    precisions="tf32 fp32"
  fi
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
      node dist/cli/main.js profile $options --json >"$work/profile.json" || { status=1; continue; }
      node tools/gpu/report.mjs --profile "$work/profile.json" "$data"
    done
  done
  return $status
}

peers() {
  local options=(--device cuda --budget 105)
  [ "$emulated" = 0 ] || options=(--device cpu --quick --budget 30)
  python3 -c 'import torch' 2>/dev/null || { echo 'no PyTorch here'; return 77; }
  [ "$emulated" = 1 ] || python3 -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' || { echo 'this PyTorch has no CUDA'; return 77; }
  python3 bench/sides/python/torch_speed_cuda.py "${options[@]}" | tee "$data"
}
export -f build built packed_addon compile_probe layouts rates sanitizer profiles peers
export emulated run work device

[ "$emulated" = 0 ] || export PSTMO_PREBUILD=$PWD/build/emulated
export PSTMO_TEST_DEVICE=cuda:0
(
  bash -c build >"$work/build.log" 2>&1
  echo $? >"$work/build.status"
) &
builder=$!
if [ "$run" = first ]; then
  # They need nvcc alone.
  part 30 'probe: layouts' bash -c layouts
  part 60 'probe: rates' bash -c rates
  part 240 'build' bash -c built
  part 20 'probe: peaks of matrix products and copies' node tools/gpu/parts.mjs peaks
  part 90 'operations in fp32, tf32 and bf16' node_modules/.bin/vitest run test/native/cuda-ops.test.ts --maxWorkers=8
  part 30 'compiled: errors' node tools/gpu/parts.mjs errors
  part 40 'compiled: speeds in bf16' node tools/gpu/parts.mjs speeds bf16
  part 30 'kernels beside their forecast' node tools/gpu/parts.mjs kernels
  part 10 'linear layer backward' node tools/gpu/parts.mjs linear-backward
  part 40 'profiles in bf16' bash -c profiles
  part 120 'PyTorch beside it' bash -c peers
  part 60 'memory check' bash -c 'sanitizer memcheck'
else
  part 240 'build' bash -c built
  # shellcheck disable=SC2046 # names are words
  part 180 'goldens and trainings' node_modules/.bin/vitest run --maxWorkers=8 $(ls test/*/cuda-*.test.ts | grep -vE 'cuda-(ops|layouts|mutants|devices?)\.')
  part 120 'compiled: speeds in tf32 and fp32' node tools/gpu/parts.mjs speeds tf32 fp32
  part 100 'profiles in tf32 and fp32' bash -c profiles
  part 60 'race check' bash -c 'sanitizer racecheck'
  part 30 'errors: out of memory' env ${PSTMO_PREBUILD:+PSTMO_EMULATION_MEMORY=16000000} node tools/gpu/parts.mjs out-of-memory
  part 30 'errors: illegal address' bash -c '[ "$emulated" = 0 ] || { echo "not on the emulated device"; exit 77; }; build/Release/device-faults'
fi
printf '\nReport: %s\nJSON: %s\n' "$report" "$json"
exit $failed
