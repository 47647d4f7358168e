"""The one build with sanitizers, by clang: its instrumentation serves the test programs and libFuzzer alike."""
import os
import subprocess

from . import tally

DIRECTORY = "build/sanitized"
OPTIONS = ["-DMAINSTAY_SANITIZE=ON", "-DMAINSTAY_WERROR=OFF", "-DCMAKE_CXX_COMPILER=clang++-14",
           "-DCMAKE_C_COMPILER=clang-14"]


def path(*names):
    return os.path.join(tally.ROOT, DIRECTORY, *names)


def configure():
    """What went wrong, or nothing."""
    return _said(["cmake", "-G", "Ninja", "-S", tally.ROOT, "-B", path(), "--log-level=ERROR", *OPTIONS])


def build(targets):
    """What went wrong, or nothing. Configured each time: ninja does not notice a new CMakeLists.txt."""
    return configure() or _said(["ninja", "-C", path(), *targets])


def _said(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          check=False)
    return tally.tail(done.stdout, 100) or command[0] if done.returncode != 0 else ""
