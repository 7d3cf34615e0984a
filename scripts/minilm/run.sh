#!/usr/bin/env bash
# Measures an embedding model as a judge, beside what `rlkd agree --pairs` reports of other judges:
#
#   scripts/minilm/run.sh trainer/recipes/gsrm/pairs.jsonl
#
# Its Python environment, .cache/minilm (RLKD_CACHE moves the cache), is made from requirements.txt once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
env=${RLKD_CACHE:-$here/../../.cache}/minilm
made_from=$(sha256sum < "$here/requirements.txt")
if [ "$(cat "$env/made-from" 2>/dev/null)" != "$made_from" ]; then
  rm -rf "$env"
  python3 -m venv "$env" || { echo "run.sh: python3 has no venv; install python3-venv" >&2; exit 1; }
  "$env/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary=:all: -r "$here/requirements.txt"
  echo "$made_from" > "$env/made-from"
fi
exec "$env/bin/python" "$here/judge.py" "$@"
