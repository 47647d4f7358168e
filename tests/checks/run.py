#!/usr/bin/python3
"""Runs the checks. usage: run.py [--all] [layering|house|format|shipped|headers|tidy ...]; no name: every one."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import formatting  # noqa: E402
import headers  # noqa: E402
import house  # noqa: E402
import layering  # noqa: E402
import shipped  # noqa: E402
import tidy  # noqa: E402

CHECKS = {
    "layering": lambda everything: layering.problems(),
    "house": lambda everything: house.problems(),
    "format": lambda everything: formatting.problems(),
    "shipped": lambda everything: shipped.problems(),
    "headers": lambda everything: headers.problems(),
    "tidy": tidy.problems,
}


def main(arguments):
    everything = "--all" in arguments
    names = [a for a in arguments if not a.startswith("--")] or list(CHECKS)
    unknown = [n for n in names if n not in CHECKS]
    if unknown:
        print(f"unknown check {unknown[0]}; expected one of {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    failed = 0
    for name in names:
        found = list(CHECKS[name](everything))
        for line in found:
            print(line)
        failed += bool(found)
        print(f"check {name}: {'ok' if not found else f'{len(found)} problems'}", flush=True)
    print(f"{len(names) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
