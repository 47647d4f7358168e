"""Two nodes and a third party that decides between them: a mainstay-arbitrator, or a shared disk."""
import json
import os
import subprocess
import unittest

from cluster import Cluster, echo_package, program
from mainstay_case import MainstayCase

SERVER = """tie_break arbitrator
arbitrator_name tie
  arbitrator_plugin arbitrator-server
  arbitrator_param host 10.77.0.200
"""
DISK = """tie_break arbitrator
arbitrator_name tie
  arbitrator_plugin arbitrator-disk
  arbitrator_param device {}
"""


class Tie(MainstayCase):
    nodes = 2

    def cluster(self, extra):
        def package(lab):
            return echo_package(nodes=("node1", "node2"), shared=lab.shared)
        return Cluster(nodes=2, packages={"web": package}, extra=extra)

    def known(self):
        """What the arbitrator keeps of the cluster."""
        raise NotImplementedError

    def taken_up(self):
        record = self.known()
        return bool(record) and record["floor"] > 0

    def survive(self):
        self.lab.wait("the voter set names the arbitrator", self.taken_up)
        floor = self.known()["floor"]
        before = self.prober.answered_by()
        self.lab.power_off("node1")
        after = self.prober.wait_move(before)
        self.assertEqual(after[0], "node2")
        self.lab.wait("both are voters again", lambda: self.known()["floor"] >= floor + 2)
        self.lab.wait_nodes({"node1": "running", "node2": "running"})
        self.check_safety()

    def no_decision(self):
        """Nobody decides: node2 takes nothing, and goes on as one of two when node1 is back."""
        self.lab.power_off("node1")
        self.lab.wait("node2 has no quorum", lambda: (self.lab.status("node2") or {}).get("quorum", {}).get("have")
                      is False)
        self.assertEqual(self.lab.processes("node2", "echo_service"), [])
        self.lab.power_on("node1")
        self.lab.wait_nodes({"node1": "running", "node2": "running"})
        self.lab.wait_running("web")
        self.check_safety()


class TieByServer(Tie):
    smoke = True

    def make(self):
        return self.cluster(SERVER)

    def setUp(self):
        self.lab = self.make()
        self.addCleanup(self.finish)
        self.lab.up()
        place = f"{self.lab.directory}/arbitrator"
        os.makedirs(f"{place}/keys", mode=0o700)
        self.lab.run("client", program("hactl"), "key", "new", f"{place}/keys/lab.key")
        with open(f"{place}/keys/lab.key") as f:
            key = f.read()
        for node in self.lab.names:
            self.lab.write(node, "/etc/mainstay/arbitrator.key", key, 0o600)
        self.server = self.lab.spawn("client", program("mainstay-arbitrator"), "--key-dir", f"{place}/keys",
                                     "--state-dir", f"{place}/state")
        self.addCleanup(self.lab.end, self.server)
        self.lab.form()
        self.begin()

    def known(self):
        run = self.lab.hactl("node2", "arbitrator", "status", "10.77.0.200", "--json", check=False)
        clusters = json.loads(run.stdout)["clusters"] if run.returncode == 0 else []
        return clusters[0] if clusters else None

    def test_one_of_two_dies(self):
        self.survive()

    def test_without_the_arbitrator_nobody_decides(self):
        self.lab.wait("the voter set names the arbitrator", self.taken_up)
        self.lab.end(self.server)
        self.no_decision()


class TieByDisk(Tie):
    def make(self):
        lab = self.cluster("")
        self.device = f"{lab.directory}/tie"
        lab.text += DISK.format(self.device)
        os.makedirs(lab.directory, exist_ok=True)
        subprocess.run([program("hactl"), "arbitrator", "format", self.device], check=True, stdout=subprocess.DEVNULL)
        return lab

    def known(self):
        run = self.lab.hactl("node2", "arbitrator", "status", self.device, "--json", check=False)
        return json.loads(run.stdout) if run.returncode == 0 else None

    def test_one_of_two_dies(self):
        self.survive()


if __name__ == "__main__":
    unittest.main(verbosity=2)
