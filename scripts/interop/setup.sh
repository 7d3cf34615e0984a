#!/usr/bin/env bash
# Makes the Python environment of the checks and golden generators, .cache/interop (RLKD_CACHE moves
# the cache), from requirements.txt. Does nothing if it is there and was made from the same files.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
env=${RLKD_CACHE:-$here/../../.cache}/interop
made_from=$(cat "$here/requirements.txt" "$here/setup.sh" | sha256sum)
[ "$(cat "$env/made-from" 2>/dev/null)" = "$made_from" ] && exit 0

echo "installing transformers and torch into $env ..." >&2
rm -rf "$env"
python3 -m venv "$env" || { echo "setup.sh: python3 has no venv; install python3-venv" >&2; exit 1; }
"$env/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary=:all: -r "$here/requirements.txt"

# Torch's wheel on the package index is the one for CUDA, and its Python module is linked to libraries
# that come in three more gigabytes of wheels. None of them is ever called on a CPU, so empty ones do:
# they lie where torch's RPATH looks, have the symbol version that is asked for, and a .pth file
# makes Python bind functions at their first call, which does not come.
site=$("$env/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
for lib in libcublas.so.13 libcublasLt.so.13 libcudnn.so.9 libcufft.so.12 libcufile.so.0 libcusparse.so.12 \
           libcusparseLt.so.0 libnccl.so.2 libnvrtc.so.13 libnvshmem_host.so.3; do
  version=$lib data=
  if [ $lib = libnvshmem_host.so.3 ]; then
    version=NVSHMEM data="int nvshmem_selected_device_transport;"
  fi
  echo "$version { global: *; };" > "$env/stub.map"
  echo "$data" | gcc -shared -x c - -o "$site/nvidia/cu13/lib/$lib" -Wl,-soname,$lib -Wl,--version-script="$env/stub.map"
done
echo 'import os, sys; sys.setdlopenflags(os.RTLD_LAZY)' > "$site/lazy_binding.pth"

"$env/bin/python" -c 'import torch, transformers'
echo "$made_from" > "$env/made-from"
