#!/usr/bin/python3
"""Runs the end-to-end tests, each file with an end in time. usage: run.py [--smoke] [FILE or Class.test ...]

--smoke: only classes and tests marked `smoke = True`. The last line is `N passed, N failed, N skipped`.
"""
import os
import re
import signal
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
FILE_LIMIT_S = 420
COUNTS = re.compile(r"\d+ passed, ")
sys.path[:0] = [HERE, os.path.join(HERE, "lab")]


class Result(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        self.begin = time.monotonic()

    def _say(self, word, test, text=""):
        took = time.monotonic() - getattr(self, "begin", time.monotonic())
        print(f"{word:6} {test.id()} ({took:.1f} s){text and chr(10)}{text}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._say("ok", test)

    def addFailure(self, test, problem):
        super().addFailure(test, problem)
        self._say("FAILED", test, self.failures[-1][1])

    def addError(self, test, problem):
        super().addError(test, problem)
        self._say("FAILED", test, self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._say("skip", test, reason)


def cases(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from cases(item)
        else:
            yield item


def is_smoke(case):
    if isinstance(case, unittest.loader._FailedTest):
        return True
    method = getattr(case, case._testMethodName)
    return getattr(method, "smoke", getattr(type(case), "smoke", False))


def run_file(name, smoke, wanted):
    suite = unittest.TestSuite(
        case for case in cases(unittest.defaultTestLoader.loadTestsFromName(name))
        if (not smoke or is_smoke(case)) and (not wanted or any(w in case.id() for w in wanted)))
    # sorted by class already; a TestSuite runs setUpClass and tearDownClass around each class
    result = Result()
    suite.run(result)
    failed = len(result.failures) + len(result.errors)
    skipped = len(result.skipped)
    print(f"{max(0, result.testsRun - failed - skipped)} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed else 0


def main(arguments):
    smoke = "--smoke" in arguments
    names = [a for a in arguments if not a.startswith("--")]
    if "--file" in arguments:
        return run_file(names[0], smoke, names[1:])
    files = [os.path.splitext(os.path.basename(n))[0] for n in names if n.endswith(".py")]
    wanted = [n for n in names if not n.endswith(".py")]
    total, failures = [0, 0, 0], []
    files = files or sorted(f[:-3] for f in os.listdir(HERE) if f.startswith("test_") and f.endswith(".py"))
    for name in files:
        command = [sys.executable, "-B", os.path.abspath(__file__), "--file", name, *wanted]
        last = ""
        command += ["--smoke"] if smoke else []
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              start_new_session=True) as process:
            signal.signal(signal.SIGALRM, lambda *_, pid=process.pid: os.killpg(pid, signal.SIGKILL))
            signal.alarm(FILE_LIMIT_S)
            for line in process.stdout:
                print(line, end="", flush=True)
                if not line.startswith(("ok ", "skip ")) and not COUNTS.match(line):
                    failures.append(line)
                last = line
            signal.alarm(0)
        try:
            total = [a + int(part.split()[0]) for a, part in zip(total, last.split(", "), strict=True)]
        except ValueError:
            failures.append(f"FAILED {name}: did not end within {FILE_LIMIT_S} s, or crashed\n")
            total[1] += 1
    if total[1] and len(files) > 1:  # once more, where nobody has to look for it
        print("".join(failures), end="")
    print("{} passed, {} failed, {} skipped".format(*total))
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
