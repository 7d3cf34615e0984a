#!/usr/bin/env bash
# Build Dockerfile.cuda without a Docker engine and run what it makes: as root, with buildah,
# debootstrap, Go and g++. Base images are made here, under the names that the Dockerfile uses;
# pip's, Go's and apt's settings are this machine's.
#
#   check.sh [CUDA]        1, the default, is the whole image; 0 leaves the CUDA libraries out
#
# WORK (default: the cache's docker/) holds images and base systems; STUDENT is the quick start's.
set -euo pipefail
cd "$(dirname "$0")/../.."
cuda=${1:-1}
work=${WORK:-${RLKD_CACHE:-$PWD/.cache}/docker}
student=${STUDENT:-${RLKD_CACHE:-$PWD/.cache}/student/SmolLM2-135M-Instruct.Q4_1.gguf}
export BUILDAH_ISOLATION=chroot
image=rlkd-check

say() { printf '== %s\n' "$*" >&2; }
for tool in buildah debootstrap go g++ python3; do
  command -v "$tool" >/dev/null || { say "$tool is not there; apt-get install it (buildah, debootstrap, g++, python3) or, for go, see go.dev/dl"; exit 1; }
done

# driver is overlay where it can be mounted, or vfs, which keeps each layer and container whole: with
# the CUDA libraries that takes some 30 GB.
driver() {
  local d
  d=$(mktemp -d -p "$work")
  mkdir "$d"/{lower,upper,work,all}
  if mount -t overlay overlay -o "lowerdir=$d/lower,upperdir=$d/upper,workdir=$d/work" "$d/all" 2>/dev/null; then
    umount "$d/all"
    echo overlay
  else
    echo vfs
  fi
  rm -rf "$d"
}

mkdir -p "$work"
store=(--root "$work/storage" --runroot "$work/run" --storage-driver "$(driver)")
run() { buildah "${store[@]}" run "${mounts[@]}" check -- "$@"; }

# base NAME ROOT: the directory as the image NAME
base() {
  buildah "${store[@]}" inspect --type image "$1" >/dev/null 2>&1 && return
  say "base image $1"
  local c
  c=$(buildah "${store[@]}" from scratch)
  buildah "${store[@]}" copy -q "$c" "$2" / >/dev/null
  buildah "${store[@]}" config --env PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$c"
  buildah "${store[@]}" commit -q --rm "$c" "$1" >/dev/null
}

