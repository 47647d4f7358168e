"""One of every kind of device in a real cluster: serial cable, serial strip, UPS, notifications."""
import os
import unittest

from cluster import Cluster, cluster_text, echo_package
from lab import LabError, wait
from mainstay_case import MainstayCase
from portal import STRIP


class SerialCable(MainstayCase):
    """One network, and a cable between node1 and node2."""

    def make(self):
        extra = ("heartbeat_name cable\n  heartbeat_plugin heartbeat-serial\n  heartbeat_param device /dev/ttyS0\n"
                 "  heartbeat_param baud 9600\n  heartbeat_node node1\n  heartbeat_node node2\n")
        lab = Cluster(links=("eth0",), packages={"web": lambda lab: echo_package(shared=lab.shared)}, extra=extra)
        return lab

    def setUp(self):
        self.lab = self.make()
        self.addCleanup(self.finish)
        self.lab.up(False)
        self.lab.serial_cable("node1", "node2", 9600)
        for node in self.lab.names:
            self.lab.power_on(node)
        self.lab.form()
        self.begin()
        self.lab.wait("the cable carries heartbeats", lambda: self.lab.peers_by_link("node2", "cable").get("node1"))

    def test_the_cable_keeps_a_node_alive_that_the_network_lost(self):
        before = self.prober.answered_by()
        # node1 and node2 hear each other over the cable alone, and nobody hears node3: two of three go on.
        self.lab.split(["node1"], ["node2"], ["node3"])
        self.lab.wait("node2 misses node1 on the network",
                      lambda: self.lab.peers_by_link("node2", "eth0").get("node1") is False)
        self.lab.wait("node3 is missed", lambda: self.lab.node_state("node3", "node2") in ("lost", "fenced"))
        self.prober.wait_served(500)
        self.lab.split()
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        for node in ("node1", "node2"):
            self.assertNotIn("node_lost", self.kinds("node2", node=node))
            self.assertNotIn("fence_requested", self.kinds("node2", node=node))
        self.assertEqual(self.prober.answered_by(), before)
        self.check_safety()

    def test_a_bad_cable_loses_beats_and_nothing_else(self):
        self.lab.cable("node1", "node2", "flip 0.01")
        self.lab.cable("node1", "node2", "loss 0.01")
        self.lab.hactl("node3", "package", "move", "web", "node2")
        self.prober.wait_answer("node2")
        self.lab.cable("node1", "node2", "cut")
        self.lab.wait("the cable is seen to be down",
                      lambda: self.lab.peers_by_link("node2", "cable").get("node1") is False)
        self.lab.cable("node1", "node2", "flip 0")
        self.lab.cable("node1", "node2", "loss 0")
        self.lab.cable("node1", "node2", "join")
        self.lab.wait("the cable carries again", lambda: self.lab.peers_by_link("node2", "cable").get("node1"))
        self.assertNotIn("node_lost", self.kinds("node3"))
        self.check_safety()


class SerialStrip(MainstayCase):
    def make(self):
        text = cluster_text(3)
        begin, end = text.index("stonith_name power"), text.index("  stonith_timeout 5s\n")
        strip = STRIP + "".join(f"  stonith_node_param node{i} outlet {i}\n" for i in (1, 2, 3))
        text = text[:begin] + strip + text[end + len("  stonith_timeout 5s\n"):]
        return Cluster(text=text, packages={"web": lambda lab: echo_package(shared=lab.shared)})

    def setUp(self):
        self.lab = self.make()
        self.addCleanup(self.finish)
        self.lab.up(False)
        for node in self.lab.names:
            self.lab.power_strip(node, 1200)
        for node in self.lab.names:
            self.lab.power_on(node)
        self.lab.form()
        self.begin()

    def test_a_node_is_switched_off_and_read_back_over_the_strip(self):
        before = self.prober.answered_by()
        boots = self.lab.nodes()["node1"]["boots"]
        self.lab.freeze("node1")
        self.prober.wait_move(before)
        self.assertTrue(any(e["kind"] == "node_fenced" and "strip" in e["text"] for e in self.lab.history("node2")))
        self.lab.wait("the strip switched it on again", lambda: self.lab.nodes()["node1"]["boots"] > boots)
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        self.check_safety()


