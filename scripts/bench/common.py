"""What the measuring processes share: requests on stdin, answers on stdout, as `bench child` has them."""
import json
import os
import resource
import sys
import time


def request():
    return json.load(sys.stdin)


def answer(out, value):
    json.dump(value, out)


def own_stdout():
    """The answer's stream; whatever else is printed goes to stderr."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return out


def age():
    """Seconds since this process was started, to a hundredth, imports included."""
    with open("/proc/self/stat") as f:
        began = int(f.read().rpartition(")")[2].split()[22 - 3])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began / os.sysconf("SC_CLK_TCK")


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
