#!/usr/bin/env bash
# Makes the environment of the llama.cpp server, .cache/llamacpp (RLKD_CACHE moves the cache): a compilation of some
# minutes. Does nothing if it is there and was made from the same files.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
env=${RLKD_CACHE:-$here/../../.cache}/llamacpp
made_from=$(cat "$here/requirements-llamacpp.txt" "$here/setup_llamacpp.sh" | sha256sum)
[ "$(cat "$env/made-from" 2>/dev/null)" = "$made_from" ] && exit 0

echo "compiling llama.cpp into $env ..." >&2
rm -rf "$env"
python3 -m venv "$env" || { echo "setup_llamacpp.sh: python3 has no venv; install python3-venv" >&2; exit 1; }
# Without pip's cache, which would give what was once built with other flags.
CMAKE_ARGS=-DLLAVA_BUILD=OFF "$env/bin/pip" install --no-cache-dir --quiet --disable-pip-version-check -r "$here/requirements-llamacpp.txt"
"$env/bin/python" -c 'import llama_cpp.server.app'
echo "$made_from" > "$env/made-from"
