#!/usr/bin/python3 -ISB
"""Owns a lab: namespaces, links, power. usage: supervisor.py LAB_DIRECTORY [PARENT_PID]   (reads lab.json there)

One thread; it answers one JSON line per connection on LAB_DIRECTORY/control.sock: {"op": ..., ...} -> {"ok": true, ...}
or {"error": "..."}. Nodes reach the same socket as /run/lab/control.sock: their power switch (the program `power`) uses
it, so power needs no network. Everything a lab is made of hangs on this process: when it ends, by whatever signal, the
kernel ends the nodes with it; what then is left (an empty control group, the directory) is removed by the next sweep().
"""
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import control_group  # noqa: E402
import kernel  # noqa: E402
from node import Node  # noqa: E402
from switch import Switch  # noqa: E402

POWER_OPS = ("off", "on", "status", "cycle")


class Supervisor:
    def __init__(self, directory):
        with open(f"{directory}/lab.json") as f:
            self.spec = json.load(f)
        self.directory = directory
        self.events = open(f"{directory}/events.jsonl", "a", buffering=1)
        place = control_group.find()
        self.group = f"{place}/{self.spec['name']}" if place else None
        if self.group:
            os.makedirs(self.group, exist_ok=True)
        self.switch = Switch(self.spec["links"])
        self.nodes = {n["name"]: Node(self, n) for n in self.spec["nodes"]}
        self.faults = {}    # node -> {"answer": fail | hang | lie | stuck, "delay_s": seconds} of its power switch
        self.helpers = []   # programs that run in the switch: watchers
        self.held = []      # connections never answered (a hanging power switch)

    def note(self, what, **fields):
        self.events.write(json.dumps(dict(t=round(time.monotonic(), 6), what=what, **fields)) + "\n")

    # --- operations: each takes the request and returns the fields of the answer

    def op_nodes(self, request):
        return {"nodes": {n.name: n.describe() for n in self.nodes.values()}}

    def op_off(self, request):
        t = self.nodes[request["node"]].power_off()
        return {"t": t}

    def op_on(self, request):
        self.nodes[request["node"]].power_on(request.get("boot", True))
        return {}

    def op_cycle(self, request):
        node = self.nodes[request["node"]]
        t = node.power_off()
        node.power_on()
        return {"t": t}

    def op_status(self, request):
        return {"power": "on" if self.nodes[request["node"]].has_power() else "off"}

    def op_freeze(self, request):
        return {"t": self.nodes[request["node"]].freeze(True)}

    def op_thaw(self, request):
        return {"t": self.nodes[request["node"]].freeze(False)}

    def op_cut(self, request):
        node = self.nodes[request["node"]]
        t = time.monotonic()
        for link in self.links_of(request):
            if request.get("carrier"):
                node.pull(link)
            else:
                self.switch.cut(node.number, link, request.get("direction", "both"))
        self.note("cut", node=node.name, link=request["link"], direction=request.get("direction", "both"))
        return {"t": t}

    def op_mend(self, request):
        node = self.nodes[request["node"]]
        for link in self.links_of(request):
            node.plug_back(link)
            self.switch.mend(node.number, link, request.get("direction", "both"))
        self.note("mend", node=node.name, link=request["link"])
        return {}

    def op_split(self, request):
        groups = [[self.nodes[n].number for n in group] for group in request["groups"]]
        t = time.monotonic()
        self.switch.split(groups, self.spec["links"] if request.get("link", "all") == "all" else [request["link"]])
        self.note("split", groups=request["groups"])
        return {"t": t}

    def op_fault(self, request):
        self.faults[request["node"]] = {"answer": request.get("answer"), "delay_s": request.get("delay_s", 0)}
        return {}

    def op_watch(self, request):
        """Starts a program in the switch; its output goes to a file of the lab."""
        out = open(f"{self.directory}/{request['output']}", "ab")
        process = subprocess.Popen(request["command"], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                   preexec_fn=lambda parent=os.getpid(): kernel.die_with_parent(parent))
        self.helpers.append(process)
        return {"pid": process.pid}

    def op_note(self, request):
        self.note(request["what"], **request.get("fields", {}))
        return {}

    def op_down(self, request):
        raise SystemExit(0)

    def links_of(self, request):
        if request["link"] == "all":
            return self.spec["links"]
        if request["link"] not in self.spec["links"]:
            raise ValueError(f"no link {request['link']}; this lab has {', '.join(self.spec['links'])}")
        return [request["link"]]

    # --- the socket

    def answer(self, connection, request):
        """None: keep the connection open and say nothing, as a power switch that hangs would."""
        if request.get("node") is not None and request["node"] not in self.nodes:
            return {"error": f"no node {request['node']}; this lab has {', '.join(self.nodes)}"}
        fault = self.faults.get(request.get("node"), {}) if request.get("from") else {}
        if request.get("from") == "reset" and fault.get("answer") != "stuck":
            fault = {}  # a node's reset is its own; it needs no power switch
        if fault.get("answer") == "hang":
            return None
        if fault.get("answer") in ("fail", "stuck"):
            return {"error": "the power switch does not work"}
        if fault.get("answer") == "lie" and request["op"] in ("off", "on", "cycle"):
            return {"ok": True}
        handler = getattr(self, "op_" + str(request.get("op")), None)
        if not handler:
            return {"error": f"unknown operation {request.get('op')}"}
        try:
            return dict(handler(request), ok=True)
        except (OSError, ValueError, KeyError, subprocess.SubprocessError) as problem:
            return {"error": f"{request['op']}: {problem}"}

    def serve_one(self, connection):
        connection.settimeout(2)
        try:
            request = json.loads(connection.makefile("rb").readline() or b"{}")
        except (OSError, ValueError):
            connection.close()
            return
        delay = self.faults.get(request.get("node"), {}).get("delay_s", 0) if request.get("from") == "power" else 0
        if delay and request.get("op") in POWER_OPS:
            # A slow power switch must not stop the lab: the request comes back through the clock.
            self.later.append((time.monotonic() + delay, connection, request))
            return
        self.finish(connection, request)

    def finish(self, connection, request):
        reply = self.answer(connection, request)
        if reply is None:
            self.held.append(connection)
            return
        try:
            connection.sendall((json.dumps(reply) + "\n").encode())
        except OSError:
            pass  # whoever asked is gone: a node that cut its own power
        connection.close()

    def serve(self, listener):
        self.later = []
        selector = selectors.DefaultSelector()
        selector.register(listener, selectors.EVENT_READ)
        while True:
            due = min((t for t, _, _ in self.later), default=None)
            for _ in selector.select(None if due is None else max(0, due - time.monotonic())):
                self.serve_one(listener.accept()[0])
            now = time.monotonic()
            ready = [e for e in self.later if e[0] <= now]
            self.later = [e for e in self.later if e[0] > now]
            for _, connection, request in ready:
                self.finish(connection, request)

    def close(self):
        for helper in self.helpers:
            helper.kill()
            helper.wait()
        for node in self.nodes.values():
            node.power_off()
        if self.group:
            control_group.ControlGroup(self.group).remove()


def main():
    directory = os.path.abspath(sys.argv[1])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    if len(sys.argv) > 2:
        kernel.die_with_parent(int(sys.argv[2]), signal.SIGTERM)
    kernel.adopt_orphans()  # process 1 of a container may reap only every other second
    kernel.unshare(kernel.NEWNET | kernel.NEWNS)
    kernel.mount("none", "/", flags=kernel.REC | kernel.PRIVATE)
    listener = socket.socket(socket.AF_UNIX)
    path = f"{directory}/control.sock"
    if os.path.exists(path):
        os.unlink(path)
    lab = None
    try:
        lab = Supervisor(directory)
        wanted = [node for node in lab.nodes.values() if node.name not in lab.spec["off"]]
        for node in wanted:
            node.power_on_begin()
        for node in wanted:
            node.power_on_finish()
        listener.bind(path)
        listener.listen(64)
        print("ready", flush=True)
        lab.serve(listener)
    except (OSError, ValueError) as problem:
        print(f"failed {problem}", flush=True)
        return 1
    finally:
        if lab:
            lab.close()
        if not lab or not lab.spec.get("keep"):
            shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
