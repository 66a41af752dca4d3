#!/usr/bin/env bash
# Puts onnxruntime-node beside the package's modules, for the tests of detectors in videos and for the benchmark. It is the
# user's to install: an optional peer, which npm leaves alone, of 290 MB. Its own script would fetch its GPU part, which is not needed.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
folder="$root/out/onnxruntime"
mkdir -p "$folder"
npm install --prefix "$folder" --ignore-scripts --no-save onnxruntime-node@1.30.0
ln -sfn "$folder/node_modules/onnxruntime-node" "$root/node_modules/onnxruntime-node"
