"""The test programs that CMake knows (add_test): unit tests and transcripts, counted by Catch2 test case."""
import concurrent.futures
import json
import os
import re
import subprocess

from . import tally
from .tally import Tally

LIMIT_S = 300
ALL_PASSED = re.compile(r"All tests passed \(\d+ assertions? in (\d+) test cases?\)")
SOME = re.compile(r"test cases:\s+(\d+) \|(.*)")


def listed(build):
    """Unique commands of `build`'s tests: (command, working directory)."""
    out = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], capture_output=True, text=True,
                         cwd=tally.ROOT)
    found = {}
    for test in json.loads(out.stdout or "{}").get("tests", []):
        command = test.get("command")
        if not command:  # a program that was not built
            found.setdefault(test["name"], ([test["name"]], tally.ROOT))
            continue
        where = next((p["value"] for p in test.get("properties", []) if p["name"] == "WORKING_DIRECTORY"), tally.ROOT)
        if is_catch(command[0]):
            command = command[:1]
        found.setdefault(" ".join(command), (command, where))
    return [found[k] for k in sorted(found)]


def is_catch(program):
    try:
        with open(program, "rb") as f:
            return b"--list-reporters" in f.read()
    except OSError:
        return False


def count_catch(output):
    """Tally of a Catch2 v2 console report, or None when it has no last line (a crash)."""
    hit = ALL_PASSED.search(output)
    if hit:
        return Tally(passed=int(hit.group(1)))
    hit = SOME.search(output)
    if not hit:
        return None
    failed = re.search(r"(\d+) failed(?! as)", hit.group(2))
    failed = int(failed.group(1)) if failed else 0
    return Tally(passed=int(hit.group(1)) - failed, failed=failed)


def run_one(command, where):
    name = os.path.basename(command[0])
    if not os.path.exists(command[0]):
        return Tally(failed=1), f"{name}: not built"
    catch = is_catch(command[0])
    code, out, _ = tally.run(command, LIMIT_S, cwd=where)
    result = count_catch(out) if catch else Tally(passed=int(code == 0), failed=int(code != 0))
    if result is None or (code != 0 and not result.failed):
        return (result or Tally()) + Tally(failed=1), f"{name}: {tally.how_it_ended(code, LIMIT_S)}\n{tally.tail(out)}"
    return result, f"{name}:\n{tally.tail(out)}" if result.failed else ""


def suite(build, environment=None):
    """Runs every test program of `build`. No program at all is a failure: it means the list is broken."""
    os.environ.update(environment or {})
    tests = listed(build)
    if not tests:
        return Tally(failed=1), f"{build}: ctest lists no test program"
    total, texts = Tally(), []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for result, text in pool.map(lambda t: run_one(*t), tests):
            total += result
            texts += [text] if text else []
    return total, "\n".join(texts)
