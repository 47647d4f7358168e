"""A Serviceguard package whose control script runs as it is: it starts its services with cmrunserv."""
import os
import signal
import unittest

from cluster import BUILD, Cluster
from lab import ROOT
from mainstay_case import MainstayCase

EXAMPLE = f"{ROOT}/examples/legacy"
FOLDER = "/etc/mainstay/pkg1"
SERVICE = "/bin/sleep 1000"
ADDRESS = "10.77.0.110"


def example(name, **replaced):
    with open(f"{EXAMPLE}/{name}") as f:
        text = f.read()
    for old, new in replaced.values():
        if old not in text:
            raise ValueError(f"{name} has no {old}")
        text = text.replace(old, new)
    return text


class LegacyCase(MainstayCase):
    restart = "-r 2"

    def make(self):
        return Cluster(nodes=3, packages={"pkg1": self.package})

    def package(self, lab):
        conf = f"{FOLDER}/cmcluster.conf"
        for node in lab.names:
            lab.write(node, conf, example("cmcluster.conf", sbin=("SGSBIN=/usr/local/sbin", f"SGSBIN={BUILD}/bin")))
            lab.write(node, f"{FOLDER}/pkg1.cntl", example(
                "pkg1.cntl", conf=("/etc/cmcluster.conf", conf), restart=('"-r 2"', f'"{self.restart}"'),
                command=("/usr/local/bin/pkg1 --port 7000", SERVICE)), 0o755)
        return example("pkg1.conf", folder=("/etc/cmcluster/pkg1", FOLDER), time=("         30", "         5"))

    def begin(self):
        self.lab.wait_running("pkg1", "node1")

    def service(self, node="node1"):
        return self.lab.wait_process(node, "sleep", "1000")

    def kill_service(self):
        """The next one, or nobody when it was the last."""
        pid = self.service()
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_next_service(self, former):
        def fresh():
            return [pid for pid, argv in self.lab.processes("node1", "sleep") if "1000" in argv and pid != former]
        return self.lab.wait("the service is started again", fresh)[0]

    def log(self, node):
        with open(self.lab.path(node, "/var/log/mainstay/pkg1.log")) as f:
            return f.read()

    def has_address(self, node):
        return ADDRESS in self.lab.run(node, "ip", "-o", "addr").stdout


class ControlScript(LegacyCase):
    smoke = True

    def test_restarted_twice_then_it_moves(self):
        first = self.service()
        with open(f"/proc/{first}/environ") as f:
            self.assertIn("SERVICE_RESTART_COUNT=0", f.read())
        for count in (1, 2):
            killed = self.kill_service()
            following = self.wait_next_service(killed)
            with open(f"/proc/{following}/environ") as f:
                self.assertIn(f"SERVICE_RESTART_COUNT={count}", f.read())
            self.lab.wait("the restart is written down",
                          lambda n=count: self.kinds(package="pkg1").count("service_restarted") == n)
        self.assertEqual(self.log("node1").count("Starting service"), 1)  # the script had no part in it
        self.kill_service()
        self.lab.wait_running("pkg1", "node2")
        self.service("node2")
        self.assertEqual(self.lab.package("pkg1")["disabled_on"], ["node1"])
        self.assertEqual([argv for _, argv in self.lab.processes("node1", "sleep")], [])
        self.assertIn("Package halt completed", self.log("node1"))

    def test_halted_by_its_script(self):
        self.lab.hactl("node2", "package", "halt", "pkg1")
        self.assertEqual(self.lab.package("pkg1")["state"], "halted")
        self.assertEqual(self.lab.processes("node1", "sleep"), [])
        said = self.log("node1")
        self.assertIn("Halting service pkg1_service", said)
        self.assertNotIn("WARNING", said)
        self.assertNotIn("service_failed", self.kinds(package="pkg1"))
        self.lab.hactl("node2", "package", "start", "pkg1", "node2")
        self.lab.wait_running("pkg1", "node2")
        self.service("node2")

    def test_a_restarted_daemon_goes_on_watching(self):
        before = self.service()
        killed = self.kill_service()
        running = self.wait_next_service(killed)
        self.lab.wait("the restart is written down", lambda: "service_restarted" in self.kinds(package="pkg1"))
        self.lab.kill("node1", "mainstayd")
        self.lab.wait("the daemon is back", lambda: self.lab.status("node1"))
        self.lab.wait_running("pkg1", "node1")
        self.assertEqual(self.service(), running)
        self.assertNotEqual(before, running)
        os.kill(running, signal.SIGKILL)
        following = self.wait_next_service(running)
        with open(f"/proc/{following}/environ") as f:
            self.assertIn("SERVICE_RESTART_COUNT=2", f.read())
        self.lab.wait("both restarts are written down",
                      lambda: self.kinds(package="pkg1").count("service_restarted") == 2)
        self.kill_service()
        self.lab.wait_running("pkg1", "node2")
        self.assertEqual(self.lab.processes("node1", "sleep"), [])

    def test_only_a_script_under_way_may_ask(self):
        run = self.lab.run("node1", f"{BUILD}/bin/cmrunserv", "pkg1_service", SERVICE, check=False)
        self.assertEqual(run.returncode, 1)
        self.assertIn("only in a script", run.stderr)
        # What the script has left behind, or whoever has its environment: its turn is over.
        pid = self.service()
        with open(f"/proc/{pid}/environ") as f:
            mark = next(v for v in f.read().split("\0") if v.startswith("MAINSTAY_PROCESS="))
        run = self.lab.run("node1", "env", mark, f"{BUILD}/bin/cmhaltserv", "pkg1_service", check=False)
        self.assertEqual(run.returncode, 1)
        self.assertIn("not under way", run.stderr)
        self.assertEqual(self.service(), pid)


