"""One machine of the lab, as the supervisor sees it: power, freezing, cables."""
import json
import os
import selectors
import signal
import subprocess
import sys
import time
import uuid

from control_group import ControlGroup

HERE = os.path.dirname(os.path.abspath(__file__))
BOOT_LIMIT_S = 20


class Node:
    def __init__(self, lab, spec):
        self.lab, self.spec = lab, spec
        self.name, self.number = spec["name"], spec["number"]
        self.disk = f"{lab.directory}/nodes/{self.name}"
        os.makedirs(self.disk, exist_ok=True)
        self.group = ControlGroup(f"{lab.group}/{self.name}") if lab.group else None
        self.outer = None   # the process we started; its child is process 1 of the node
        self.pid = None     # that child's number outside
        self.boots = 0
        self.dead = []      # first processes of former boots
        self.pulled = set()

    def describe(self):
        return {"power": "on" if self.has_power() else "off", "pid": self.pid, "boots": self.boots, "disk": self.disk,
                "procs": self.group.procs if self.group else None, "number": self.number}

    def has_power(self):
        """The truth, not a memory: is any process of the node alive?"""
        if self.group:
            return self.group.populated()
        return bool(self.pid) and os.path.exists(f"/proc/{self.pid}")

    def power_on(self, boot=True):
        if self.has_power():
            return
        self.power_on_begin(boot)
        self.power_on_finish()

    def power_on_begin(self, boot=True):
        self._bury()
        if self.group:
            self.group.freeze(False)  # a machine that hung does not come back hanging
        self.boots += 1
        boot_id = f"{self.disk}/boot_id.{self.boots}"
        with open(boot_id, "w") as f:
            f.write(f"{uuid.uuid4()}\n")
        spec = f"{self.disk}/init.json"
        with open(spec, "w") as f:
            json.dump({"name": self.name, "disk": self.disk, "lab": self.lab.directory, "supervisor": os.getpid(),
                       "control_group": self.group.procs if self.group else None, "boot_id_file": boot_id,
                       "links": self.spec["links"], "boot": self.spec["boot"] if boot else None,
                       "environment": self.lab.spec["environment"]}, f)
        with open(f"{self.disk}/init.err", "ab") as errors:
            self.outer = subprocess.Popen([sys.executable, "-ISB", f"{HERE}/init.py", spec], stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, stderr=errors, bufsize=0, start_new_session=True)

    def power_on_finish(self):
        word, *rest = self._says("made").split()
        self.pid = int(rest[0])
        self.lab.switch.plug(self.number, self.pid)
        for link in self.pulled:
            self.lab.switch.carrier(self.number, link, False)
        self.outer.stdin.write(b"links are there\n")
        self._says("up")
        self.lab.note("power on", node=self.name)

    def _says(self, expected):
        """The next line of the node's first process; anything but `expected` ends the boot."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.outer.stdout, selectors.EVENT_READ)
            line = self.outer.stdout.readline().decode() if selector.select(BOOT_LIMIT_S) else "nothing for too long"
        if not line.startswith(expected):
            self.power_off()
            with open(f"{self.disk}/init.err") as f:
                errors = f.read()[-1500:]
            raise OSError(f"{self.name} does not boot: {line.strip()} {errors}")
        return line

    def power_off(self):
        """Every process at once, then the links. Returns the moment (CLOCK_MONOTONIC) just before."""
        t = time.monotonic()
        if self.group:
            self.group.kill()
        elif self.pid:
            os.kill(self.pid, signal.SIGKILL)
        for link in self.lab.spec["links"]:
            self.lab.switch.carrier(self.number, link, False)
        if self.group and not self.group.wait("populated", "0", 10):
            raise OSError(f"{self.name}: processes survive a power cut")
        if self.outer:
            self.lab.note("power off", node=self.name, at=round(t, 6))
        self._bury()
        return t

    def _bury(self):
        if self.outer:
            self.outer.wait(10)
            self.outer.stdin.close()
            self.outer.stdout.close()
            self.dead += [self.pid] if self.pid else []
        self.outer = self.pid = None
        self._reap()

    def _reap(self):
        """Process 1 of a dead node is our child now, but cannot be reaped before all that was in its pid namespace is;
        some of that may be for others to reap (a command run from outside). Nobody waits for it."""
        left = []
        for pid in self.dead:
            try:
                if os.waitpid(pid, os.WNOHANG)[0] == 0:
                    left.append(pid)
            except ChildProcessError:
                pass  # its parent, the outer process, had time to do it
        self.dead = left

    def freeze(self, on):
        if not self.group:
            raise OSError("freezing a node needs a writable cgroup2 hierarchy")
        t = time.monotonic()
        if not self.group.freeze(on):
            raise OSError(f"{self.name}: does not {'freeze' if on else 'thaw'}")
        self.lab.note("freeze" if on else "thaw", node=self.name)
        return t

    def pull(self, link):
        self.pulled.add(link)
        self.lab.switch.carrier(self.number, link, False)

    def plug_back(self, link):
        if link in self.pulled:
            self.pulled.discard(link)
            if self.has_power():
                self.lab.switch.carrier(self.number, link, True)

