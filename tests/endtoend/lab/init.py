#!/usr/bin/python3 -ISB
"""The first process of a lab node: makes the node's private world, starts what it boots, reaps. usage: init.py SPEC

Two processes: the outer one, started by the supervisor, enters the node's control group and new namespaces; its child
is process 1 inside. Both die with the supervisor, and the death of process 1 ends everything in the node.
On file descriptor 1 it says `made PID`, then, once the links are there (a line on descriptor 0), `up`.
"""
import json
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kernel  # noqa: E402

OWN = ("etc", "var", "run", "proc", "sys", "dev", "lost+found")
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
VAR = ("backups", "cache/nginx", "lib/mainstay", "lib/misc", "lib/nginx", "lib/nut", "local", "log/mainstay",
       "log/nginx", "mail", "opt", "spool", "tmp", "www")


def make_disk(disk):
    """What survives a power cut: changes to /etc, and /var (empty but for its folders)."""
    for folder in ("etc/mainstay", "etc.changes/mainstay", "etc.work"):
        os.makedirs(f"{disk}/{folder}", exist_ok=True)
    for folder in VAR:
        os.makedirs(f"{disk}/var/{folder}", exist_ok=True)
    for link, to in (("run", "/run"), ("lock", "/run/lock")):
        if not os.path.lexists(f"{disk}/var/{link}"):
            os.symlink(to, f"{disk}/var/{link}")


def make_etc(disk, etc):
    """The host's, with the node's own changes on top; /etc/mainstay is the node's alone."""
    try:
        layers = f"lowerdir=/etc,upperdir={disk}/etc.changes,workdir={disk}/etc.work"
        kernel.mount("overlay", etc, "overlay", 0, layers)
    except OSError:  # some file systems (another overlay) cannot be the upper layer: a copy then
        if not os.path.isdir(f"{disk}/etc.copy"):
            shutil.copytree("/etc", f"{disk}/etc.new", symlinks=True, ignore_dangling_symlinks=True)
            os.makedirs(f"{disk}/etc.new/mainstay", exist_ok=True)
            os.rename(f"{disk}/etc.new", f"{disk}/etc.copy")
        kernel.mount(f"{disk}/etc.copy", etc, flags=kernel.BIND)
    kernel.mount(f"{disk}/etc/mainstay", f"{etc}/mainstay", flags=kernel.BIND)


