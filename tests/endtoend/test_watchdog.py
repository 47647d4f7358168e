"""A node whose guard is dead or stuck, whose fencing device does not work, which can't even reset itself: its watchdog
ends it, and that is the proof by which its package starts elsewhere."""
import signal
import unittest

from cluster import cluster_text
from mainstay_case import Cluster, MainstayCase, echo_package

TIMEOUT_S = 3


class Watchdog(MainstayCase):
    def make(self):
        text = cluster_text(3)
        for node in ("node1", "node2", "node3"):
            text = text.replace(f"node_name {node}\n", f"node_name {node}\n  watchdog_device /run/lab/watchdog.{node}\n"
                                f"  watchdog_timeout {TIMEOUT_S}s\n")
        return Cluster(text=text, packages={"web": lambda lab: echo_package(shared=lab.shared)})

    def setUp(self):
        self.lab = self.make()
        self.addCleanup(self.finish)
        self.lab.up(False)
        for node in self.lab.names:
            self.lab.watchdog(node)
        for node in self.lab.names:
            self.lab.power_on(node)
        self.lab.form()
        self.begin()
        # Armed after the cluster was formed; the leader's own and the others' are in the log.
        self.lab.wait("the log knows all watchdogs", lambda: set(self.armed().values()) == {TIMEOUT_S * 1000000})

    def armed(self):
        with self.lab.admin("node2") as admin:
            return {n["name"]: n["watchdog_us"] for n in admin.call("timing")["nodes"]}

    def lose(self, number):
        """The guard of node1 is hit; nothing but its watchdog can end the node."""
        before = self.prober.answered_by()
        self.lab.fault("node1", "stuck")
        self.assertEqual(self.lab.kill("node1", "mainstay-guard", number), 1)
        self.lab.wait("the watchdog cut node1's power", lambda: "fired" in self.lab.watchdog_said("node1"))
        self.assertEqual(self.lab.power("node1"), "off")
        after = self.prober.wait_move(before)
        self.assertNotEqual(after[0], "node1")
        self.assertEqual(self.lab.package("web", after[0])["proof"], "lease_expired")
        self.assertNotIn("node_fenced", self.kinds(after[0]))
        proof = self.lab.hactl(after[0], "proof", "web").stdout
        self.assertIn("its lease and its watchdog have run out", proof)
        # It is well again, and takes part.
        self.lab.fault("node1")
        self.lab.power_on("node1")
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        self.check_safety()

    def test_the_guard_hangs(self):
        self.lose(signal.SIGSTOP)

    def test_the_guard_is_killed(self):
        self.lose(signal.SIGKILL)

    def test_an_orderly_end_disarms_it(self):
        self.lab.kill("node1", "mainstay-guard", signal.SIGTERM)
        self.lab.wait("node1's watchdog is disarmed", lambda: "disarmed" in self.lab.watchdog_said("node1"))
        self.lab.wait_running("web", ["node2", "node3"])
        self.assertEqual(self.lab.power("node1"), "on")
        self.assertNotIn("fired", self.lab.watchdog_said("node1"))
        self.check_safety()


if __name__ == "__main__":
    unittest.main(verbosity=2)
