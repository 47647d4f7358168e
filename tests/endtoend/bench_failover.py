#!/usr/bin/python3
"""What a client sees, measured: outage when nodes die, planned moves, service death; idle cost; command latency.

usage: bench_failover.py [--json] [--runs N] [--timeout T]
Address + UDP echo package, a fence that answers at once, member_timeout T (1 s). The client asks every 2 ms; an outage
is the time between the last answer before and the first after; below 15 ms it counts as 0. Nothing is asserted here.
"""
import json
import os
import random
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lab"))
from cluster import ADDRESS, PORT, Cluster, echo_package, program  # noqa: E402
from lab import LabError  # noqa: E402
from watchers import AddressWatch, Prober, prober_problems, shared_file_problems  # noqa: E402

IDLE_S = 20
SETTLE_S = 1.0
BEAT_S = 0.125  # T / 8 at the default T


def summary(values, unit="ms"):
    values = [v for v in values if v is not None]
    if not values:
        return {"n": 0, "unit": unit}
    return {"n": len(values), "median": round(statistics.median(values), 1), "min": round(min(values), 1),
            "max": round(max(values), 1), "unit": unit, "values": [round(v, 1) for v in values]}


class Bench:
    def __init__(self, runs, timeout):
        self.runs = runs
        self.lab = Cluster(packages={"web": lambda lab: echo_package(shared=lab.shared, restarts="unlimited")},
                           member_timeout=timeout)
        self.failed = []

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def everybody(self):
        self.lab.wait_nodes({n: "running" for n in self.lab.names})

    def crash(self, of_leader):
        """Outage when the node that runs the package dies, which is the leader or is not."""
        self.everybody()
        leader = self.lab.wait("a leader all agree on", self.lab.leader)
        victim = leader if of_leader else next(n for n in self.lab.names if n != leader)
        self.move_to(victim)
        self.quiet()
        time.sleep(random.uniform(0, BEAT_S))  # pace: the moment between two beats is any, not the same in all runs
        before = self.prober.answered_by()
        cut = self.lab.power_off(victim)
        self.prober.wait_move(before)
        self.quiet()
        return self.prober.outage_after(cut)

    def quiet(self):
        end = time.monotonic() + SETTLE_S
        while time.monotonic() < end:
            time.sleep(0.05)  # pace: lets a gap that is still open be written down

    def move_to(self, node):
        if self.lab.package("web")["node"] != node:
            self.lab.hactl(node, "package", "move", "web", node)
            self.prober.wait_answer(node)

    def move(self):
        here = self.lab.package("web")["node"]
        there = next(n for n in self.lab.names if n != here)
        self.quiet()
        begin = time.monotonic()
        self.move_to(there)
        took = time.monotonic() - begin
        self.quiet()
        return self.prober.outage_after(begin), took * 1000

    def service_death(self):
        """From SIGKILL of the service to the next answer; its restarts are unlimited here, so it stays on its node."""
        node = self.lab.package("web")["node"]
        self.quiet()
        begin = time.monotonic()
        self.lab.kill(node, "echo_service")
        self.quiet()
        return self.prober.outage_after(begin)

    def repeat(self, name, case, runs=None):
        values = []
        for number in range(runs or self.runs):
            try:
                values.append(case())
                self.say(f"{name} {number + 1}: {values[-1]}")
            except LabError as problem:
                self.failed.append(f"{name}: {problem}")
                self.say(f"{name} {number + 1}: FAILED {problem}")
        return values

    def idle(self):
        """CPU and memory of a node's processes while nothing happens: of the one with the package, and of another."""
        self.everybody()
        result = {}
        home = self.lab.package("web")["node"]
        for role, node in (("active", home), ("passive", next(n for n in self.lab.names if n != home))):
            pids = [p for p, argv in self.lab.processes(node) if os.path.basename(argv[0]).startswith("mainstay")]
            before, begin = sum(map(cpu_ns, pids)), time.monotonic()
            while time.monotonic() - begin < IDLE_S:
                time.sleep(0.5)  # pace: the measuring time itself
            took = time.monotonic() - begin
            result[role] = {"cpu_percent": round((sum(map(cpu_ns, pids)) - before) / took / 1e7, 2),
                            "pss_mb": round(sum(map(pss_kb, pids)) / 1024, 1), "processes": len(pids)}
        return result

    def status_latency(self):
        values = []
        for _ in range(self.runs):
            begin = time.monotonic()
            self.lab.run("node2", program("hactl"), "status")
            values.append((time.monotonic() - begin) * 1000)
        return values

    def run(self):
        result = {"load": os.getloadavg()[0], "machine": f"{os.cpu_count()} CPUs", "runs": self.runs}
        begin = time.monotonic()
        self.lab.up()
        self.lab.form()
        result["cold_start_to_formed"] = summary([(time.monotonic() - begin) * 1000])
        self.lab.wait_running("web")
        result["cold_start_to_package"] = summary([(time.monotonic() - begin) * 1000])
        result["idle"] = self.idle()
        result["hactl_status"] = summary(self.status_latency())
        watch = AddressWatch(self.lab, ADDRESS)
        self.prober = Prober(self.lab, "udp", ADDRESS, PORT)
        self.lab.probers.append(self.prober)
        self.prober.wait_answer()
        moves = self.repeat("planned move", self.move)
        result["planned_move"] = summary([m[0] for m in moves])
        result["planned_move_command"] = summary([m[1] for m in moves])
        result["service_death"] = summary(self.repeat("service death", self.service_death))
        result["follower_crash"] = summary(self.repeat("follower crash", lambda: self.crash(False)))
        result["leader_crash"] = summary(self.repeat("leader crash", lambda: self.crash(True)))
        result["problems"] = watch.problems() + prober_problems(self.prober) + shared_file_problems(self.lab.shared)
        result["failed"] = self.failed
        return result


def cpu_ns(pid):
    """Run time of all threads, ns."""
    total = 0
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat") as f:
                total += int(f.read().split()[0])
    except OSError:
        pass
    return total


def pss_kb(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0


NAMES = [("follower_crash", "outage, crash of a follower"), ("leader_crash", "outage, crash of the leader"),
         ("planned_move", "outage, planned move"), ("planned_move_command", "planned move, the command"),
         ("service_death", "outage, service killed"), ("hactl_status", "hactl status"),
         ("cold_start_to_formed", "cold start to formed"), ("cold_start_to_package", "cold start to package running")]


def table(result):
    print("| measured | median | range | n |\n|---|---|---|---|")
    for key, name in NAMES:
        row = result[key]
        if row["n"]:
            print(f"| {name} | {row['median']:.0f} ms | {row['min']:.0f} to {row['max']:.0f} ms | {row['n']} |")
    for role, cost in result["idle"].items():
        print(f"| idle, {role} node | {cost['cpu_percent']} % CPU | {cost['pss_mb']} MB PSS | "
              f"{cost['processes']} processes |")
    for problem in result["problems"] + result["failed"]:
        print(f"PROBLEM {problem}")


def main(arguments):
    runs = int(arguments[arguments.index("--runs") + 1]) if "--runs" in arguments else 20
    timeout = arguments[arguments.index("--timeout") + 1] if "--timeout" in arguments else "1s"
    bench = Bench(runs, timeout)
    try:
        result = bench.run()
    finally:
        bench.lab.down()
    print(json.dumps(result, indent=1)) if "--json" in arguments else table(result)
    return 1 if result["problems"] or result["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
