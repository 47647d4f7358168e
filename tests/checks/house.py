"""House rules a machine can see: a README in every folder that has an owner, honest shebangs, one include guard style,
no tabs, no trailing blanks, no line over 120 columns, no wait by sleeping in tests."""
import os
import re

import tree

SOURCE = tree.CODE + (".py", ".sh", ".cmake")
SLEEP = re.compile(r"\b(sleep_for|usleep|time\.sleep)\s*\(")


def owned_folders():
    """core/*, plugins/*, resources/*, tests/* with a file of their own in them, and those four."""
    seen = {"core", "plugins", "resources", "tests"}
    for name in tree.files(under=("core", "plugins", "resources", "tests")):
        parts = name.split("/")
        if len(parts) > 2:
            seen.add("/".join(parts[:2]))
    return sorted(seen)


def text_problems(name):
    for number, line in enumerate(tree.read(name).split("\n"), 1):
        if "\t" in line:
            yield f"{name}:{number}: a tab; indent with blanks"
        if line != line.rstrip():
            yield f"{name}:{number}: blanks at the end of the line"
        limit = 132 if name.endswith(tree.CODE) else 120  # clang-format does not break strings
        if len(line) > limit and "http" not in line:
            yield f"{name}:{number}: {len(line)} columns, the limit is {limit}"
        if name.startswith("tests/") and SLEEP.search(line) and "pace:" not in line:
            yield f"{name}:{number}: waits by sleeping; await the event (a loop's own pace is marked `pace:`)"


def problems():
    for folder in owned_folders():
        if not os.path.exists(os.path.join(tree.ROOT, folder, "README.md")):
            yield f"{folder}/README.md: missing; say what lives here and what may not"
    for name in tree.files():
        path = os.path.join(tree.ROOT, name)
        if not os.path.isfile(path) or os.path.islink(path):
            continue
        with open(path, "rb") as f:
            shebang = f.read(2) == b"#!"
        runs = os.access(path, os.X_OK)
        if shebang and not runs:
            yield f"{name}: starts with #! but is not executable"
        if runs and not shebang:
            yield f"{name}: is executable but has no #! line"
        if name.endswith(".hpp") and "#pragma once" not in tree.read(name):
            yield f"{name}: no #pragma once"
        if name.endswith(SOURCE) and not name.startswith("tests/checks/house.py"):
            yield from text_problems(name)
