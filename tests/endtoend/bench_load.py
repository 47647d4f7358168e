#!/usr/bin/python3
"""Does load on a machine look like a failure? usage: bench_load.py [--json] [--seconds N] [--timeout T]

Three nodes on this machine, member_timeout T (1 s), and two processes per core that only compute, for N seconds
(600). Counted: members lost, elections, fences, and what a client missed. Nothing is asserted here.
"""
import collections
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lab"))
from cluster import ADDRESS, PORT, Cluster, echo_package  # noqa: E402
from lab import Lab  # noqa: E402
from watchers import Prober  # noqa: E402

BUSY_PER_CORE = 2
COUNTED = ("node_lost", "fence_requested", "node_fenced", "package_starting", "package_failed")


def argument(arguments, name, fallback):
    return arguments[arguments.index(name) + 1] if name in arguments else fallback


def measure(lab, seconds):
    lab.up()
    lab.form()
    lab.wait_running("web")
    prober = Prober(lab, "udp", ADDRESS, PORT)
    lab.probers.append(prober)
    prober.wait_answer()
    leader = lab.wait("a leader all agree on", lab.leader)
    known = len(lab.history())
    busy = [subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"], start_new_session=True)
            for _ in range(BUSY_PER_CORE * os.cpu_count())]
    begin, leaders, loads = time.monotonic(), [leader], []
    try:
        while time.monotonic() - begin < seconds:
            time.sleep(1)  # pace: the measuring time itself
            loads.append(os.getloadavg()[0])
            now = lab.leader()
            if now and now != leaders[-1]:
                leaders.append(now)
    finally:
        for process in busy:
            Lab.end(process)
    kinds = collections.Counter(entry["kind"] for entry in lab.history()[known:])
    return {"seconds": round(time.monotonic() - begin), "machine": f"{os.cpu_count()} CPUs",
            "busy_processes": len(busy), "load": {"median": sorted(loads)[len(loads) // 2], "max": max(loads)},
            "changes_of_leader": len(leaders) - 1, **{kind: kinds[kind] for kind in COUNTED},
            "longest_gap_ms": prober.outage_after(begin)}


def main(arguments):
    lab = Cluster(packages={"web": lambda lab: echo_package(shared=lab.shared)},
                  member_timeout=argument(arguments, "--timeout", "1s"))
    try:
        result = measure(lab, int(argument(arguments, "--seconds", "600")))
    finally:
        lab.down()
    if "--json" in arguments:
        print(json.dumps(result, indent=1))
    else:
        for name, value in result.items():
            print(f"{name.replace('_', ' '):20} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
