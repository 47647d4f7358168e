"""A guest with a kernel of its own: QEMU, a kernel and busybox are fetched once as Debian packages and unpacked below
the build directory: nothing is installed. No KVM is needed; a guest takes half a minute or more."""
import glob
import gzip
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("MAINSTAY_BUILD", "build/main"))
PLACE = f"{BUILD}/vm"
TREE = f"{PLACE}/root"
LIMIT_S = 600


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def fetch():
    """Packages that this machine lacks, unpacked; what QEMU depends on as well."""
    if os.path.exists(f"{TREE}/complete"):
        return
    os.makedirs(f"{PLACE}/packages", exist_ok=True)
    kernel = next(line.split()[1] for line in output("apt-cache", "depends", "linux-image-amd64").split("\n")
                  if "Depends:" in line)
    flags = [f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")]
    needed = output("apt-cache", "depends", "--recurse", *flags, "qemu-system-x86").split("\n")
    libraries = sorted({line for line in needed if line.startswith("lib")})
    missing = [name for name in libraries
               if subprocess.run(["dpkg", "-s", name], capture_output=True, check=False).returncode]
    # One by one: some names are of packages that only others provide.
    for name in ["qemu-system-x86", "qemu-system-data", "qemu-system-common", "seabios", "busybox-static", kernel,
                 *missing]:
        subprocess.run(["apt-get", "download", name], cwd=f"{PLACE}/packages", capture_output=True, check=False)
    for package in glob.glob(f"{PLACE}/packages/*.deb"):
        subprocess.run(["dpkg", "-x", package, TREE], check=True)
    open(f"{TREE}/complete", "w").close()


def one(pattern):
    found = sorted(glob.glob(f"{TREE}/{pattern}", recursive=True))
    if not found:
        raise SystemExit(f"{pattern}: not in the packages that were fetched to {PLACE}")
    return found[0]


def content(path):
    with open(path, "rb") as f:
        return f.read()


def modules(*names):
    """Paths of the modules and of what they need, in the order in which they have to be loaded."""
    known = {os.path.basename(path).split(".")[0].replace("-", "_"): path
             for path in glob.glob(f"{TREE}/lib/modules/*/kernel/**/*.ko*", recursive=True)}
    order = []

    def add(name):
        name = name.replace("-", "_")
        if name not in known:
            raise SystemExit(f"{name}: no such module in the kernel that was fetched")
        for needed in re.search(rb"\0depends=([^\0]*)", content(known[name])).group(1).decode().split(","):
            if needed:
                add(needed)
        if known[name] not in order:
            order.append(known[name])

    for name in names:
        add(name)
    return order


def with_libraries(*paths):
    """Programs of this machine, at their places, with the libraries that they name: {path in the guest: file}."""
    files = {}
    for path in paths:
        files[path] = os.path.realpath(path)
        for line in output("ldd", path).split("\n"):
            for word in line.split():
                if word.startswith("/"):
                    files[word] = os.path.realpath(word)
    return files


def archive(files):
    """cpio, "newc", of {path: bytes}, with the directories they lie in; everything may be executed."""
    entries = {"dev": (0o040755, b""), "proc": (0o040755, b""), "sys": (0o040755, b"")}
    for path, data in files.items():
        parts = path.strip("/").split("/")
        for depth in range(1, len(parts)):
            entries.setdefault("/".join(parts[:depth]), (0o040755, b""))
        entries["/".join(parts)] = (0o100755, data)
    out = b""
    for number, (name, (mode, data)) in enumerate([*entries.items(), ("TRAILER!!!", (0, b""))], 1):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        out += head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)
    return out


def run(name, files, *devices):
    """Starts a guest whose /init is in `files`; what its probe said, a line each, and how QEMU ended."""
    image = f"{PLACE}/{name}.img"
    with open(image, "wb") as f:
        f.write(gzip.compress(archive({"/bin/busybox": content(one("bin/busybox")), **files}), 1))
    libraries = f"{TREE}/usr/lib/x86_64-linux-gnu:{TREE}/lib/x86_64-linux-gnu"
    command = [one("usr/bin/qemu-system-x86_64"), "-L", f"{TREE}/usr/share/qemu", "-L", f"{TREE}/usr/share/seabios",
               "-M", "pc", "-m", "384", "-nic", "none", "-nographic", "-no-reboot",
               "-kernel", one("boot/vmlinuz-*"), "-initrd", image,
               "-append", "console=ttyS0 quiet panic=-1", *devices]
    ended = subprocess.run(command, env=dict(os.environ, LD_LIBRARY_PATH=libraries), stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, errors="replace", timeout=LIMIT_S, check=False)
    return [line.split("probe: ", 1)[1].strip() for line in ended.stdout.split("\n") if "probe: " in line], ended
