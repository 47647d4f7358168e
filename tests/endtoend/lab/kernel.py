"""The few system calls that Python 3.11 has no name for, and one netlink message."""
import ctypes
import errno
import os
import signal
import socket
import struct

NEWNS, NEWUTS, NEWIPC, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x20000000, 0x40000000
RDONLY, REMOUNT, BIND, REC, PRIVATE = 1, 32, 4096, 16384, 1 << 18
DETACH = 2
CAP_SYS_MODULE, CAP_SYS_BOOT, CAP_SYS_TIME = 16, 22, 25
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_CHILD_SUBREAPER = 1, 24, 36
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]


def _check(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def unshare(flags):
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(source, target, kind="none", flags=0, data=""):
    _check(_libc.mount(source.encode(), target.encode(), kind.encode(), flags, data.encode()),
           f"mount {source} on {target}")


def unmount(target, flags=0):
    _check(_libc.umount2(target.encode(), ctypes.c_int(flags)), f"unmount {target}")


def pivot_root(new, old):
    _check(_libc.syscall(ctypes.c_long(_PIVOT_ROOT[os.uname().machine]), new.encode(), old.encode()), "pivot_root")


def set_host_name(name):
    _check(_libc.sethostname(name.encode(), ctypes.c_size_t(len(name))), "sethostname")


def die_with_parent(parent, number=signal.SIGKILL):
    """Ends this process when `parent` ends, also when it already has."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(number), 0, 0, 0), "prctl")
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans():
    """Orphans below this process become its children, not those of process 1."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0), "prctl")


def forget_capability(number):
    """No process below this one can have it again."""
    _check(_libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(number), 0, 0, 0), "prctl")


class LinkControl:
    """Sets interfaces of the network namespace it was made in up or down within microseconds, starting no program."""

    def __init__(self):
        self.socket_ = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        self.socket_.bind((0, 0))

    def set(self, index, up):
        flag = 1  # IFF_UP
        body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flag if up else 0, flag)
        header = struct.pack("=IHHII", 16 + len(body), 16, 5, 1, 0)  # RTM_NEWLINK, REQUEST | ACK
        self.socket_.send(header + body)
        answer = self.socket_.recv(4096)
        code = struct.unpack_from("=i", answer, 16)[0]
        if -code == errno.ENODEV and not up:
            return  # it went with the namespace of a node that has just died
        if code:
            raise OSError(-code, f"interface {index}: {os.strerror(-code)}")
