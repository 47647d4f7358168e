"""Cut links: the minority stops and is proven dead before anything starts elsewhere; one link of two is no failure."""
import unittest

from mainstay_case import Cluster, MainstayCase, echo_package


class NetworkCase(MainstayCase):
    def set_links_down(self, node):
        self.lab.run(node, "sh", "-c", " && ".join(f"ip link set {link} down" for link in self.lab.links))


class OwnLinksDown(NetworkCase):
    """The node that would fence first, because it runs the package, is silent by its own fault: it fences nobody."""
    nodes = 2
    options = {"extra": "tie_break proof"}

    def make(self):
        return Cluster(nodes=2, packages={"web": lambda lab: echo_package(
            nodes=("node1", "node2"), shared=lab.shared)}, **self.options)

    def test_the_other_node_takes_over(self):
        before = self.prober.answered_by()
        boots = {n: self.lab.nodes()[n]["boots"] for n in self.lab.names}
        self.set_links_down("node1")
        self.lab.wait("node1 says what it waits for", lambda: "its own links" in (
            (self.lab.status("node1") or {}).get("waiting") or ""))
        after = self.prober.wait_move(before)
        self.assertEqual(after[0], "node2")
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        boots["node1"] += 1
        self.assertEqual({n: self.lab.nodes()[n]["boots"] for n in self.lab.names}, boots)
        self.check_safety()


class Network(NetworkCase):
    def test_one_link_of_two_is_no_failure(self):
        before = self.prober.answered_by()
        self.lab.cut("node1", "eth1")
        self.lab.wait("node2 sees the link down", lambda: any(
            not link["up"] for n in self.lab.status("node2")["nodes"] for link in n["links"]))
        self.assertEqual(self.lab.node_state("node1", "node2"), "running")
        self.lab.mend("node1", "eth1")
        self.lab.wait("all links up again", lambda: all(
            link["up"] for n in self.lab.status("node2")["nodes"] for link in n["links"]))
        self.assertEqual(self.prober.answered_by(), before)
        self.assertNotIn("fence_requested", self.kinds("node2"))

    def test_a_node_cut_off_is_fenced_and_its_package_moves(self):
        before = self.prober.answered_by()
        boots = self.lab.nodes()["node1"]["boots"]
        self.lab.split(["node1"], ["node2", "node3"])
        after = self.prober.wait_move(before)
        self.assertIn(after[0], ("node2", "node3"))
        self.lab.wait("node1 was switched off", lambda: self.lab.nodes()["node1"]["boots"] > boots)
        self.lab.split()
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        self.check_safety()

    def test_without_a_power_switch_the_cut_off_node_stops_by_its_lease(self):
        for node in self.lab.names:
            self.lab.fault(node, "fail")
        before = self.prober.answered_by()
        boots = self.lab.nodes()["node1"]["boots"]
        self.lab.split(["node1"], ["node2", "node3"])
        # No device confirms: the minority has to reset itself, and only its new boot proves that.
        self.lab.wait("node1 resets itself", lambda: self.lab.nodes()["node1"]["boots"] > boots)
        self.assertEqual(self.lab.processes("node1", "echo_service"), [])
        self.lab.split()
        after = self.prober.wait_move(before)
        self.assertGreater(after[1], before[1])
        self.check_safety()

    def test_a_node_that_cannot_reset_itself_stops_its_services(self):
        for node in self.lab.names:
            self.lab.fault(node, "stuck")
        boots = self.lab.nodes()["node1"]["boots"]
        self.lab.split(["node1"], ["node2", "node3"])
        self.lab.wait("the service on node1 is stopped", lambda: not self.lab.processes("node1", "echo_service"))
        self.assertEqual(self.lab.package("web", "node2")["node"], "node1")   # nothing proves it: nothing moves
        for node in self.lab.names:
            self.lab.fault(node)
        self.lab.wait("node1 is switched off at last", lambda: self.lab.nodes()["node1"]["boots"] > boots)
        self.lab.wait_running("web", ["node2", "node3"])
        self.check_safety()

    def test_a_node_heard_one_way_only(self):
        before = self.prober.answered_by()
        self.lab.cut("node1", "all", direction="to")
        after = self.prober.wait_move(before)
        self.assertNotEqual(after[0], "node1")
        self.lab.mend("node1", "all", direction="to")
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        self.check_safety()

    def test_a_node_whose_own_links_are_set_down_is_fenced_once(self):
        before = self.prober.answered_by()
        boots = {n: self.lab.nodes()[n]["boots"] for n in self.lab.names}
        self.set_links_down("node1")
        after = self.prober.wait_move(before)
        self.assertNotEqual(after[0], "node1")
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        boots["node1"] += 1
        self.assertEqual({n: self.lab.nodes()[n]["boots"] for n in self.lab.names}, boots)
        self.check_safety()

    def test_nobody_has_quorum_nobody_starts_anything(self):
        self.lab.split(["node1"], ["node2"], ["node3"])
        self.lab.wait("the client is answered no more", lambda: all(
            not self.lab.processes(n, "echo_service") for n in self.lab.names))
        self.lab.split()
        self.lab.wait_running("web")
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        self.check_safety()


if __name__ == "__main__":
    unittest.main(verbosity=2)
