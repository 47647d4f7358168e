"""clang-tidy on the changed sources (all with --all). A file that was clean is not looked at again until it, one of its
headers, its compile command or .clang-tidy changes; what was seen is remembered in the build directory."""
import concurrent.futures
import hashlib
import json
import os
import subprocess

import tree


def commands(build):
    path = os.path.join(tree.ROOT, build, "compile_commands.json")
    if not os.path.exists(path):
        return {}
    with open(path) as f:
        return {os.path.relpath(e["file"], tree.ROOT): e for e in json.load(f)}


def dependencies(build):
    """source -> project files it was compiled from, by ninja's own record."""
    out = subprocess.run(["ninja", "-C", build, "-t", "deps"], cwd=tree.ROOT, capture_output=True, text=True).stdout
    result, current = {}, []
    for line in out.split("\n"):
        if not line.startswith(" "):
            current = []
            continue
        path = os.path.relpath(os.path.normpath(os.path.join(tree.ROOT, build, line.strip())), tree.ROOT)
        if not path.startswith(".."):
            current.append(path)
            result[current[0]] = current
    return result


def fingerprint(names, entry):
    digest = hashlib.sha256(entry.get("command", "").encode())
    for name in sorted(set(names)) + [".clang-tidy"]:
        digest.update(name.encode() + b"\0" + tree.read(name).encode())
    return digest.hexdigest()


def run_tidy(name, build):
    run = subprocess.run(["clang-tidy-14", "--quiet", "-p", build, name], cwd=tree.ROOT, capture_output=True, text=True,
                         timeout=600)
    return None if run.returncode == 0 else f"{name}: clang-tidy\n{run.stdout.strip()[:3000]}"


def problems(everything=False):
    build = os.environ.get("MAINSTAY_BUILD", "build/main")
    known = commands(build)
    if not known:
        yield f"{build}/compile_commands.json: missing; ./dev build first"
        return
    base = None if everything else tree.default_base()
    changed = tree.changed(base) if base else None
    deps = dependencies(build)
    seen = os.path.join(tree.ROOT, build, "tidy")
    os.makedirs(seen, exist_ok=True)
    todo = []
    for name, entry in sorted(known.items()):
        uses = [name] + [d for d in deps.get(name, []) if os.path.exists(os.path.join(tree.ROOT, d))]
        # A header's findings show in its own source; looking at whatever includes it takes half an hour.
        own = {name, os.path.splitext(name)[0] + ".hpp"}
        if not os.path.exists(os.path.join(tree.ROOT, name)) or (changed is not None and not changed & own):
            continue
        stamp = os.path.join(seen, fingerprint(uses, entry))
        if not os.path.exists(stamp):
            todo.append((name, stamp))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (_, stamp), problem in zip(todo, pool.map(lambda t: run_tidy(t[0], build), todo)):
            if problem:
                yield problem
            else:
                with open(stamp, "w"):
                    pass
