"""What the checks look at: the tracked and untracked-but-not-ignored files of this tree."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CODE = (".cpp", ".hpp", ".h")


def files(*suffixes, under=()):
    """Paths relative to the root, sorted. Works without git too (a tree unpacked from an archive)."""
    try:
        out = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z"],
                             capture_output=True, check=True).stdout.decode()
        names = [n for n in out.split("\0") if n]
    except (OSError, subprocess.CalledProcessError):
        names = []
        for top, dirs, found in os.walk(ROOT):
            dirs[:] = [d for d in dirs if d not in ("build", ".git", "__pycache__")]
            names += [os.path.relpath(os.path.join(top, f), ROOT) for f in found]
    return sorted({n for n in names
                   if (not suffixes or n.endswith(suffixes))
                   and (not under or n.startswith(tuple(u + "/" for u in under)))
                   and os.path.exists(os.path.join(ROOT, n))})


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8", errors="replace") as f:
        return f.read()


def code_lines(name):
    """(number, text) of each line, with comments blanked so that prose may name what code may not."""
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), read(name), flags=re.S)
    for number, line in enumerate(text.split("\n"), 1):
        yield number, re.sub(r"(^|[^:\"])//.*", r"\1", line)


def changed(base):
    """Files that differ from `base` (a commit) in the work tree, or None when git cannot tell."""
    try:
        diff = subprocess.run(["git", "-C", ROOT, "diff", "--name-only", base],
                              capture_output=True, text=True, check=True)
        new = subprocess.run(["git", "-C", ROOT, "ls-files", "-o", "--exclude-standard"],
                             capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return set(diff.stdout.split()) | set(new.stdout.split())


def default_base():
    """Where this branch left the shared one; without one, a few commits back; None when there is neither."""
    for ref in filter(None, [os.environ.get("MAINSTAY_BASE"), "origin/main", "HEAD~5"]):
        out = subprocess.run(["git", "-C", ROOT, "merge-base", "HEAD", ref], capture_output=True, text=True)
        if out.returncode == 0:
            return out.stdout.strip()
    return None
