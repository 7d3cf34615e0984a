"""Starts `rlkd serve-reward` for a check, and ends it as an operator would."""
import contextlib
import re
import signal
import subprocess
import threading

from common import RLKD, ROOT, Failed


@contextlib.contextmanager
def serve_reward(*arguments):
    """The URL of a server that is ready; SIGTERM at the end, after which it must exit with 0."""
    server = subprocess.Popen([RLKD, "serve-reward", "--listen", "127.0.0.1:0", *map(str, arguments)],
                              stderr=subprocess.PIPE, text=True, cwd=ROOT)
    url, log = None, []
    for line in server.stderr:
        log.append(line.strip())
        if found := re.search(r"http://[0-9.:]+", line):
            url = found.group()
        if "ready" in line:
            break
    else:
        raise Failed(f"rlkd serve-reward exited {server.wait()}: {log[-1] if log else 'no message'}")
    threading.Thread(target=server.stderr.read, daemon=True).start()  # so that it never waits for a reader
    try:
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait(timeout=60)
    if code:
        raise Failed(f"rlkd serve-reward exited {code} on SIGTERM")
