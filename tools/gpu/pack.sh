#!/usr/bin/env bash
# Packs what tools/gpu/check.sh and tools/gpu/train.sh need on a machine that has a driver, nvcc and CMake but neither Node nor a
# network: gpu-pack/pack.tar.xz with this machine's Node (a Linux build for the same processor), the packages that build, run and test
# the addon, and the compiled library. Takes the folder along with the clone; the scripts unpack it when there is no node.
# The clone needs its node_modules (npm ci) and dist (npm run build:lib). An addon that is named, compiled for sm_90a where there is nvcc
# (PSTMO_CUDA=on PSTMO_CUDA_ARCHS=90a node tools/build/build-native.mjs), goes beside it: the check then builds nothing on a Hopper.
#   tools/gpu/pack.sh [build/Release/pstmo.node]
set -euo pipefail
cd "$(dirname "$0")/../.."
limit=$((44 << 20))

[ -f dist/cli/main.js ] || { echo 'gpu-pack: dist is missing: run npm run build:lib first.' >&2; exit 1; }
mkdir -p gpu-pack
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/pack/bin"
cp "$(node -p process.execPath)" "$work/pack/bin/node"
cp -R dist "$work/pack/dist"
# Folders of the packages and of what they depend on, as the lock file has them.
node -e '
  const { existsSync } = require("node:fs");
  const { packages } = JSON.parse(require("node:fs").readFileSync("package-lock.json", "utf8"));
  const found = new Set();
  const nearest = (from, name) => {
    for (let at = from; ; at = at.includes("node_modules/") ? at.slice(0, at.lastIndexOf("node_modules/")).replace(/\/$/, "") : "") {
      const path = `${at}${at && "/"}node_modules/${name}`;
      if (packages[path]) return path;
      if (at === "") return undefined;
    }
  };
  const add = (path) => {
    if (path === undefined || found.has(path) || !existsSync(path)) return;
    found.add(path);
    const { dependencies, optionalDependencies } = packages[path];
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) add(nearest(path, name));
  };
  for (const name of Object.keys(packages[""].dependencies)) add(nearest("", name));
  for (const name of ["vitest", "cmake-js", "node-addon-api", "node-api-headers"]) add(nearest("", name));
  console.log([...found].join("\n"));
' >"$work/packages"
tar -chf - -T "$work/packages" | tar -xf - -C "$work/pack"
tar -cf - -C "$work/pack" . | xz -T0 -6 >gpu-pack/pack.tar.xz.partial
mv gpu-pack/pack.tar.xz.partial gpu-pack/pack.tar.xz

addon=0
if [ -n "${1:-}" ]; then
  cp "$1" gpu-pack/pstmo-90a.node
  addon=$(stat -c %s gpu-pack/pstmo-90a.node)
  echo "gpu-pack/pstmo-90a.node: $((addon >> 20)) MiB"
fi
size=$(($(stat -c %s gpu-pack/pack.tar.xz) + addon))
tree=$(git ls-files -z | xargs -0 stat -c %s | awk '{ sum += $1 } END { print sum }')
echo "gpu-pack: $((size >> 20)) MiB; the clone's own files: $((tree >> 20)) MiB"
if [ "$size" -gt "$limit" ]; then
  echo "gpu-pack: more than $((limit >> 20)) MiB: with the clone it would not fit into 64 MiB." >&2
  exit 1
fi