def make_dev(dev, spec):
    kernel.mount("tmpfs", dev, "tmpfs", 0, "mode=755,size=1m")
    for name in DEVICES:
        open(f"{dev}/{name}", "w").close()
        kernel.mount(f"/dev/{name}", f"{dev}/{name}", flags=kernel.BIND)
    # The terminals are the host's: a serial cable between nodes is a pair of them.
    os.mkdir(f"{dev}/pts")
    kernel.mount("/dev/pts", f"{dev}/pts", flags=kernel.BIND)
    os.mkdir(f"{dev}/shm")
    kernel.mount("tmpfs", f"{dev}/shm", "tmpfs", 0, "mode=1777,size=64m")
    # What hangs on them, if anything, is decided outside (lab.py: serial_cable, power_strip).
    for port in ("ttyS0", "ttyS1"):
        os.symlink(f"{spec['lab']}/serial/{spec['name']}.{port}", f"{dev}/{port}")
    for name, to in (("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"),
                     ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2")):
        os.symlink(to, f"{dev}/{name}")


def make_proc(proc, boot_id_file):
    """Own processes, own boot id; kernel settings read-only but for the network's, no sysrq."""
    kernel.mount("proc", proc, "proc")
    kernel.mount(f"{proc}/sys/net", f"{proc}/sys/net", flags=kernel.BIND)
    kernel.mount(f"{proc}/sys", f"{proc}/sys", flags=kernel.BIND | kernel.REC)
    kernel.mount("none", f"{proc}/sys", flags=kernel.BIND | kernel.REMOUNT | kernel.RDONLY)
    kernel.mount(boot_id_file, f"{proc}/sys/kernel/random/boot_id", flags=kernel.BIND)
    if os.path.exists(f"{proc}/sysrq-trigger"):
        kernel.mount("/dev/null", f"{proc}/sysrq-trigger", flags=kernel.BIND)


def make_root(spec):
    disk, root = spec["disk"], spec["disk"] + "/root"
    os.makedirs(root, exist_ok=True)
    make_disk(disk)
    kernel.mount("none", "/", flags=kernel.REC | kernel.PRIVATE)
    kernel.mount("tmpfs", root, "tmpfs", 0, "mode=755,size=1m")
    for name in os.listdir("/"):
        if name in OWN:
            continue
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{root}/{name}")
        elif os.path.isdir(f"/{name}"):
            os.mkdir(f"{root}/{name}")
            # /tmp holds this very root: taking its mounts along would nest them.
            kernel.mount(f"/{name}", f"{root}/{name}", flags=kernel.BIND | (0 if name == "tmp" else kernel.REC))
    for name in ("etc", "var", "run", "proc", "sys", "dev", ".old"):
        os.mkdir(f"{root}/{name}")
    make_etc(disk, f"{root}/etc")
    kernel.mount(f"{disk}/var", f"{root}/var", flags=kernel.BIND)
    kernel.mount("tmpfs", f"{root}/run", "tmpfs", 0, "mode=755,size=64m")
    os.mkdir(f"{root}/run/lock", 0o1777)
    os.symlink(spec["lab"], f"{root}/run/lab")
    make_dev(f"{root}/dev", spec)
    make_proc(f"{root}/proc", spec["boot_id_file"])
    kernel.mount("sysfs", f"{root}/sys", "sysfs", kernel.RDONLY)
    kernel.pivot_root(root, f"{root}/.old")
    os.chdir("/")
    kernel.unmount("/.old", kernel.DETACH)
    os.rmdir("/.old")


def set_links(spec):
    lines = ["link set lo up"]
    for link in spec["links"]:
        for address in link["addresses"]:
            lines.append(f"addr add {address} dev {link['name']}" + (" nodad" if ":" in address else ""))
        lines.append(f"link set {link['name']} up")
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True,
                   stdout=subprocess.DEVNULL)


def start(command, environment):
    """What the node boots, with its output in the node's own log."""
    with open("/var/log/mainstay/boot.log", "ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=True,
                                start_new_session=True, env=dict(os.environ, **environment))


def reap_forever():
    while True:
        signal.sigwait({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT})
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


def inside(spec):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT})
    if not sys.stdin.readline():
        os._exit(1)  # the supervisor is gone
    make_root(spec)
    kernel.set_host_name(spec["name"])
    set_links(spec)
    for capability in (kernel.CAP_SYS_MODULE, kernel.CAP_SYS_BOOT, kernel.CAP_SYS_TIME):
        kernel.forget_capability(capability)
    if spec["boot"]:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT})
        start(spec["boot"], spec["environment"])
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT})
    print("up", flush=True)
    reap_forever()


def main():
    with open(sys.argv[1]) as f:
        spec = json.load(f)
    kernel.die_with_parent(spec["supervisor"])
    if spec["control_group"]:
        with open(spec["control_group"], "w") as f:
            f.write(str(os.getpid()))
    kernel.unshare(kernel.NEWNS | kernel.NEWUTS | kernel.NEWIPC | kernel.NEWPID | kernel.NEWNET)
    outer = os.getpid()
    child = os.fork()
    if child == 0:
        # Inside, the parent's number is not visible (getppid gives 0): the outer process is asked for by the kernel.
        kernel.die_with_parent(0)
        try:
            inside(spec)
        except BaseException as problem:
            print(f"failed {problem}", flush=True)
            os._exit(1)
    print(f"made {child} {outer}", flush=True)
    os.waitpid(child, 0)


if __name__ == "__main__":
    main()
