"""Counting results, and running a program with an end in time."""
import dataclasses
import os
import signal
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@dataclasses.dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def run(command, limit_s, environment=None, cwd=ROOT):
    """(exit code or None when the limit passed, output, seconds). The whole process group ends with it."""
    begin = time.monotonic()
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          env=dict(os.environ, **(environment or {})), start_new_session=True) as process:
        try:
            out = process.communicate(timeout=limit_s)[0]
            code = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out = process.communicate()[0]
            code = None
    return code, out.decode(errors="replace"), time.monotonic() - begin


def how_it_ended(code, limit_s):
    if code is None:
        return f"not finished after {limit_s} s"
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def tail(text, lines=60):
    rows = text.rstrip().split("\n")
    return "\n".join(["   ..."] * (len(rows) > lines) + ["   " + r for r in rows[-lines:]])
