"""Two nodes, halves, one node after the other, total power loss: who may go on, and who has to wait."""
import contextlib
import os
import shutil
import sqlite3
import tempfile
import unittest

from cluster import program
from mainstay_case import ADDRESS, PORT, AddressWatch, Cluster, MainstayCase, Prober, echo_package

TRIES = int(os.environ.get("MAINSTAY_TRIES", "20"))


class QuorumCase(MainstayCase):
    def make(self):
        names = [f"node{i + 1}" for i in range(self.nodes)]
        return Cluster(nodes=self.nodes, **self.options,
                       packages={"web": lambda lab: echo_package(nodes=names, shared=lab.shared)})

    def boots(self, name):
        return self.lab.nodes()[name]["boots"]

    def voters(self, asked=None):
        return sorted(((self.lab.status(asked) or {}).get("quorum") or {}).get("members") or [])

    def wait_voters(self, names, asked=None):
        self.lab.wait(f"the voters are {names}", lambda: self.voters(asked) == sorted(names))

    def all_back(self):
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        self.wait_voters(self.lab.names)


class TwoNodes(QuorumCase):
    nodes = 2
    smoke = True

    def test_the_passive_node_dies_and_the_package_never_notices(self):
        before = self.prober.answered_by()
        self.lab.power_off("node2")
        self.wait_voters(["node1"], "node1")
        self.assertEqual(self.prober.answered_by(), before)
        self.lab.power_on("node2")
        self.all_back()
        self.assertEqual(self.prober.answered_by(), before)
        self.check_safety()

    def test_the_active_node_dies(self):
        before = self.prober.answered_by()
        self.lab.power_off("node1")
        after = self.prober.wait_move(before)
        self.assertEqual(after[0], "node2")
        self.assertIn("tie_broken", self.kinds("node2"))
        self.all_back()     # fence_action cycle brings it back
        self.check_safety()


class BackToBack(QuorumCase):
    """A cable from card to card: when it is pulled both lose carrier, which is no reason of their own."""
    nodes = 2

    def test_pulled_cables_leave_exactly_one(self):
        owner = self.lab.package("web")["node"]
        other = next(n for n in self.lab.names if n != owner)
        before = self.prober.answered_by()
        boots = {n: self.boots(n) for n in self.lab.names}
        for name in self.lab.names:
            self.lab.cut(name, carrier=True)
        self.lab.wait("one of the two was switched off",
                      lambda: any(self.boots(n) > boots[n] for n in self.lab.names))
        for name in self.lab.names:
            self.lab.mend(name)
        self.all_back()
        self.assertEqual(self.boots(owner), boots[owner])
        self.assertEqual(self.boots(other), boots[other] + 1)
        self.lab.wait("the client is answered again", lambda: self.prober.answered_by() == before)
        self.check_safety()


class TwoNodesCut(QuorumCase):
    nodes = 2

    def test_a_cut_cable_leaves_exactly_one_every_time(self):
        for round_number in range(TRIES):
            with self.subTest(round=round_number):
                owner = self.lab.package("web")["node"]
                other = next(n for n in self.lab.names if n != owner)
                before = self.prober.answered_by()
                boots = {n: self.boots(n) for n in self.lab.names}
                self.lab.split(["node1"], ["node2"])
                self.lab.wait("one of the two was switched off",
                              lambda: any(self.boots(n) > boots[n] for n in self.lab.names))
                self.lab.split()
                self.all_back()
                # The side that runs the package need not wait: it survives, and its package goes on.
                self.assertEqual(self.boots(owner), boots[owner])
                self.assertEqual(self.boots(other), boots[other] + 1)
                self.assertEqual(self.prober.answered_by(), before)
        self.check_safety()


class TwoNodesColdStart(QuorumCase):
    nodes = 2

    def test_one_alone_waits_until_an_administrator_certifies(self):
        before = self.prober.answered_by()
        for name in self.lab.names:
            self.lab.power_off(name)
        self.lab.power_on("node2")
        self.lab.wait("node2 says for whom it waits",
                      lambda: "node1" in ((self.lab.status("node2") or {}).get("waiting") or ""))
        self.assertEqual(self.lab.power("node1"), "off")    # it does not switch anything by itself
        refused = self.lab.run("node2", f"{os.path.dirname(self.lab.plugins)}/bin/hactl", "cluster", "run",
                               "--certify-down", "node1", check=False, text="no\n")
        self.assertNotEqual(refused.returncode, 0)
        self.lab.run("node2", f"{os.path.dirname(self.lab.plugins)}/bin/hactl", "cluster", "run",
                     "--certify-down", "node1", text="node1\n", limit_s=60)
        after = self.prober.wait_move(before)
        self.assertEqual(after[0], "node2")
        self.lab.power_on("node1")
        self.all_back()
        self.check_safety()

    def test_both_come_back_in_any_order(self):
        before = self.prober.answered_by()
        for name in self.lab.names:
            self.lab.power_off(name)
        self.lab.power_on("node2")
        self.lab.wait("node2 is up", lambda: self.lab.status("node2"))
        self.lab.power_on("node1")
        after = self.prober.wait_move(before)
        self.assertGreater(after[1], before[1])
        self.all_back()
        self.assertEqual({n: self.boots(n) for n in self.lab.names}, {"node1": 2, "node2": 2})   # nobody was shot
        self.check_safety()


