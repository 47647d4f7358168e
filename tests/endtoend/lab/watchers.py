"""What an observer outside says of a package: was it served, and ever by two at once? Used by demo, tests and bench."""
import json
import os
import signal
import subprocess
import time

from lab import HERE, Lab, LabError, wait


class Prober:
    """prober.py in the client; its events as they come."""

    def __init__(self, lab, *arguments):
        self.lab = lab
        self.path = f"{lab.directory}/prober.{time.monotonic_ns()}"
        self.out = open(self.path, "ab")
        self.process = lab.spawn(Lab.CLIENT, f"{HERE}/prober.py", *map(str, arguments), stdout=self.out)

    def events(self):
        with open(self.path) as f:
            return [json.loads(line) for line in f if line.endswith("\n")]

    def answered_by(self):
        """(node, generation) of the latest answer, None before the first."""
        seen = [e for e in self.events() if e["what"] in ("first", "moved")]
        return (seen[-1]["node"], seen[-1]["generation"]) if seen else None

    def wait_answer(self, node=None, limit_s=30):
        wait(f"an answer{f' of {node}' if node else ''} for the client",
             lambda: self.answered_by() and node in (None, self.answered_by()[0]), limit_s)

    def wait_move(self, old, limit_s=60):
        """Until another than `old` (node, generation) answers."""
        return wait(f"an answer of another than {old}",
                    lambda: self.answered_by() != old and self.answered_by(), limit_s)

    def wait_served(self, answers, limit_s=30):
        """Until so many more have come."""
        def count():
            return max((e["answered"] for e in self.events() if e["what"] == "count"), default=0)
        goal = count() + answers
        wait(f"{answers} more answers for the client", lambda: count() >= goal, limit_s)

    def outage_after(self, t):
        """The longest gap that ended after t, ms; 0 when there was none above the floor."""
        return max((e["ms"] for e in self.events() if e["what"] == "gap" and e["until"] > t), default=0.0)

    def stop(self):
        """Ends it; its last event (asked, answered)."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.lab.end(self.process)
        self.out.close()
        return next((e for e in self.events() if e["what"] == "end"), None)


class AddressWatch:
    """arp_watch.py in the switch."""

    def __init__(self, lab, address, bridge="br0"):
        self.lab = lab
        self.name = f"arp.{address}"
        lab.watch(self.name, f"{HERE}/arp_watch.py", address, bridge)

    def events(self):
        with open(f"{self.lab.directory}/{self.name}") as f:
            return [json.loads(line) for line in f if line.startswith("{")]

    def owners(self):
        """Names of the nodes whose stations answered, in order."""
        return ["node%d" % int(e["mac"].split(":")[-1], 16) for e in self.events() if "mac" in e]

    def problems(self):
        return [f"two stations answered for {self.name[4:]} at once: {e['both']}" for e in self.events() if "both" in e]


def shared_file_problems(path):
    """Lines of echo_service, in order: who writes after a newer generation began is a second writer."""
    problems, newest, newest_who = [], 0, ""
    try:
        with open(path) as f:
            lines = f.readlines()
    except OSError:
        return ["the shared file was never written"]
    for number, line in enumerate(lines, 1):
        word, node, generation, pid, _ = line.split()
        who = f"{node} generation {generation} pid {pid}"
        if int(generation) > newest:
            newest, newest_who = int(generation), node
        elif int(generation) < newest or node != newest_who:
            problems.append(f"{path}:{number}: {who} writes ({word}) after generation {newest} on {newest_who} began")
    return problems[:5]


def prober_problems(prober):
    return [f"generation {e['generation']} on {e['node']} answered after generation {e['newest']} did"
            for e in prober.events() if e["what"] == "backwards"]


__all__ = ["Prober", "AddressWatch", "shared_file_problems", "prober_problems", "LabError"]
