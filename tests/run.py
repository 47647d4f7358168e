#!/usr/bin/python3
"""Builds and runs the suites; the last line is `N passed, N failed, N skipped`. usage: run.py [--quick | --full]

A program that is missing, crashes or does not end counts as failed. Nothing is skipped by itself.
"""
import hashlib
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from runner import programs, sanitized, tally  # noqa: E402
from runner.tally import Tally  # noqa: E402

BUILD = os.environ.get("MAINSTAY_BUILD", "build/main")
PURE_PROGRAMS = re.compile(r"(model|consensus|cluster|policy|node|scenario|transcript|sim)")
COUNTS = re.compile(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?")
# seeds: fixed, fresh; per level
SEEDS = {"quick": (40, 10), "normal": (900, 100), "full": (100, 10_000)}
SANITIZED_SEEDS = (60, 20)
MUTATION_SEEDS = 150


def build(directory, targets=()):
    # Configured each time: a folder that got its CMakeLists.txt since then is not noticed by ninja.
    for command in (["cmake", "-G", "Ninja", "-S", ".", "-B", directory],
                    ["ninja", "-C", directory, *targets]):
        code, out, _ = tally.run(command, 3000)
        if code != 0:
            return Tally(failed=1), tally.tail(out, 100)
    return Tally(passed=1), ""


def counted(command, limit_s):
    """A program of ours that ends with `N passed, N failed[, N skipped]`."""
    if not os.path.exists(os.path.join(tally.ROOT, command[0])):
        return Tally(failed=1), f"{command[0]}: missing"
    code, out, _ = tally.run(command, limit_s)
    hits = COUNTS.findall(out)
    result = Tally(*[int(n or 0) for n in hits[-1]]) if hits else Tally()
    if code is None or (code != 0 and not result.failed) or not hits:
        result += Tally(failed=1)
        return result, f"{command[0]}: {tally.how_it_ended(code, limit_s)}\n{tally.tail(out)}"
    return result, tally.tail(out, 120) if result.failed or result.skipped else ""


def simulator(build_dir, fixed, fresh, limit_s):
    # The fixed seeds are the same for everybody; the fresh ones are new numbers each time, which the program prints.
    return counted([f"{build_dir}/bin/mainstay-sim", "--seeds", str(fixed), "--fresh", str(fresh)], limit_s)


def seeds_of_this_core():
    """New numbers for every state of the code in core/, and the same ones for whoever tests that state again: a failure
    here is a failure there. Nothing where there is no repository."""
    found = subprocess.run(["git", "ls-tree", "-r", "HEAD", "core"], cwd=tally.ROOT, capture_output=True, text=True)
    if found.returncode != 0:
        return None
    code = [line for line in found.stdout.splitlines() if not line.endswith(".md")]
    return 1_000_000_000 + int(hashlib.sha256("\n".join(code).encode()).hexdigest()[:11], 16)


def long_simulator(fixed, fresh, limit_s):
    first = seeds_of_this_core()
    if first is None:
        return simulator(BUILD, fixed, fresh, limit_s)
    program = f"{BUILD}/bin/mainstay-sim"
    result, text = counted([program, "--seeds", str(fixed)], limit_s)
    print(f"    fresh seeds of this core: --from {first} --seeds {fresh}", flush=True)
    more, texts = counted([program, "--seeds", str(fresh), "--from", str(first)], limit_s)
    return result + more, "\n".join(t for t in (text, texts) if t)


def pure_programs(directory):
    """Test programs of the pure code, by ninja's own list: ctest does not name what is not built yet."""
    out = subprocess.run(["ninja", "-C", directory, "-t", "targets", "all"], cwd=tally.ROOT, capture_output=True,
                         text=True).stdout
    programs_made = [line.split(":")[0] for line in out.split("\n") if "CXX_EXECUTABLE_LINKER" in line]
    return [name for name in programs_made
            if PURE_PROGRAMS.search(os.path.basename(name)) and "mutat" not in os.path.basename(name)]


def with_sanitizers():
    wrong = sanitized.configure() or sanitized.build(pure_programs(sanitized.DIRECTORY))
    if wrong:
        return Tally(failed=1), wrong
    result, texts = Tally(passed=1), []
    for command, where in programs.listed(sanitized.DIRECTORY):
        if PURE_PROGRAMS.search(os.path.basename(command[0])) and os.path.exists(command[0]):
            one, text = programs.run_one(command, where)
            result += one
            texts += [text] if text else []
    one, text = simulator(sanitized.DIRECTORY, *SANITIZED_SEEDS, 900)
    return result + one, "\n".join(texts + [text])


def mutations():
    result, text = build(BUILD, ["mainstay-sim-mutations"])
    if result.failed:
        return result, text
    return counted([f"{BUILD}/bin/mainstay-sim-mutations", "--seeds", str(MUTATION_SEEDS)], 900)


def suites(level):
    yield "unit tests and transcripts", lambda: programs.suite(BUILD)
    run_seeds = long_simulator if level == "full" else lambda *what: simulator(BUILD, *what)
    yield "simulator", lambda: run_seeds(*SEEDS[level], {"quick": 60, "normal": 500, "full": 2400}[level])
    if level == "quick":
        yield "checks", lambda: counted(["tests/checks/run.py", "layering", "house", "format"], 60)
        return
    if level == "normal":
        yield "checks", lambda: counted(["tests/checks/run.py", "layering", "house", "format"], 60)
        yield "end to end, smoke", lambda: counted(["tests/endtoend/run.py", "--smoke"], 400)
        return
    yield "end to end", lambda: counted(["tests/endtoend/run.py"], 1200)
    yield "address and undefined-behaviour sanitizers", with_sanitizers
    yield "every deliberate breakage is found", mutations
    yield "fuzz", lambda: counted(["tests/fuzz/run.py", "10"], 900)
    yield "checks", lambda: counted(["tests/checks/run.py"], 900)


def main(arguments):
    unknown = [a for a in arguments if a not in ("--quick", "--full")]
    if unknown or len(arguments) > 1:
        print("usage: ./dev test [--quick | --full]", file=sys.stderr)
        return 2
    level = arguments[0][2:] if arguments else "normal"
    total = Tally()
    failures = []

    def report(name, run):
        nonlocal total
        begin = time.monotonic()
        print(f"==> {name}", flush=True)
        result, text = run()
        total += result
        if text.strip():
            print(text, flush=True)
        print(f"    {name}: {result} ({time.monotonic() - begin:.1f} s)", flush=True)
        if result.failed or result.skipped:
            failures.append(f"==> not well: {name}\n{tally.tail(text, 40)}")
        return result

    if report("build", lambda: build(BUILD)).failed:
        print(total)
        return 1
    for name, run in suites(level):
        report(name, run)
    # Once more, where nobody has to look for it.
    print("\n".join([*failures, str(total)]))
    return 1 if total.failed or total.skipped else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
