"""A lab from Python: machines with power, cables and a clock of events. Knows nothing of Mainstay (cluster.py does).

    with Lab(nodes=3) as lab:
        lab.run("node1", "ip", "addr")
        lab.power_off("node2")

Everything belongs to a supervisor process (supervisor.py); this is its client. A lab made here ends with this process,
whatever ends it. Times are CLOCK_MONOTONIC seconds.
"""
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
BUILD = os.path.join(ROOT, os.environ.get("MAINSTAY_BUILD", "build/main"))
PROGRAMS = f"{BUILD}/bin/lab"  # programs/
sys.path.insert(0, HERE)
import control_group  # noqa: E402

PREFIX = "mainstay-lab-"
UP_LIMIT_S = 60


class LabError(Exception):
    pass


def directory_of(name):
    return os.path.join(tempfile.gettempdir(), PREFIX + name)


def start_time(pid):
    """Field 22 of /proc/PID/stat: with the number it names a process for good."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


def owner_alive(directory):
    try:
        with open(f"{directory}/supervisor") as f:
            pid, started = f.read().split()
    except (OSError, ValueError):
        return None
    return int(pid) if start_time(pid) == started else None


def sweep():
    """Removes what labs left whose supervisor was killed. Their processes are gone already; see supervisor.py."""
    place = control_group.find()
    for entry in os.listdir(tempfile.gettempdir()):
        directory = os.path.join(tempfile.gettempdir(), entry)
        if entry.startswith(PREFIX) and os.path.exists(f"{directory}/supervisor") and not owner_alive(directory):
            if place:
                control_group.ControlGroup(f"{place}/{entry}").remove()
            shutil.rmtree(directory, ignore_errors=True)


def addresses(number, links):
    """eth0 is 10.77.0.0/24 and fd00:77::/64, eth1 is 10.78.0.0/24 and fd00:78::/64, and so on."""
    return [{"name": link, "addresses": [f"10.{77 + i}.0.{number}/24", f"fd00:{77 + i}::{number}/64"]}
            for i, link in enumerate(links)]


class Lab:
    CLIENT = "client"

    def __init__(self, nodes=3, links=("eth0", "eth1"), name=None, boot=None, detached=False, environment=None):
        """boot: what each node starts at power on (argv, or a function of the node's name), None: nothing."""
        self.name = name or f"{os.getpid()}-{time.monotonic_ns() % 1000000}"
        self.directory = directory_of(self.name)
        self.links = list(links)
        self.names = [f"node{i}" for i in range(1, nodes + 1)]
        self.boot = boot if callable(boot) or boot is None else (lambda _: list(boot))
        self.environment = environment or {}
        self.detached = detached
        self.process = None
        self.pids = {}

    @classmethod
    def attach(cls, name):
        """An existing lab, by name."""
        lab = cls(name=name)
        if not owner_alive(lab.directory):
            raise LabError("no lab is up (./dev lab up starts one)")
        with open(f"{lab.directory}/lab.json") as f:
            spec = json.load(f)
        lab.links = spec["links"]
        lab.names = [n["name"] for n in spec["nodes"] if n["name"] != cls.CLIENT]
        return lab

    # --- life

    def __enter__(self):
        return self.up()

    def __exit__(self, *_):
        self.down()

    def prepare(self, name, disk):
        """Called with each node's disk before its first boot; for subclasses."""

    def up(self, power=True):
        """power False: the nodes stay off (the client does not), to attach devices first."""
        sweep()
        if owner_alive(self.directory):
            raise LabError(f"a lab {self.name} is up already")
        os.makedirs(f"{self.directory}/shared", exist_ok=True)
        nodes = [{"name": name, "number": i, "links": addresses(i, self.links),
                  "boot": self.boot(name) if self.boot else None} for i, name in enumerate(self.names, 1)]
        nodes.append({"name": self.CLIENT, "number": 200, "links": addresses(200, self.links), "boot": None})
        with open(f"{self.directory}/lab.json", "w") as f:
            json.dump({"name": PREFIX + self.name, "links": self.links, "nodes": nodes,
                       "off": [] if power else self.names, "environment": self.environment}, f, indent=1)
        for node in self.names:
            self.prepare(node, self.disk(node))
        with open(f"{self.directory}/supervisor.log", "w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-ISB", f"{HERE}/supervisor.py", self.directory,
                 *([] if self.detached else [str(os.getpid())])],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=out, text=True, start_new_session=True)
        with open(f"{self.directory}/supervisor", "w") as f:
            f.write(f"{self.process.pid} {start_time(self.process.pid)}")
        line = self.process.stdout.readline().strip()
        if line != "ready":
            self.process.wait(UP_LIMIT_S)
            raise LabError(f"the lab does not come up: {line} {self._tail('supervisor.log')}")
        return self

    def down(self):
        if self.process:
            self.process.terminate()
            self.process.wait(UP_LIMIT_S)
            self.process.stdout.close()
            self.process = None
        elif owner_alive(self.directory):
            pid = owner_alive(self.directory)
            handle = os.pidfd_open(pid)
            os.kill(pid, signal.SIGTERM)
            select.select([handle], [], [], UP_LIMIT_S)
            os.close(handle)
        sweep()

    def _tail(self, name):
        try:
            with open(f"{self.directory}/{name}") as f:
                return f.read()[-2000:]
        except OSError:
            return ""

    # --- the supervisor's operations

    def request(self, op, **fields):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            connection.connect(f"{self.directory}/control.sock")
            connection.sendall(json.dumps(dict(fields, op=op)).encode() + b"\n")
            answer = json.loads(connection.makefile("rb").readline() or b'{"error": "the supervisor is gone"}')
        if "error" in answer:
            raise LabError(answer["error"])
        return answer

    def power_off(self, node):
        return self.request("off", node=node)["t"]

    def power_on(self, node, boot=True):
        self.request("on", node=node, boot=boot)

    def power(self, node):
        return self.request("status", node=node)["power"]

    def freeze(self, node):
        return self.request("freeze", node=node)["t"]

    def thaw(self, node):
        return self.request("thaw", node=node)["t"]

    def cut(self, node, link="all", direction="both", carrier=False):
        """direction: from the node, to it, both. carrier: the cable is pulled instead (the node sees it)."""
        return self.request("cut", node=node, link=link, direction=direction, carrier=carrier)["t"]

    def mend(self, node, link="all", direction="both"):
        self.request("mend", node=node, link=link, direction=direction)

    def split(self, *groups, link="all"):
        """Lists of node names that do not hear each other; no groups: whole again. The client hears everybody."""
        return self.request("split", groups=groups, link=link)["t"]

    def fault(self, node, answer=None, delay_s=0):
        """How the power switch of `node` answers nodes: None as it should, fail, hang, lie; stuck: not even the node's
        own reset works."""
        self.request("fault", node=node, answer=answer, delay_s=delay_s)

    def watch(self, output, *command):
        """Runs a program in the switch, output to a file of the lab; it ends with the lab."""
        self.request("watch", output=output, command=list(command))

    def serial_cable(self, one, other, baud=9600, port="ttyS0", **options):
        """Joins /dev/ttyS0 of two nodes by a cable of that speed; options: loss, flip (parts of the bytes)."""
        name = f"cable.{one}.{other}"
        words = [part for key, value in options.items() for part in (f"--{key}", str(value))]
        self.watch(name, sys.executable, f"{HERE}/serial_relay.py", self.serial(one, port), self.serial(other, port),
                   "--baud", str(baud), "--control", f"{self.directory}/{name}.sock", *words)
        self._wait_ready(name)

    def cable(self, one, other, command):
        """cut, join, loss P, flip P, baud N for a serial cable."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as control:
            control.sendto(command.encode(), f"{self.directory}/cable.{one}.{other}.sock")

    def power_strip(self, node, baud=1200, port="ttyS1", *options):
        """An outlet strip on /dev/ttyS1 of `node`; outlet n is the power of node n. power_strip.py has the commands."""
        outlets = [part for i, name in enumerate(self.names, 1) for part in
                   ("--outlet", str(i), *(f"{PROGRAMS}/power --lab {self.directory} {name} {action}"
                                          for action in ("off", "on")),
                    "--status", str(i), f"{PROGRAMS}/power --lab {self.directory} {name} status")]
        self.watch(f"strip.{node}", sys.executable, f"{HERE}/power_strip.py", self.serial(node, port), *outlets,
                   "--baud", str(baud), *options)
        self._wait_ready(f"strip.{node}")

    def watchdog(self, node):
        """A watchdog for `node`, /run/lab/watchdog.NODE inside it: not fed in time, it cuts the power for good."""
        self.watch(f"watchdog.{node}.log", sys.executable, f"{HERE}/watchdog.py", self.directory, node)
        self._wait_ready(f"watchdog.{node}.log")

    def watchdog_said(self, node):
        return self._tail(f"watchdog.{node}.log").split("\n")[1:-1]

    def serial(self, node, port):
        os.makedirs(f"{self.directory}/serial", exist_ok=True)
        return f"{self.directory}/serial/{node}.{port}"

    def _wait_ready(self, name):
        wait(f"{name} is ready", lambda: self._tail(name).startswith("ready"), 10)

    def note(self, what, **fields):
        self.request("note", what=what, fields=fields)

    def events(self):
        with open(f"{self.directory}/events.jsonl") as f:
            return [json.loads(line) for line in f if line.endswith("\n")]

    def nodes(self):
        return self.request("nodes")["nodes"]

    # --- in a node

    def enter(self, node):
        about = self.nodes().get(node)
        if not about:
            raise LabError(f"no node {node}; this lab has {', '.join(self.nodes())}")
        if not about["pid"]:
            raise LabError(f"{node} has no power")
        return [f"{HERE}/enter", str(about["pid"]), about["procs"] or "-"]

    def run(self, node, *command, check=True, limit_s=30, text=None):
        """Runs to the end in `node`. Output is captured; a failure with `check` raises with all of it."""
        process = self.spawn(node, *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
        try:
            out, err = process.communicate(text, timeout=limit_s)
        except subprocess.TimeoutExpired:
            # What it started may live on in a group of its own and hold the pipes: its output is not waited for.
            self.end(process)
            raise LabError(f"{node}: {' '.join(command)}: not finished after {limit_s} s") from None
        if check and process.returncode:
            raise LabError(f"{node}: {' '.join(command)}: exit code {process.returncode}\n{out}{err}")
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def spawn(self, node, *command, **options):
        """A process in `node`, in a process group of its own (end it with end())."""
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen([*self.enter(node), *command], start_new_session=True, **options)

    @staticmethod
    def end(process):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        for stream in filter(None, (process.stdin, process.stdout, process.stderr)):
            stream.close()

    def disk(self, node):
        return f"{self.directory}/nodes/{node}"

    def path(self, node, name):
        """A file below the node's /etc/mainstay or /var, as it is called out here (works while the node is off)."""
        if not name.startswith(("/etc/mainstay", "/var/")):
            raise ValueError(f"{name} is not on the node's own disk (/etc/mainstay, /var)")
        return self.disk(node) + name

    def write(self, node, name, text, mode=0o644):
        path = self.path(node, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w") as f:
            f.write(text)
        os.chmod(path + ".new", mode)
        os.rename(path + ".new", path)

    def processes(self, node, program=None):
        """(pid outside, argv) of the node's processes, of those whose program or script is called `program`."""
        found = []
        about = self.nodes()[node]
        if not about["procs"]:
            raise LabError("listing a node's processes needs a writable cgroup2 hierarchy")
        with open(about["procs"]) as f:
            pids = [int(line) for line in f]
        for pid in pids:
            try:
                with open(f"/proc/{pid}/cmdline") as f:
                    argv = f.read().split("\0")[:-1]
            except OSError:
                continue
            if argv and (program is None or program in [os.path.basename(a) for a in argv[:3]]):
                found.append((pid, argv))
        return found

    def wait_process(self, node, program, argument):
        """The pid of its process with that argument: a service is a shell for a moment before it is what it becomes."""
        return wait(f"{program} {argument} runs on {node}",
                    lambda: [pid for pid, argv in self.processes(node, program) if argument in argv])[0]

    def kill(self, node, program, number=signal.SIGKILL):
        """Sends a signal to the processes of `node` called `program`; how many there were."""
        found = self.processes(node, program)
        for pid, _ in found:
            os.kill(pid, number)
        return len(found)


def wait(what, predicate, limit_s=30, pace_s=0.02):
    """The first true value of predicate(). Raises with `what` (a text, or a function that makes one) at the limit."""
    end = time.monotonic() + limit_s
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f"after {limit_s} s still not: {what() if callable(what) else what}")
        time.sleep(pace_s)  # pace: of asking again, until the limit
