"""SG 7.4: packages run on while their cluster is away."""
import os
import signal
import subprocess
import unittest

from cluster import ADDRESS
from mainstay_case import MainstayCase


class Detached(MainstayCase):
    def detach(self, *arguments):
        self.lab.hactl("node2", "node", "detach", "node1", *arguments)
        self.assertEqual(self.lab.package("web", "node2")["state"], "detached")

    def serving(self):
        """The service's process: the same one as long as nothing has restarted it."""
        return [pid for pid, _ in self.lab.processes("node1", "echo_service")]

    def end_daemon(self, node):
        self.lab.wait(f"the daemon of {node} has ended", lambda: not self.lab.processes(node, "mainstayd"))

    def stop_service(self, node):
        """As the service manager does: SIGTERM to the guard. What is left of it is the keeper."""
        [(guard, _)] = self.lab.processes(node, "mainstay-guard")
        os.kill(guard, signal.SIGTERM)
        self.lab.wait(f"the guard of {node} has ended",
                      lambda: guard not in [pid for pid, _ in self.lab.processes(node, "mainstay-guard")])

    def start_service(self, node):
        with open(self.lab.path(node, "/var/log/mainstay/second.log"), "ab") as log:
            guard = self.lab.spawn(node, *self.lab.boot_command(node), stdout=log, stderr=subprocess.STDOUT)
        self.addCleanup(self.lab.end, guard)

    def attach(self, node="node1"):
        self.lab.hactl("node2", "node", "attach", node)
        self.lab.wait(f"{node} is attached", lambda: self.lab.node_state(node, "node2") == "running")


class ServiceRestarts(Detached):
    smoke = True

    def test_the_service_is_stopped_and_started_and_the_package_never_notices(self):
        before = self.serving()
        self.detach("--reason", "upgrade")
        self.stop_service("node1")
        self.lab.wait("the others miss the node", lambda: "node_lost" in self.kinds("node2", node="node1"))
        self.prober.wait_served(50)
        self.assertEqual(self.serving(), before)
        self.start_service("node1")
        self.lab.wait_nodes({"node1": "detached"})
        self.attach()
        self.lab.wait_running("web", "node1")
        self.assertEqual(self.serving(), before)
        self.assertNotIn("fence_requested", self.kinds("node2"))
        # It is watched again.
        os.kill(before[0], signal.SIGKILL)
        self.assertNotEqual(self.prober.wait_move(("node1", 1))[0], "node1")
        self.check_safety()


class WhatEndsMeanwhile(Detached):
    def test_a_service_that_ended_is_missed_when_the_node_attaches(self):
        self.detach()
        self.lab.kill("node1", "mainstayd")
        self.assertEqual(self.lab.kill("node1", "echo_service"), 1)
        self.lab.wait_nodes({"node1": "detached"})
        self.assertEqual(self.lab.package("web", "node2")["state"], "detached")
        self.attach()
        self.assertNotEqual(self.prober.wait_move(("node1", 1))[0], "node1")
        self.check_safety()

    def test_a_detached_node_that_loses_its_power_has_to_be_fenced_by_command(self):
        self.detach()
        self.lab.power_off("node1")
        self.lab.wait("the node is missed", lambda: "node_lost" in self.kinds("node2", node="node1"))
        self.assertEqual(self.lab.package("web", "node2")["state"], "detached")
        refused = self.lab.hactl("node2", "package", "move", "web", "node2", check=False)
        self.assertIn("detached on node1", refused.stderr)
        self.lab.hactl("node2", "node", "fence", "node1")
        self.assertNotEqual(self.prober.wait_move(("node1", 1))[0], "node1")
        self.check_safety()

    def test_a_detached_node_has_no_lease_to_lose(self):
        before = self.serving()
        self.detach()
        for node in ("node2", "node3"):
            self.lab.power_off(node)
        # Longer than every lease: the daemon of the node itself says that nobody leads.
        self.lab.wait("nobody leads any more", lambda: self.lab.status("node1")["leader"] is None)
        for node in ("node2", "node3"):
            self.lab.power_on(node)
        self.lab.wait_nodes({"node1": "detached", "node2": "running", "node3": "running"})
        self.assertEqual(self.serving(), before)
        self.attach()
        self.assertEqual(self.serving(), before)
        self.check_safety()


class WholeCluster(Detached):
    def test_all_services_are_stopped_and_started(self):
        before = self.serving()
        self.lab.hactl("node2", "cluster", "detach")
        for node in self.lab.names:
            self.stop_service(node)
            self.end_daemon(node)
        self.prober.wait_served(50)
        self.assertIn(ADDRESS, self.lab.run("node1", "ip", "-brief", "address").stdout)
        for node in reversed(self.lab.names):
            self.start_service(node)
        self.lab.wait_nodes({n: "detached" for n in self.lab.names})
        self.lab.hactl("node3", "cluster", "attach")
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        self.lab.wait_running("web", "node1")
        self.assertEqual(self.serving(), before)
        self.check_safety()


if __name__ == "__main__":
    unittest.main(verbosity=2)
