# Sourced by the scripts for machines with a GPU: Node, its packages and the compiled library, from gpu-pack/pack.tar.xz where the machine
# or the clone lacks them. What is unpacked stays for the next call.
if ! command -v node >/dev/null || [ ! -e node_modules ] || [ ! -e dist ]; then
  [ -f gpu-pack/pack.tar.xz ] || { echo 'There is no Node with node_modules and dist here, and no gpu-pack/pack.tar.xz: run scripts/gpu-pack.sh where there is.' >&2; exit 1; }
  unpacked=${TMPDIR:-/tmp}/pstmo-gpu-pack-$(stat -c %s-%Y gpu-pack/pack.tar.xz)
  if [ ! -x "$unpacked/bin/node" ]; then
    rm -rf "$unpacked.partial"
    mkdir -p "$unpacked.partial"
    # Python reads xz where tar finds no program that does.
    tar -xJf gpu-pack/pack.tar.xz -C "$unpacked.partial" 2>/dev/null ||
      python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' gpu-pack/pack.tar.xz "$unpacked.partial" || exit 1
    mv "$unpacked.partial" "$unpacked"
  fi
  command -v node >/dev/null || export PATH="$unpacked/bin:$PATH"
  [ -e node_modules ] || ln -s "$unpacked/node_modules" node_modules
  [ -e dist ] || ln -s "$unpacked/dist" dist
fi