class FourNodes(QuorumCase):
    nodes = 4

    def test_an_even_split_leaves_one_half(self):
        before = self.prober.answered_by()
        self.lab.split(["node1", "node2"], ["node3", "node4"])
        self.wait_voters(["node1", "node2"], "node1")
        self.assertEqual(self.prober.answered_by(), before)
        self.lab.split()
        self.all_back()
        self.assertEqual(self.prober.answered_by(), before)
        self.check_safety()


class FiveNodes(QuorumCase):
    nodes = 5
    options = {"extra": "tie_break proof\nfence_action off"}

    def test_one_after_the_other_down_to_one_and_back(self):
        left = list(self.lab.names)
        for name in ("node5", "node4", "node1", "node3"):
            self.lab.power_off(name)
            left.remove(name)
            self.wait_voters(left, left[0])
        self.lab.wait_running("web", "node2")
        for name in ("node3", "node1", "node4", "node5"):
            self.lab.power_on(name)
            left.append(name)
            self.wait_voters(left, "node2")
        self.all_back()
        self.check_safety()


class PowerLoss(QuorumCase):
    nodes = 3

    def test_everything_goes_dark_and_comes_back(self):
        before = self.prober.answered_by()
        for name in self.lab.names:
            self.lab.power_off(name)
        for name in ("node3", "node1", "node2"):
            self.lab.power_on(name)
        after = self.prober.wait_move(before)
        self.assertGreater(after[1], before[1])
        self.all_back()
        self.assertEqual({n: self.boots(n) for n in self.lab.names}, {n: 2 for n in self.lab.names})
        self.check_safety()

    def test_a_lost_store_comes_back_as_a_learner_and_votes_again(self):
        self.lab.power_off("node3")
        self.lab.wait("node3 is lost", lambda: self.lab.node_state("node3", "node1") in ("lost", "fenced"))
        folder = self.lab.path("node3", "/var/lib/mainstay")
        for file in os.listdir(folder):
            os.unlink(os.path.join(folder, file))
        self.lab.power_on("node3")
        self.all_back()
        self.check_safety()

    def test_a_node_that_was_reset_comes_back_as_a_learner_and_votes_again(self):
        refused = self.lab.hactl("node3", "node", "reset", "--yes", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("mainstay runs on this node", refused.stderr)
        self.lab.kill("node3", "mainstayd")     # its guard starts it again: it is in use all the same
        refused = self.lab.hactl("node3", "node", "reset", "--yes", check=False)
        self.assertEqual(refused.returncode, 1)
        self.all_back()
        former = self.store_of("node3")
        self.lab.power_off("node3")
        self.lab.wait("node3 is lost", lambda: self.lab.node_state("node3", "node1") in ("lost", "fenced"))
        if self.lab.power("node3") == "on":
            self.lab.power_off("node3")
        self.lab.power_on("node3", boot=False)
        mistyped = self.lab.run("node3", program("hactl"), "node", "reset", check=False, text="node1\n")
        self.assertEqual(mistyped.returncode, 1)
        self.assertEqual(self.store_of("node3"), former)
        told = self.lab.run("node3", program("hactl"), "node", "reset", text="node3\n")
        self.assertIn("a learner, until it has caught up", told.stderr)
        self.assertIsNone(self.store_of("node3"))
        self.lab.power_off("node3")
        self.lab.power_on("node3")
        self.all_back()
        self.assertNotIn(self.store_of("node3"), (former, None))
        self.check_safety()

    def store_of(self, node):
        """The name of its store, or None when it has none. Reads a copy: the node's own is locked."""
        file = self.lab.path(node, "/var/lib/mainstay/mainstay.db")
        if not os.path.exists(file):
            return None
        with tempfile.TemporaryDirectory() as folder:
            for ending in ("", "-wal"):
                if os.path.exists(file + ending):
                    shutil.copy(file + ending, f"{folder}/copy{ending}")
            with contextlib.closing(sqlite3.connect(f"{folder}/copy")) as db:
                return db.execute("SELECT value FROM meta WHERE key = ?", (b"store",)).fetchone()[0]


if __name__ == "__main__":
    unittest.main(verbosity=2)
