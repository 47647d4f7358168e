#!/usr/bin/python3
"""Real watchdog devices, in a QEMU guest that has them: `./dev test --vm`. The last line counts.

QEMU, a kernel and busybox are fetched once as Debian packages and unpacked below the build directory: nothing is
installed. No KVM is needed; a guest takes half a minute.
"""
import glob
import gzip
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("MAINSTAY_BUILD", "build/main"))
PLACE = f"{BUILD}/vm"
TREE = f"{PLACE}/root"
LIMIT_S = 240
DEVICES = ("i6300esb", "softdog")
INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox insmod /watchdog.ko
/bin/busybox insmod /device.ko
/probe disarm
/probe
/bin/busybox sleep 30
echo probe: never reset
/bin/busybox poweroff -f
"""
EXPECTED = ["armed 5000000", "fed", "disarmed", "alive", "armed 5000000", "fed", "left"]


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


def archive(entries):
    """cpio, "newc": name, mode, data."""
    out = b""
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        out += head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)
    return out


def file(name, path):
    with open(path, "rb") as f:
        return name, 0o100755, f.read()


def told(device):
    """What the probe said in a guest with that device, and whether the guest was reset."""
    modules = "lib/modules/**/kernel/drivers/watchdog"
    image = f"{PLACE}/{device}.img"
    entries = [("bin", 0o040755, b""), ("dev", 0o040755, b""), file("bin/busybox", one("bin/busybox")),
               file("watchdog.ko", one(f"{modules}/watchdog.ko*")), file("device.ko", one(f"{modules}/{device}.ko*")),
               file("probe", f"{BUILD}/bin/vm_watchdog_probe"), ("init", 0o100755, INIT.encode())]
    with open(image, "wb") as f:
        f.write(gzip.compress(archive(entries)))
    libraries = f"{TREE}/usr/lib/x86_64-linux-gnu:{TREE}/lib/x86_64-linux-gnu"
    command = [one("usr/bin/qemu-system-x86_64"), "-L", f"{TREE}/usr/share/qemu", "-L", f"{TREE}/usr/share/seabios",
               "-M", "pc", "-m", "256", "-nic", "none", "-nographic", "-no-reboot",
               "-kernel", one("boot/vmlinuz-*"), "-initrd", image,
               "-append", "console=ttyS0 quiet panic=-1", "-device", "i6300esb", "-action", "watchdog=reset"]
    run = subprocess.run(command, env=dict(os.environ, LD_LIBRARY_PATH=libraries), stdin=subprocess.DEVNULL,
                         capture_output=True, text=True, errors="replace", timeout=LIMIT_S, check=False)
    return [line.split("probe: ", 1)[1].strip() for line in run.stdout.split("\n") if "probe: " in line], run


def main():
    fetch()
    failed = 0
    for device in DEVICES:
        lines, run = told(device)
        # -no-reboot: QEMU ends when the guest is reset, before the guest could say that it never was.
        good = lines == EXPECTED and run.returncode == 0
        failed += not good
        print(f"{'ok' if good else 'FAILED':6} {device}: {', '.join(lines)}")
        if not good:
            print(run.stdout[-2000:] + run.stderr[-2000:])
    print(f"{len(DEVICES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
