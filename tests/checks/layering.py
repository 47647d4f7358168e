"""Who may include whom (the arrows point one way), and what the pure core may not touch.

Debian's headers share one folder, so linking rules cannot stop a stray #include <boost/...> in the core: this can.
"""
import re

import tree

PURE = ("model", "consensus", "cluster", "policy", "node")
# folder of core/ -> folders of core/ it may include, besides itself
ALLOWED = {
    "sdk": (),
    "model": (),
    "consensus": ("model",),
    "cluster": ("model", "consensus"),
    "policy": ("model", "consensus", "cluster"),
    "node": ("model", "consensus", "cluster", "policy"),
    "secret": ("model",),
    "arbitrator": ("model", "consensus", "secret"),
    "sim": PURE,
    "guard": ("model",),
    "runtime": PURE + ("guard", "sdk", "secret"),
    "mainstayd": PURE + ("runtime", "guard", "sdk"),
    "hactl": ("model", "runtime", "sdk", "secret", "arbitrator"),
}
PURE_INCLUDE = re.compile(
    r"#\s*include\s*[<\"](boost/|thread|mutex|shared_mutex|condition_variable|future|fstream|iostream|filesystem|"
    r"random|unordered_|sys/|netinet/|net/|linux/|unistd|fcntl|signal\.h|csignal|poll\.h|sqlite3|sodium|netlink|"
    r"time\.h|ctime)")
PURE_WORD = re.compile(
    r"\b(system_clock|steady_clock|high_resolution_clock|random_device|mt19937|std::thread|this_thread|"
    r"unordered_\w+|getenv|fopen|::rand\(|std::rand)\b")
HEAVY = re.compile(
    r"#\s*include\s*<(boost/asio|boost/beast|boost/program_options|boost/dll|nlohmann/json\.hpp|catch2/)")
QUOTED = re.compile(r"#\s*include\s*\"([^\"]+)\"")
ANGLED = re.compile(r"#\s*include\s*<(mainstay/[^>]+|core/[^>]+)>")


def core_folder(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "core" and len(parts) > 2 else None


def check_core(name, number, line):
    here = core_folder(name)
    hit = QUOTED.search(line)
    if hit and "/" in hit.group(1):
        there = "sdk" if hit.group(1).startswith("mainstay/") else hit.group(1).split("/")[0]
        if there in ALLOWED and there != here and there not in ALLOWED.get(here, ()):
            allowed = ", ".join(ALLOWED.get(here, ())) or "nothing"
            yield f"{name}:{number}: core/{here} may not include core/{there} (allowed: {allowed})"
    if here in PURE:
        if PURE_INCLUDE.search(line):
            yield f"{name}:{number}: the pure core reaches outside: {line.strip()}"
        hit = PURE_WORD.search(line)
        if hit:
            yield f"{name}:{number}: the pure core may not use {hit.group(1)}: time and chance come in as arguments"
    if name.endswith((".hpp", ".h")) and HEAVY.search(line):
        yield f"{name}:{number}: a heavy header belongs in a .cpp file: {line.strip()}"


def check_plugin(name, number, line):
    hit = QUOTED.search(line)
    # What an arbitrator may say has to be written once: its plugins do nothing but its I/O.
    also = ("arbitrator/",) if name.startswith("plugins/arbitrator-") else ()
    if hit and "/" in hit.group(1) and not hit.group(1).startswith(("mainstay/", "common/", *also)):
        yield f"{name}:{number}: a plugin includes the SDK, plugins/common and its own folder alone, not {hit.group(1)}"


def problems():
    for name in tree.files(*tree.CODE, under=("core", "plugins", "resources")):
        for number, line in tree.code_lines(name):
            if name.startswith("core/"):
                yield from check_core(name, number, line)
            else:
                yield from check_plugin(name, number, line)
        if name.endswith("sdk/include/mainstay/plugin.h"):
            for number, line in tree.code_lines(name):
                if "#include" in line and not re.search(r"<(stddef|stdint)\.h>", line):
                    yield f"{name}:{number}: the C boundary includes <stddef.h> and <stdint.h>, nothing else"