class UnknownService(LegacyCase):
    """The package file has no SERVICE_NAME for what the script starts: the start fails and leaves nothing."""

    def package(self, lab):
        return super().package(lab).replace("pkg1_service", "other_service")

    def begin(self):
        self.lab.wait("the start has failed", lambda: self.lab.package("pkg1").get("switching") is False)

    def test_the_script_is_told_why(self):
        said = self.log("node1")
        self.assertIn("cmrunserv: package pkg1 has no service pkg1_service; its service_name lines name other_service",
                      said)
        self.assertIn("failed to start a service", said)
        self.assertEqual(self.lab.processes("node1", "sleep"), [])


class Addresses(LegacyCase):
    """cmmodnet: the script's address comes and goes with the package, however it ends."""

    def test_it_moves_with_the_package(self):
        self.assertTrue(self.has_address("node1"))
        self.lab.hactl("node3", "package", "move", "pkg1", "node2")
        self.lab.wait_running("pkg1", "node2")
        self.assertFalse(self.has_address("node1"))
        self.assertTrue(self.has_address("node2"))

    def test_what_the_script_does_not_remove_is_removed_all_the_same(self):
        # A halt script that has forgotten all of it, run by a daemon that did not see the start.
        self.lab.write("node1", f"{FOLDER}/pkg1.cntl", "#!/bin/sh\nexit 0\n", 0o755)
        self.lab.kill("node1", "mainstayd")
        self.lab.wait("the daemon is back", lambda: self.lab.status("node1"))
        self.lab.wait_running("pkg1", "node1")
        self.assertTrue(self.has_address("node1"))
        self.lab.hactl("node3", "package", "move", "pkg1", "node2")
        self.lab.wait_running("pkg1", "node2")
        self.assertFalse(self.has_address("node1"))
        self.assertEqual(self.lab.processes("node1", "sleep"), [])
        self.assertTrue(self.has_address("node2"))


class OwnAddresses(LegacyCase):
    """What the host has apart from the cluster is none of a script's business."""

    def package(self, lab):
        return super().package(lab).replace("AUTO_RUN                     YES", "AUTO_RUN NO")

    def begin(self):
        pass

    def test_they_are_neither_added_nor_removed(self):
        self.lab.run("node1", "ip", "addr", "add", "10.77.0.55/24", "dev", "eth0")
        probe = (f"#!/bin/sh\nfor word in -a -r; do\n  for address in 10.77.0.55 10.77.0.1; do\n"
                 f"    {BUILD}/bin/cmmodnet $word -i $address 10.77.0.0 2>&1; echo \"$word $address: $?\"\n"
                 f"  done\ndone\nexit 1\n")
        self.lab.write("node1", f"{FOLDER}/pkg1.cntl", probe, 0o755)
        self.lab.hactl("node1", "package", "start", "pkg1", "node1", check=False)
        self.lab.wait("the script has run", lambda: "-r 10.77.0.1: " in self.log("node1"))
        said = self.log("node1")
        for word in ("-a", "-r"):
            for address in ("10.77.0.55", "10.77.0.1"):
                self.assertIn(f"{word} {address}: 1", said)
        self.assertIn("cmmodnet: 10.77.0.55 is an address of this node's own, on eth0", said)
        there = self.lab.run("node1", "ip", "-o", "addr").stdout
        self.assertIn("10.77.0.55/", there)
        self.assertIn("10.77.0.1/", there)


if __name__ == "__main__":
    unittest.main(verbosity=2)