class Ups(MainstayCase):
    """upsd with dummy-ups on the client; node1 hangs on that UPS."""
    CONFIGURATION = {
        "ups.conf": "[ups1]\n  driver = dummy-ups\n  port = ups1.dev\n  pollinterval = 1\n",
        "ups1.dev": "ups.mfr: Sim\nups.model: One\nups.status: OL\nbattery.charge: 100\nbattery.runtime: 1800\n",
        "upsd.conf": "LISTEN 10.77.0.200 3493\nMAXAGE 15\n",
        "upsd.users": "[admin]\n  password = adminpw\n  actions = SET\n  instcmds = ALL\n",
    }

    def make(self):
        extra = ("event_name ups\n  event_plugin event-ups-nut\n  event_param ups ups1\n"
                 "  event_param host 10.77.0.200\n  event_param poll 100ms\n"
                 "  on_battery_after 2s\n  on_battery_action drain\n")
        text = cluster_text(3, extra=extra).replace("node_name node2\n", "  power_source ups\nnode_name node2\n")
        return Cluster(text=text, packages={"web": lambda lab: echo_package(shared=lab.shared)})

    def setUp(self):
        self.lab = self.make()
        self.addCleanup(self.finish)
        self.lab.up(False)
        self.start_upsd()
        for node in self.lab.names:
            self.lab.power_on(node)
        self.lab.form()
        self.begin()

    def start_upsd(self):
        for name, text in self.CONFIGURATION.items():
            self.lab.write("client", f"/var/lib/nut/{name}", text, 0o640)
        os.chmod(self.lab.path("client", "/var/lib/nut"), 0o770)
        self.nut("/lib/nut/dummy-ups", "-u", "root", "-a", "ups1")
        self.nut("/lib/nut/upsd", "-u", "root")

        def answers():
            return "OL" in self.nut("upsc", "ups1@10.77.0.200", "ups.status", check=False)
        wait("upsd answers", answers)

    def nut(self, *command, check=True):
        folder = "/var/lib/nut"
        variables = [f"{name}={folder}" for name in ("NUT_CONFPATH", "NUT_STATEPATH", "NUT_PIDPATH", "NUT_ALTPIDPATH")]
        # A daemon keeps the output open: into a file, so that nobody waits for its end.
        run = self.lab.run("client", "sh", "-c", f'"$@" > {folder}/out 2>&1', "sh", "env", *variables, *command,
                           check=False)
        with open(self.lab.path("client", f"{folder}/out")) as f:
            out = f.read()
        if check and run.returncode:
            raise LabError(f"{command}: exit code {run.returncode} {out}")
        return out

    def ups(self, status):
        self.nut("upsrw", "-s", f"ups.status={status}", "-u", "admin", "-p", "adminpw", "ups1@10.77.0.200")

    def test_on_battery_drains_and_mains_power_cancels(self):
        self.lab.wait("the UPS is known", lambda: "ups_on_mains" in self.kinds("node2"))
        self.ups("OB")
        self.lab.wait("on battery is in the history", lambda: "ups_on_battery" in self.kinds("node2"))
        self.ups("OL")
        self.lab.wait("mains is in the history", lambda: self.kinds("node2").count("ups_on_mains") > 1)
        self.assertEqual(self.lab.package("web")["node"], "node1")
        self.ups("OB")
        self.prober.wait_move(("node1", self.prober.answered_by()[1]))
        self.assertNotEqual(self.lab.wait_running("web", ["node2", "node3"]), "node1")
        self.assertEqual(self.lab.power("node1"), "on")
        self.assertNotIn("fence_requested", self.kinds("node2"))
        self.check_safety()

    def test_a_low_battery_acts_at_once(self):
        self.ups("OB LB")
        self.lab.wait_running("web", ["node2", "node3"])
        self.assertIn("ups_low_battery", self.kinds("node2"))
        self.check_safety()


class Notify(MainstayCase):
    def make(self):
        extra = ("notifier_name operator\n  notifier_plugin notify-exec\n"
                 "  notifier_param command echo $MAINSTAY_EVENT $(uname -n) >> {shared}\n"
                 "  notifier_event node_lost\n  notifier_event node_fenced\n")
        lab = Cluster(packages={"web": lambda lab: echo_package(shared=lab.shared)})
        self.told = f"{lab.directory}/shared/told"
        lab.text = cluster_text(3, extra=extra.replace("{shared}", self.told))
        return lab

    def notices(self):
        try:
            with open(self.told) as f:
                return [line.split() for line in f if line.endswith("\n")]
        except OSError:
            return []

    def test_each_event_is_sent_by_exactly_one_node(self):
        self.lab.power_off("node1")
        self.lab.wait("the notifications arrive",
                      lambda: {"node_lost", "node_fenced"} <= {n[0] for n in self.notices()})
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        self.assertEqual(sorted(n[0] for n in self.notices()), ["node_fenced", "node_lost"])
        self.check_safety()


if __name__ == "__main__":
    unittest.main(verbosity=2)
