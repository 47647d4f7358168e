"""A node as a cgroup v2 leaf: frozen = a hung machine, killed = a power cut, for every process in it at once.

No controller is needed, so any writable cgroup2 hierarchy will do. Without one `find()` gives None, and a node's power
then hangs on the first process of its pid namespace alone.
"""
import os
import select
import time

PLACES = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")


def find():
    for place in PLACES:
        if os.path.exists(f"{place}/cgroup.subtree_control") and os.access(place, os.W_OK):
            try:
                with open("/proc/mounts") as f:
                    if any(line.split()[1] == place and "ro" not in line.split()[3].split(",") for line in f):
                        return place
            except OSError:
                pass
    return None


class ControlGroup:
    def __init__(self, path):
        self.path = path
        os.makedirs(path, exist_ok=True)

    @property
    def procs(self):
        return f"{self.path}/cgroup.procs"

    def write(self, name, text):
        with open(f"{self.path}/{name}", "w") as f:
            f.write(text)

    def events(self):
        with open(f"{self.path}/cgroup.events") as f:
            return dict(line.split() for line in f)

    def populated(self):
        return self.events()["populated"] == "1"

    def kill(self):
        self.write("cgroup.kill", "1")

    def freeze(self, on):
        self.write("cgroup.freeze", "1" if on else "0")
        return self.wait("frozen", "1" if on else "0", 5)

    def wait(self, key, value, limit_s):
        """Until cgroup.events says so; the kernel signals each change of that file by POLLPRI."""
        end = time.monotonic() + limit_s
        with open(f"{self.path}/cgroup.events") as f:
            poll = select.poll()
            poll.register(f, select.POLLPRI)
            while True:
                f.seek(0)
                if dict(line.split() for line in f)[key] == value:
                    return True
                left = end - time.monotonic()
                if left <= 0:
                    return False
                poll.poll(min(left, 0.1) * 1000)

    def remove(self):
        """Kills what is left and removes the group with its children."""
        if not os.path.isdir(self.path):
            return
        self.kill()
        self.wait("populated", "0", 5)
        for name in os.listdir(self.path):
            if os.path.isdir(f"{self.path}/{name}"):
                os.rmdir(f"{self.path}/{name}")
        os.rmdir(self.path)
