"""`./dev demo portal`: the oldest story of this field, end to end.

Two web servers share one address. They watch each other over the network and over a serial cable; each has a serial
outlet strip on which it can cut the other's power; an address with a default route moves; somebody is notified. A third
machine only votes. Shown: the cable alone keeps the two from shooting each other, and a takeover.
"""
import json
import os
import time

from cluster import ADDRESS, BUILD
from demo import URL, Demo, say, show, step, timeline, wall, web_package
from lab import LabError, wait
from watchers import AddressWatch, Prober, prober_problems, shared_file_problems

STRIP = r"""
stonith_name strip
  stonith_plugin stonith-serial-strip
  stonith_param device /dev/ttyS1
  stonith_param baud 1200
  stonith_param off_string "OFF %o\r"
  stonith_param on_string "ON %o\r"
  stonith_param status_string "STAT %o\r"
  stonith_param expect "OK"
  stonith_param status_off "%o OFF"
  stonith_param status_on "%o ON"
  stonith_timeout 10s
"""


def cluster_text(notified):
    lines = ["cluster_name portal", "member_timeout 1s"]
    for i in (1, 2, 3):
        lines += [f"node_name node{i}", "  network_interface eth0", f"    heartbeat_ip 10.77.0.{i}/24"]
    lines += ["heartbeat_name cable", "  heartbeat_plugin heartbeat-serial", "  heartbeat_param device /dev/ttyS0",
              "  heartbeat_param baud 9600", "  heartbeat_node node1", "  heartbeat_node node2", STRIP]
    lines += [f"  stonith_node_param node{i} outlet {i}" for i in (1, 2, 3)]
    lines += ["notifier_name operator", "  notifier_plugin notify-exec",
              f"  notifier_param command cat >> {notified}"]
    lines += [f"  notifier_event {event}" for event in ("node_lost", "node_fenced", "package_running")]
    return "\n".join(lines) + "\n"


class Portal(Demo):
    def __init__(self):
        super().__init__(links=("eth0",))
        self.notified = f"{self.directory}/shared/notified"
        self.text = cluster_text(self.notified)
        self.packages = {"portal": self.package_text}

    def package_text(self, _):
        """The web server of the demonstration on two nodes, its address a resource, with a default route."""
        kept = []
        for line in web_package(self).split("\n"):
            word = line.split()[0] if line.split() else ""
            if word in ("ip_subnet", "ip_address") or line.split()[:2] == ["node_name", "node3"]:
                continue
            kept.append("package_name portal" if word == "package_name" else line)
            if line.split()[:2] == ["node_name", "node2"]:
                kept += ["resource_name address", "  resource_plugin relocatable-ip",
                         f"  resource_param address {ADDRESS}", "  resource_param subnet 10.77.0.0/24",
                         "  resource_param gateway 10.77.0.200"]
        return "\n".join(kept)

    def up(self, power=True):
        super().up(False)
        self.serial_cable("node1", "node2", 9600)
        for node in self.names:
            self.power_strip(node, 1200)
        for node in self.names:
            self.power_on(node)
        return self

    def notices(self):
        """(event, node or package) of each notification that arrived."""
        try:
            with open(self.notified) as f:
                return [(m["event"], m.get("package") or m.get("node"))
                        for m in map(json.loads, filter(str.strip, f))]
        except OSError:
            return []


def cable_alone(lab, prober):
    """The network between all machines goes: over the cable the two still are a majority, so both go on."""
    before = prober.answered_by()
    lab.split(["node1"], ["node2"], ["node3"])
    lab.wait("node2 misses node1 on the network", lambda: lab.peers_by_link("node2", "eth0").get("node1") is False)
    lab.wait("node3 is missed", lambda: lab.node_state("node3", "node2") in ("lost", "fenced"))
    prober.wait_served(100)
    lab.split()
    lab.wait_nodes({n: "running" for n in lab.names})
    touched = [e["text"] for e in lab.history()
               if e["kind"] in ("node_lost", "fence_requested") and e["node"] in ("node1", "node2")]
    for text in touched:
        say(f"   PROBLEM {text}")
    say("   the network failed between all machines: the serial cable held the two together, nobody was shot,")
    say(f"   the client was served by {prober.answered_by()[0]} all the time")
    return not touched and prober.answered_by() == before


def takeover(lab, prober):
    before = prober.answered_by()
    cut = lab.power_off("node1")
    after = prober.wait_move(before)
    lab.wait("the history to hold the start", lambda: any(
        e["kind"] == "package_running" and e["time"] > wall(cut) for e in lab.history("node2")))
    complete = timeline(lab, cut, "node1", "portal", prober.outage_after(cut))
    route = lab.run("node2", "ip", "route", "show", "default").stdout.strip()
    say(f"   now served by {after[0]}; its default route: {route}")
    return complete and after[0] == "node2" and "10.77.0.200" in route


def notified(lab):
    wanted = {("node_lost", "node1"), ("node_fenced", "node1"), ("package_running", "portal")}
    wait(lambda: f"notifications {wanted}, there are {lab.notices()}", lambda: wanted <= set(lab.notices()))
    once = [n for n in lab.notices() if n == ("node_lost", "node1")]
    say(f"   the operator was told: {', '.join(f'{event} {about}' for event, about in lab.notices())}")
    return len(once) == 1


def story(lab):
    step("two web servers, a serial cable, serial outlet strips, and a third machine that only votes")
    lab.form()
    lab.wait_running("portal", "node1")
    watch, prober = AddressWatch(lab, ADDRESS), Prober(lab, "http", URL)
    prober.wait_answer("node1")
    lab.wait("the cable carries heartbeats", lambda: lab.peers_by_link("node2", "cable").get("node1"))
    wait("the switch to see the address", watch.owners)
    show(lab, "node2", "status")
    step("the network between the machines fails; the cable does not")
    good = cable_alone(lab, prober)
    step("node1 loses its power; node2 makes sure by the strip, then takes over")
    good &= takeover(lab, prober)
    step("who was told")
    good &= notified(lab)
    step("node1 is back; the service is moved over, as before an update")
    lab.wait_nodes({n: "running" for n in lab.names})
    good &= show(lab, "node2", "package", "move", "portal", "node1") == 0
    prober.wait_answer("node1")
    show(lab, "node2", "status")
    end = prober.stop()
    problems = watch.problems() + shared_file_problems(lab.shared) + prober_problems(prober)
    for problem in problems:
        say(f"   PROBLEM {problem}")
    say(f"\n   {end['answered'] if end else 0} pages fetched; two at once: {'never' if not problems else 'YES'}")
    return good and not problems and bool(end)


def main():
    begin = time.monotonic()
    lab = Portal()
    try:
        lab.up()
        good = story(lab)
    except LabError as problem:
        say(f"\ndemo portal: {problem}")
        good = False
    if not good and os.path.isdir(lab.directory):
        lab.keep_logs(f"{BUILD}/lab-logs/portal")
        say(f"the nodes' logs: {BUILD}/lab-logs/portal")
    lab.down()
    say(f"\ndemo portal {'passed' if good else 'FAILED'} after {time.monotonic() - begin:.1f} s")
    return 0 if good else 1


