#!/usr/bin/python3
"""`./dev lab`: a cluster to play with, which stays until `down`.

usage: dev lab up [--nodes N] [--member-timeout T] [--bare]
       dev lab status | down | events
       dev lab shell NODE | exec NODE COMMAND... | on NODE | kill NODE | freeze NODE | thaw NODE
       dev lab cut NODE LINK [from|to|both|cable] | mend NODE LINK
LINK: eth0, eth1, all. Nodes: node1..., client. --bare: machines without a cluster.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from admin import AdminError  # noqa: E402
from cluster import BUILD, Cluster, echo_package  # noqa: E402
from lab import HERE, Lab, LabError  # noqa: E402

NAME = "play"


def option(arguments, name, default):
    if name in arguments:
        at = arguments.index(name)
        value = arguments[at + 1]
        del arguments[at:at + 2]
        return value
    return default


def up(arguments):
    nodes = int(option(arguments, "--nodes", 3))
    timeout = option(arguments, "--member-timeout", "1s")
    if "--bare" in arguments:
        Lab(nodes=nodes, name=NAME, detached=True).up()
        print(f"{nodes} machines and a client are up, nothing runs on them: ./dev lab shell node1")
        return 0
    names = [f"node{i}" for i in range(1, nodes + 1)]
    lab = Cluster(nodes=nodes, name=NAME, detached=True, member_timeout=timeout,
                  packages={"web": lambda lab: echo_package(nodes=names, shared=lab.shared)})
    lab.up()
    try:
        lab.form()
        lab.wait_running("web")
    except LabError as problem:
        print(f"the cluster does not form (the lab stays up, ./dev lab shell node1): {problem}", file=sys.stderr)
        return 1
    return status(lab)


def status(lab):
    power = {name: about["power"] for name, about in lab.nodes().items()}
    print("power   " + "   ".join(f"{name} {state}" for name, state in power.items()))
    for node in lab.names:
        if power[node] == "on" and os.path.exists(f"{BUILD}/bin/hactl"):
            run = subprocess.run([*lab.enter(node), f"{BUILD}/bin/hactl", "status"])
            if run.returncode == 0:
                return 0
    return 0


def attach():
    lab = Cluster(name=NAME)
    found = Lab.attach(NAME)
    lab.names, lab.links = found.names, found.links
    return lab


def node_command(lab, word, rest):
    node = rest[0]
    if word in ("shell", "exec"):
        command = rest[1:] if word == "exec" else [os.environ.get("SHELL", "/bin/bash")]
        os.environ["PATH"] = f"{BUILD}/bin:{os.environ['PATH']}"
        os.environ["PS1"] = f"{node}# "
        os.execv(f"{HERE}/enter", [*lab.enter(node), *command])
    elif word == "kill":
        lab.power_off(node)
    elif word == "on":
        lab.power_on(node)
    elif word == "freeze":
        lab.freeze(node)
    elif word == "thaw":
        lab.thaw(node)
    elif word == "cut":
        how = rest[2] if len(rest) > 2 else "both"
        lab.cut(node, rest[1], direction="both" if how == "cable" else how, carrier=how == "cable")
    else:
        lab.mend(node, rest[1])
    return 0


def main(arguments):
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(__doc__)
        return 0
    word, rest = arguments[0], list(arguments[1:])
    wants = {"shell": 1, "exec": 2, "kill": 1, "on": 1, "freeze": 1, "thaw": 1, "cut": 2, "mend": 2}
    try:
        if word == "up":
            return up(rest)
        if word == "down":
            Lab(name=NAME).down()
            return 0
        if word == "status":
            return status(attach())
        if word == "events":
            for event in attach().events():
                t, what = event.pop("t"), event.pop("what")
                print(f"{t:12.3f}  {what:10} {' '.join(f'{k}={v}' for k, v in event.items())}")
            return 0
        if word in wants and len(rest) >= wants[word]:
            return node_command(attach(), word, rest)
    except (LabError, OSError, AdminError) as problem:
        print(f"lab: {problem}", file=sys.stderr)
        return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
