"""Nodes that die, move and halt: the package is back, elsewhere, once."""
import signal
import unittest

from mainstay_case import ADDRESS, MainstayCase


class Failover(MainstayCase):
    smoke = True

    def lose(self, victim):
        """Power goes; the package is served by another, or by the same when the victim did not run it."""
        runs = self.lab.package("web")["node"]
        before = self.prober.answered_by()
        self.lab.power_off(victim)
        if victim == runs:
            after = self.prober.wait_move(before)
            self.assertNotEqual(after[0], victim)
            self.assertGreater(after[1], before[1])
        others = [n for n in self.lab.names if n != victim]
        self.lab.wait(f"{victim} is proven dead", lambda: "node_fenced" in self.kinds(others[0], node=victim))
        self.lab.wait_running("web", others)
        # fence_action cycle: the device switches it on again, and it takes part
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        self.check_safety()

    def test_the_leader_dies(self):
        leader = self.leader()
        if self.lab.package("web")["node"] != leader:
            self.lab.hactl("node1", "package", "move", "web", leader)
            self.prober.wait_answer(leader)
        self.lose(leader)

    def test_a_follower_with_the_package_dies(self):
        follower = next(n for n in self.lab.names if n != self.leader())
        if self.lab.package("web")["node"] != follower:
            self.lab.hactl("node1", "package", "move", "web", follower)
            self.prober.wait_answer(follower)
        self.lose(follower)

    def test_a_package_is_moved_by_command(self):
        told = self.lab.hactl("node3", "package", "move", "web", "node2")
        self.assertIn("node2", told.stdout)
        self.prober.wait_answer("node2")
        self.assertEqual(self.lab.package("web", "node3")["node"], "node2")
        self.assertEqual(self.kinds("node3", kind="node_fenced"), [])
        self.check_safety()
        # What was true then is still told.
        running = [entry for entry in self.lab.history() if entry["kind"] == "package_running"]
        with self.lab.admin("node3") as admin:
            then = admin.call("explain", package="web", at=running[0]["time"], node="node1")
        self.assertEqual((then["node"], [c["node"] for c in then["candidates"]]), ("node1", ["node1"]))
        refused = self.lab.hactl("node3", "explain", "web", "--at", "2001-01-01 00:00", check=False)
        self.assertIn("reaches back to", refused.stderr)
        self.assertIn("no package webb", self.lab.hactl("node3", "explain", "webb", check=False).stderr)

    def test_a_node_halts_and_runs_again(self):
        self.lab.hactl("node2", "node", "halt", "node1")
        self.assertIn(self.lab.wait_running("web", ["node2", "node3"]), ("node2", "node3"))
        self.lab.wait_nodes({"node1": "halted", "node2": "running", "node3": "running"})
        self.assertEqual(self.lab.power("node1"), "on")
        self.assertNotIn("node_lost", self.kinds("node2"))
        self.lab.hactl("node2", "node", "run", "node1")
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        self.check_safety()


class FailoverFull(MainstayCase):
    def test_a_frozen_node_is_fenced_before_its_package_starts(self):
        before = self.prober.answered_by()
        self.lab.freeze("node1")
        after = self.prober.wait_move(before)
        self.assertNotEqual(after[0], "node1")
        self.lab.wait("node1 is proven dead", lambda: "node_fenced" in self.kinds("node2", node="node1"))
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        self.check_safety()

    def test_a_dead_daemon_is_no_failure(self):
        before = self.prober.answered_by()
        boots = self.lab.nodes()["node1"]["boots"]
        self.assertEqual(self.lab.kill("node1", "mainstayd"), 1)
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        self.lab.wait_running("web", "node1")
        self.assertEqual(self.prober.answered_by(), before)
        self.assertEqual(self.lab.nodes()["node1"]["boots"], boots)
        self.assertNotIn("fence_requested", self.kinds("node2"))
        self.check_safety()

    def test_a_dead_guard_fails_the_node(self):
        """By its own daemon: nobody else could have switched it off."""
        before = self.prober.answered_by()
        boots = self.lab.nodes()["node1"]["boots"]
        self.lab.fault("node1", "fail")
        self.assertEqual(self.lab.kill("node1", "mainstay-guard"), 1)
        self.lab.wait("node1 begins a new life", lambda: self.lab.nodes()["node1"]["boots"] > boots)
        # It may be back before anybody missed it, and then it is the first of the list again.
        after = self.prober.wait_move(before)
        self.assertGreater(after[1], before[1])
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        self.check_safety()

    def test_a_dead_service_is_started_again_elsewhere_when_it_has_no_restarts(self):
        before = self.prober.answered_by()
        self.assertEqual(self.lab.kill("node1", "echo_service"), 1)
        after = self.prober.wait_move(before)
        self.assertNotEqual(after[0], "node1")
        self.assertNotIn("fence_requested", self.kinds("node2"))
        self.check_safety()

    def test_all_nodes_down_in_between(self):
        generation = self.prober.answered_by()[1]
        for node in self.lab.names:
            self.lab.power_off(node)
        for node in self.lab.names:
            self.lab.power_on(node)
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        self.lab.wait_running("web")
        self.lab.wait("the client is answered by a newer generation",
                      lambda: self.prober.answered_by()[1] > generation)
        self.check_safety()

    def stop_service(self, node):
        """As the service manager does: SIGTERM to the guard."""
        self.assertEqual(self.lab.kill(node, "mainstay-guard", signal.SIGTERM), 1)
        self.lab.wait(f"the guard of {node} has ended", lambda: not self.lab.processes(node, "mainstay-guard"))

    def addresses(self, node):
        return self.lab.run(node, "ip", "-brief", "address").stdout

    def test_a_stopped_daemon_lets_its_packages_move_first(self):
        before = self.prober.answered_by()
        self.stop_service("node1")
        self.assertNotEqual(self.prober.wait_move(before)[0], "node1")
        self.assertNotIn(ADDRESS, self.addresses("node1"))
        self.assertNotIn("fence_requested", self.kinds("node2"))
        self.check_safety()

    def test_a_daemon_stopped_without_a_leader_halts_its_packages_before_it_goes(self):
        boots = self.lab.nodes()["node1"]["boots"]
        for node in ("node2", "node3"):
            self.lab.power_off(node)
        self.stop_service("node1")
        self.assertNotIn(ADDRESS, self.addresses("node1"))
        self.assertEqual(self.lab.processes("node1", "echo_service"), [])
        self.assertEqual(self.lab.nodes()["node1"]["boots"], boots)
        self.check_safety()

    def test_the_cluster_halts_and_runs_again(self):
        self.lab.hactl("node2", "cluster", "halt")
        self.lab.wait_nodes({n: "halted" for n in self.lab.names})
        self.assertEqual(self.lab.processes("node1", "echo_service"), [])
        self.lab.hactl("node2", "cluster", "run")
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        self.lab.wait_running("web")
        self.check_safety()


if __name__ == "__main__":
    unittest.main(verbosity=2)
