#!/usr/bin/env python3
"""./dev fuzz [SECONDS] [NAME...]: builds the libFuzzer programs with clang and runs each for so long over its corpus.

An input that makes one fall over is kept as build/sanitized/fuzz/NAME-crash-...: it goes into
tests/fuzz/corpus/NAME with the fix.
"""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from runner import sanitized  # noqa: E402

NAMES = ["datagram", "entries", "snapshot", "sectors", "configuration"]
KEPT = sanitized.path("fuzz")


def build(names):
    wrong = sanitized.build(["fuzz_seeds", *[f"fuzz_{name}" for name in names]])
    if wrong:
        print(wrong)
        return False
    done = subprocess.run([sanitized.path("bin", "fuzz_seeds"), f"{KEPT}/seeds"], check=False)
    return done.returncode == 0


def examples():
    folders = [os.path.join(ROOT, "examples", name) for name in sorted(os.listdir(os.path.join(ROOT, "examples")))]
    return [folder for folder in folders if os.path.isdir(folder)]


def fuzz(name, seconds):
    found = f"{KEPT}/found/{name}"
    kept = os.path.join(ROOT, "tests", "fuzz", "corpus", name)
    os.makedirs(found, exist_ok=True)
    seeds = examples() if name == "configuration" else [f"{KEPT}/seeds/{name}"]
    corpus = [folder for folder in [kept, *seeds] if os.path.isdir(folder)]
    command = [sanitized.path("bin", f"fuzz_{name}"), f"-max_total_time={seconds}", "-max_len=4096",
               "-rss_limit_mb=3000", "-timeout=20", "-print_final_stats=1", "-verbosity=0",
               f"-artifact_prefix={KEPT}/{name}-", found, *corpus]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          check=False, timeout=seconds + 300)
    runs = [line.split(":")[-1].strip() for line in done.stdout.splitlines() if "number_of_executed_units" in line]
    if done.returncode == 0:
        print(f"fuzz {name}: {runs[-1] if runs else '?'} inputs in {seconds} s, all well", flush=True)
        return True
    print("\n".join(done.stdout.splitlines()[-60:]))
    print(f"fuzz {name}: FAILED", flush=True)
    return False


def main(arguments):
    seconds = 60
    if arguments and arguments[0].isdigit():
        seconds = int(arguments.pop(0))
    names = arguments or NAMES
    if any(name not in NAMES for name in names):
        print(f"usage: ./dev fuzz [SECONDS] [{'|'.join(NAMES)}...]", file=sys.stderr)
        return 2
    if not build(names):
        print(f"0 passed, {len(names)} failed, 0 skipped")
        return 1
    passed = sum(fuzz(name, seconds) for name in names)
    print(f"{passed} passed, {len(names) - passed} failed, 0 skipped")
    return 0 if passed == len(names) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
