"""Every header compiles alone, so that including one never depends on what came before it."""
import concurrent.futures
import os
import subprocess

import tree


def flags():
    libs = subprocess.run(["pkg-config", "--cflags", "libnl-route-3.0", "libsodium", "sqlite3"],
                          capture_output=True, text=True).stdout.split()
    return ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Icore",
            "-Icore/sdk/include", "-Iplugins", "-Itests/unit"] + libs


def compile_alone(name, options):
    language = "c" if name.endswith(".h") else "c++"
    options = [o for o in options if not (language == "c" and o.startswith("-std"))]
    # Through a source line and not as the main file: `#pragma once in main file` would be a warning.
    compiler = "g++" if language == "c++" else "gcc"
    run = subprocess.run([compiler, "-x", language, *options, f"-I{os.path.dirname(name)}", "-"],
                         input=f'#include "{name}"\n', cwd=tree.ROOT, capture_output=True, text=True, timeout=120)
    return None if run.returncode == 0 else f"{name}: does not compile alone\n{run.stderr.strip()[:1500]}"


def problems():
    options = flags() + ["-I."]
    names = tree.files(".hpp", ".h", under=("core", "plugins", "resources", "tests"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for problem in pool.map(lambda n: compile_alone(n, options), names):
            if problem:
                yield problem
