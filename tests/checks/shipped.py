"""No installed binary knows the name of a deliberate breakage (core/model/mutation.hpp)."""
import os
import re

import tree

MACRO = re.compile(r"X\((\w+)\)")


def mutation_names():
    with open(os.path.join(tree.ROOT, "core", "model", "mutation.hpp"), encoding="utf-8") as text:
        return [name for name in MACRO.findall(text.read()) if name != "name"]


# Programs of the tests, never installed.
OURS = ("mainstay-sim", "mainstay-bench", "mainstay-mutated")


def binaries():
    build = os.path.join(tree.ROOT, os.environ.get("MAINSTAY_BUILD", "build/main"))
    for folder in ("bin", "plugins"):
        where = os.path.join(build, folder)
        for name in sorted(os.listdir(where)) if os.path.isdir(where) else []:
            path = os.path.join(where, name)
            shipped = name.startswith(("mainstay", "hactl")) or folder == "plugins"
            if os.path.isfile(path) and shipped and not name.startswith(OURS):
                yield path


def problems():
    names = mutation_names()
    files = list(binaries())
    if len(names) < 20:
        yield f"core/model/mutation.hpp: only {len(names)} names read, more than 20 expected"
    if not any(os.path.basename(path) == "mainstayd" for path in files):
        yield "build/main/bin/mainstayd is not there: build first"
    for path in files:
        with open(path, "rb") as content:
            data = content.read()
        for name in names:
            if name.encode() in data:
                yield f"{os.path.relpath(path, tree.ROOT)}: holds the name of the breakage {name}"
