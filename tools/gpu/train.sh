#!/usr/bin/env bash
# Trains the models that the package ships, on a machine with a GPU, in few calls of under ten minutes each. Every call goes on where the
# last one stopped: what it needs and makes lies in GPU_TRAIN_STORE. Needs what tools/gpu/check.sh needs.
#   tools/gpu/train.sh put <file> ...            keeps files: recordings as .tar.xz, or in pieces named .tar.xz.00, .tar.xz.01, ...;
#                                                  a model of an earlier machine as pretrain-243.safetensors
#   tools/gpu/train.sh prepare                   the recordings to a data set
#   tools/gpu/train.sh pretrain <N> <results>    Stage I;  <results>: folder for what is to be taken away
#   tools/gpu/train.sh finetune <N> <results>    Stage II, from Stage I's weights
#   tools/gpu/train.sh evaluate <N> <results>
# In the environment: GPU_TRAIN_STORE (~/.cache/pstmo-gpu-train), GPU_TRAIN_SECONDS (420, of training in all calls of a stage),
# GPU_TRAIN_CALL (540, after which a call stops with a checkpoint), GPU_TRAIN_DEVICE (cuda), GPU_TRAIN_PRECISION (bf16),
# GPU_TRAIN_FLAGS (further flags of pstmo pretrain and finetune, for a dry run).
set -euo pipefail
cd "$(dirname "$0")/../.."
store=${GPU_TRAIN_STORE:-${XDG_CACHE_HOME:-$HOME/.cache}/pstmo-gpu-train}
seconds=${GPU_TRAIN_SECONDS:-420}
call=${GPU_TRAIN_CALL:-540}
device=${GPU_TRAIN_DEVICE:-cuda}
precision=${GPU_TRAIN_PRECISION:-bf16}
read -r -a flags <<<"${GPU_TRAIN_FLAGS:-}"
declare -A epochs=([pretrain]=8 [finetune]=24) rate=([pretrain]=5e-4 [finetune]=1e-3) floor=([pretrain]=5e-5 [finetune]=2e-5)
dataset=$store/dataset.safetensors

command=${1:-}
frames=${2:-}
results=${3:-}
usage() {
  sed -n 's/^#   //p' "$0" >&2
  exit 2
}
mkdir -p "$store/files"

pstmo() { node dist/cli/main.js "$@"; }

ready() {
  . tools/gpu/node.sh
  [ -f build/Release/pstmo.node ] || [ -n "${PSTMO_PREBUILD:-}" ] || PSTMO_CUDA=on node tools/build/build-native.mjs >"$store/build.log" 2>&1 || { tail -n 40 "$store/build.log"; exit 1; }
}

put() {
  cp "$@" "$store/files/"
  ls -l "$store/files"
}

prepare() {
  local first
  mkdir -p "$store/recordings"
  for first in "$store"/files/*.tar.xz "$store"/files/*.tar.xz.00; do
    [ -f "$first" ] || continue
    cat "${first%.00}"* | extract_xz "$store/recordings"
  done
  pstmo prepare mocap "$store/recordings" --cameras 6 --seed 1 --out "$dataset"
}

# What both stages and the measuring of their speed say of the model. The paper takes every second frame at N = 243.
model_flags() {
  echo --frames "$frames" --set "stride=$([ "$frames" = 243 ] && echo 2 || echo 1)" --set fps=50 --seed 1 "${flags[@]}"
}

# How many samples an epoch may have, so that all epochs take the time that there is: measured once, on this device.
samples_per_epoch() {
  local stage=$1 out=$2 speed
  if [ ! -f "$out/samples-per-epoch" ]; then
    # shellcheck disable=SC2046 # flags are words
    pstmo profile $(model_flags) --set "stage=$([ "$stage" = pretrain ] && echo 1 || echo 2)" --training --batch 160 --device "$device" \
      --precision "$precision" --seconds 1 --json >"$out/speed.json"
    speed=$(node -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8")).rates.step' "$out/speed.json")
    # A fifth of the time is left for validation, noise and files.
    node -p 'const [speed, seconds, epochs] = process.argv.slice(1).map(Number); 160 * Math.max(1, Math.floor((0.8 * speed * seconds) / epochs / 160))' \
      "$speed" "$seconds" "${epochs[$stage]}" >"$out/samples-per-epoch"
    echo "$speed samples/s here: $(cat "$out/samples-per-epoch") samples in each of ${epochs[$stage]} epochs" >&2
  fi
  cat "$out/samples-per-epoch"
}

train() {
  local stage=$1 out=$store/$1-$frames from=() resume=() status=0 samples
  mkdir -p "$out"
  samples=$(samples_per_epoch "$stage" "$out")
  if [ "$stage" = finetune ]; then
    from=(--from "$store/pretrain-$frames/run/model.safetensors")
    [ -f "${from[1]}" ] || from=(--from "$store/files/pretrain-$frames.safetensors")
  fi
  [ ! -f "$out/run/checkpoint.safetensors" ] || resume=(--resume)
  # shellcheck disable=SC2046 # flags are words
  timeout --signal=INT --kill-after=30 "$call" node dist/cli/main.js "$stage" "$dataset" --out "$out/run" "${from[@]}" "${resume[@]}" $(model_flags) \
    --noise detector:0.5 --batch 160 --epochs "${epochs[$stage]}" --samples-per-epoch "$samples" --lr "${rate[$stage]}" --cosine "${floor[$stage]}" \
    --device "$device" --precision "$precision" --log-every 50 || status=$?
  [ ! -f "$out/run/model.safetensors" ] || pstmo convert "$out/run/model.safetensors" "$results/$stage-$frames.safetensors" --half
  [ ! -f "$out/run/log.jsonl" ] || cp "$out/run/log.jsonl" "$results/$stage-$frames.jsonl"
  case $status in
    0) echo "$stage-$frames: done" ;;
    124 | 130) echo "$stage-$frames: stopped after $call s; the same call goes on" ;;
    *) exit "$status" ;;
  esac
}

evaluate() {
  local model=$store/finetune-$frames/run/model.safetensors
  [ -f "$model" ] || model=$store/files/finetune-$frames.safetensors
  pstmo evaluate "$model" "$dataset" --device "$device" --json >"$results/evaluation-$frames.json"
  head -c 2000 "$results/evaluation-$frames.json"
}

case $command in
  put) [ $# -ge 2 ] || usage ;;
  prepare) [ $# -eq 1 ] || usage ;;
  pretrain | finetune | evaluate)
    [ $# -eq 3 ] || usage
    mkdir -p "$results"
    ;;
  *) usage ;;
esac
if [ "$command" = put ]; then
  put "${@:2}"
  exit
fi
ready
case $command in
  prepare | evaluate) "$command" ;;
  *) train "$command" ;;
esac