# system DIR PACKAGES: a Debian with some packages, without what an image does not hold
system() {
  [ -d "$1" ] && return
  local mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Origin: Debian' | head -n 1)
  say "debootstrap $(basename "$1")"
  rm -rf "$1.new"
  debootstrap --variant=minbase ${2:+--include="$2"} bookworm "$1.new" "${mirror:?apt has no Debian bookworm}" >"$1.log"
  rm -rf "$1.new"/var/lib/apt/lists/* "$1.new"/var/cache/apt/*.bin "$1.new"/var/cache/apt/archives/*.deb \
    "$1.new"/usr/share/{doc,man,info,locale}/*
  mv "$1.new" "$1"
}

named() { sed -n "s/^ARG $1=//p" Dockerfile.cuda; }

system "$work/slim" ""
system "$work/tools" ca-certificates,g++,git,make,python3,python3-pip
if [ ! -d "$work/tools/usr/local/go" ]; then cp -r "$(go env GOROOT)" "$work/tools/usr/local/go"; fi
base "$(named RUNTIME_IMAGE)" "$work/slim"
base "$(named GO_IMAGE)" "$work/tools"
base "$(named PYTHON_IMAGE)" "$work/tools"

settings=(--build-arg "GOPROXY=$(go env GOPROXY)" --build-arg "GOSUMDB=$(go env GOSUMDB)")
while IFS='=' read -r key value; do
  case $key in
  *index-url) settings+=(--build-arg "PIP_$([[ $key = *extra* ]] && echo EXTRA_)INDEX_URL=$value") ;;
  *find-links) [ ! -d "$value" ] || settings+=(--build-arg "PIP_FIND_LINKS=$value" --volume "$value:$value:ro") ;;
  *cert) settings+=(--build-arg "PIP_CERT=$value") ;;
  esac
done < <(python3 -m pip config list | tr -d "'")
mkdir -p "$work/gocache" # so that the next check is quick
settings+=(--volume "$work/gocache:/go/cache")
[ ! -d /etc/ssl/certs ] || settings+=(--volume /etc/ssl/certs:/etc/ssl/certs:ro)

say "build, CUDA=$cuda"
buildah "${store[@]}" rm check >/dev/null 2>&1 || true
buildah "${store[@]}" bud --pull-never --format docker --network host --build-arg "CUDA=$cuda" "${settings[@]}" -t "$image" -f Dockerfile.cuda .
say "size: $(buildah "${store[@]}" images --format '{{.Size}}' "$image") unpacked"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"; buildah "${store[@]}" rm check >/dev/null 2>&1 || true' EXIT
mkdir -p "$scratch/models" "$scratch/runs" "$scratch/smoke" "$scratch/src/.cache"
cp "$student" "$scratch/models/"
git ls-files -z cgo model reward | xargs -0 cp --parents -t "$scratch/src" # tests read what is beside them,
ln -s /models "$scratch/src/.cache/student"                               # and the student
mounts=(--volume "$scratch/models:/models:ro" --volume "$scratch/runs:/runs" --volume "$scratch/smoke:/smoke:ro" --volume "$scratch/src:/src:ro")
for p in cgo model model/tokenizer reward; do go test -c -o "$scratch/smoke/$(basename "$p")" "./$p"; done
chmod -R a+rX "$scratch"
chown 10001:10001 "$scratch/runs"
buildah "${store[@]}" from --pull-never --name check "$image" >/dev/null
buildah "${store[@]}" config --volume /models- --volume /runs- check # buildah 1.28 may mount empty ones over ours

say "what the image says of itself"
config=$(buildah "${store[@]}" inspect --type image "$image")
for want in '"rlkd"' '"--health"' '"10001:10001"' '"NVIDIA_VISIBLE_DEVICES=all"' '"NVIDIA_DRIVER_CAPABILITIES=compute,utility"' '"/models"' '"/runs"'; do
  grep -qF -- "$want" <<<"$config" || { say "its configuration lacks $want"; exit 1; }
done
[ "$(run id -u)" = 10001 ] || { say "it runs as root"; exit 1; }
for tool in gcc g++ cc make python3 pip pip3 go git; do
  if run sh -c "command -v $tool" 2>/dev/null; then say "it holds $tool"; exit 1; fi
done

say "doctor"
run rlkd doctor
run rlkd doctor --health
if [ "$cuda" != 0 ] && run rlkd doctor | grep 'no libtorch_cuda.so'; then exit 1; fi

say "tests"
for t in "cgo Step|Scope|Run|Error" "model TinyLogits|TinyGrad" "model/tokenizer ." "reward ."; do
  read -r package tests <<<"$t"
  run sh -c "cd /src/$package && LD_LIBRARY_PATH=/opt/rlkd/bin /smoke/$(basename "$package") -test.short -test.run '$tests'"
done

say "two steps of the quick start"
run rlkd train --config trainer/recipes/quickstart.yaml --set device=cpu --set max_steps=2 --set sft.max_steps=2 \
  --set eval.num_problems=2 --set eval.num_generations=1 --set eval.pass_k='[1]' --set max_completion_length=48
test -s "$scratch/runs/quickstart/final/model.safetensors"
[ "$(wc -l <"$scratch/runs/quickstart/metrics.jsonl")" = 2 ]
buildah "${store[@]}" rm check >/dev/null
buildah "${store[@]}" rmi "$image" >/dev/null # the base images stay
say "all is well"
