# Sourced by the scripts for machines with a GPU: nvcc from where its installer puts it; Node, its packages and the compiled library from
# gpu-pack/pack.tar.xz where the machine or the clone lacks them. What is unpacked stays for the next call.
command -v nvcc >/dev/null || export PATH="$PATH:/usr/local/cuda/bin"
# A cuBLASLt may lie among the packages of the Python that is first in the path; the addon looks where this says.
[ -n "${VIRTUAL_ENV:-}" ] || export VIRTUAL_ENV=$(python3 -c 'import sys; print(sys.prefix)' 2>/dev/null || true)

# extract_xz <folder>: a .tar.xz from standard input. Python reads xz where there is no program that does.
extract_xz() {
  if command -v xz >/dev/null; then
    tar -xJf - -C "$1"
  else
    python3 -c 'import sys, tarfile; tarfile.open(fileobj=sys.stdin.buffer, mode="r|xz").extractall(sys.argv[1])' "$1"
  fi
}

if ! command -v node >/dev/null || [ ! -e node_modules ] || [ ! -e dist ] || [ -e dist/from-gpu-pack ]; then
  [ -f gpu-pack/pack.tar.xz ] || { echo 'There is no Node with node_modules and dist here, and no gpu-pack/pack.tar.xz: run tools/gpu/pack.sh where there is.' >&2; exit 1; }
  pack=$(stat -c %s-%Y gpu-pack/pack.tar.xz)
  unpacked=${XDG_CACHE_HOME:-$HOME/.cache}/pstmo-gpu-pack-$pack
  if [ ! -x "$unpacked/bin/node" ]; then
    rm -rf "$unpacked.partial"
    mkdir -p "$unpacked.partial"
    extract_xz "$unpacked.partial" <gpu-pack/pack.tar.xz || exit 1
    mv "$unpacked.partial" "$unpacked"
  fi
  command -v node >/dev/null || export PATH="$unpacked/bin:$PATH"
  [ -e node_modules ] || ln -sfn "$unpacked/node_modules" node_modules
  # A copy: it looks for the addon beside itself.
  if [ ! -e dist ] || [ "$(cat dist/from-gpu-pack 2>/dev/null)" != "$pack" ]; then
    rm -rf dist
    cp -R "$unpacked/dist" dist
    echo "$pack" >dist/from-gpu-pack
  fi
fi
