"""What the checks share: the program under test, and the table of results."""
import json
import os
import subprocess

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
RLKD = os.path.join(ROOT, "bin/rlkd")


class Failed(Exception):
    """The program refused or died."""


def rlkd(*arguments, rows=()):
    """Run bin/rlkd with rows as JSONL on its stdin; its stdout, parsed the same way."""
    text = "".join(json.dumps(row) + "\n" for row in rows)
    done = subprocess.run([RLKD, *map(str, arguments)], input=text, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no message"]
        raise Failed(f"rlkd {arguments[0]} exited {done.returncode}: {said[-1]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


class Report:
    """Rows of a table, printed as they come."""

    def __init__(self):
        self.failed = 0

    def row(self, subject, check, ok, note=""):
        self.failed += not ok
        print(f"{'ok  ' if ok else 'FAIL'}  {subject:<22} {check:<34} {note}", flush=True)

    def attempt(self, subject, check, function, *arguments):
        """One row from function, which returns (ok, note); an error is a failure."""
        try:
            self.row(subject, check, *function(*arguments))
        except Exception as error:
            message = str(error).splitlines() or [""]
            self.row(subject, check, False, f"{type(error).__name__}: {message[0]}")
