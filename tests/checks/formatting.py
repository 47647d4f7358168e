"""clang-format 14, pinned: other versions format differently."""
import subprocess

import tree


def problems(only=None):
    names = [n for n in tree.files(*tree.CODE, under=("core", "plugins", "resources", "tests", "examples"))
             if only is None or n in only]
    for start in range(0, len(names), 40):
        run = subprocess.run(["clang-format-14", "-n", "--ferror-limit=1", *names[start:start + 40]], cwd=tree.ROOT,
                             capture_output=True, text=True)
        for line in run.stderr.split("\n"):
            if "[-Wclang-format-violations]" in line:
                yield line.split(": ")[0] + ": not formatted; ./dev format does it"
