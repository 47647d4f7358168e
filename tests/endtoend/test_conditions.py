"""What packages rely on: monitored subnets by real cables, generic resources by real monitors; and maintenance."""
import os
import signal

from cluster import Cluster, program
from mainstay_case import MainstayCase

# Says `up` while a file of the node says so; ends with it.
MONITOR = f"""#!/bin/sh
while :; do
    {program("hactl")} resource set ready "$(cat /etc/mainstay/ready)" > /var/lib/misc/monitor 2>&1
    read -r word < /etc/mainstay/again
done
"""
NETTED = """package_name netted
node_name node1
node_name node2
monitored_subnet 10.78.0.0
service_name netted_s
  service_cmd /bin/sleep 1000
"""
GUARDED = """package_name guarded
node_name node1
node_name node2
generic_resource_name lun
  generic_resource_evaluation_type before_package_start
generic_resource_name ready
service_name guarded_monitor
  service_cmd /etc/mainstay/monitor
"""


class ConditionCase(MainstayCase):
    packages = {}

    def make(self):
        def package(text):
            def write(lab):
                for node in lab.names:
                    lab.write(node, "/etc/mainstay/monitor", MONITOR, 0o755)
                    lab.write(node, "/etc/mainstay/ready", "down\n")
                    fifo = lab.path(node, "/etc/mainstay/again")
                    if not os.path.exists(fifo):
                        os.mkfifo(fifo)
                    os.makedirs(lab.path(node, "/var/lib/misc"), exist_ok=True)
                return text
            return write
        return Cluster(nodes=3, packages={name: package(text) for name, text in self.packages.items()})

    def begin(self):
        pass

    def subnets(self, node, asked="node3"):
        found = next(n for n in self.lab.status(asked)["nodes"] if n["name"] == node)
        return {item["subnet"]: item["up"] for item in found["subnets"]}

    def said(self, *arguments, node="node3"):
        done = self.lab.hactl(node, *arguments, check=False)
        return done.stdout + done.stderr


class Subnets(ConditionCase):
    packages = {"netted": NETTED}
    smoke = True

    def test_a_pulled_cable_moves_the_package_and_it_may_come_back(self):
        self.lab.wait_running("netted", "node1")
        self.assertEqual(self.subnets("node1"), {"10.78.0.0/24": True})
        self.lab.cut("node1", "eth1", carrier=True)
        self.lab.wait_running("netted", "node2")
        self.assertIn("node1: subnet 10.78.0.0/24 DOWN", self.said("status"))
        self.assertIn("subnet 10.78.0.0/24 is down on node1", self.said("explain", "netted"))
        self.assertIn("can't run on node1 now: subnet", self.said("package", "move", "netted", "node1"))
        # An address that is gone is as good as a cable that is.
        self.lab.run("node2", "ip", "address", "del", "10.78.0.2/24", "dev", "eth1")
        self.lab.wait("nobody can run it", lambda: self.lab.package("netted")["state"] == "waiting")
        self.lab.mend("node1", "eth1")
        self.lab.wait_running("netted", "node1")
        self.assertEqual(self.lab.package("netted")["disabled_on"], [])
        # Two daemons say of themselves what they see, and only what is new.
        self.assertEqual(self.kinds("node3", kind="subnet_down", node="node1"), ["subnet_down"])


class Resources(ConditionCase):
    packages = {"guarded": GUARDED}
    smoke = True

    def ready(self, node, word):
        self.lab.write(node, "/etc/mainstay/ready", f"{word}\n")
        self.lab.run(node, "sh", "-c", "echo again > /etc/mainstay/again")

    def test_before_and_during_the_start(self):
        self.assertIn("generic resource lun is unknown on node1", self.said("explain", "guarded"))
        self.lab.hactl("node1", "resource", "set", "lun", "up")
        self.lab.wait("it starts", lambda: self.lab.package("guarded")["state"] == "starting")
        self.lab.wait("its monitor has spoken",
                      lambda: self.said("resource", "get", "ready", "--node", "node1").strip() == "down")
        self.assertEqual(self.lab.package("guarded")["state"], "starting")
        self.assertIn("generic resource ready is down on node1", self.said("explain", "guarded"))
        self.ready("node1", "up")
        self.lab.wait_running("guarded", "node1")
        # The outside resource is lost: it moves as soon as another node has it; no flag is changed.
        self.lab.hactl("node3", "resource", "set", "lun", "up", "--node", "node2")
        self.lab.write("node2", "/etc/mainstay/ready", "up\n")
        self.lab.hactl("node1", "resource", "set", "lun", "down")
        self.lab.wait_running("guarded", "node2")
        self.assertEqual(self.lab.package("guarded")["disabled_on"], [])
        # Its own one is lost: node switching goes off there.
        self.lab.hactl("node1", "resource", "set", "lun", "up")
        self.lab.write("node1", "/etc/mainstay/ready", "up\n")
        self.ready("node2", "down")
        self.lab.wait_running("guarded", "node1")
        self.assertEqual(self.lab.package("guarded")["disabled_on"], ["node2"])
        listed = self.said("resource", "list")
        self.assertRegex(listed, r"ready +simple +node1 +up +root@node1 +guarded")
        self.assertRegex(listed, r"lun +simple +node3 +unknown")
        # A new life of a machine knows nothing of what was set before.
        self.lab.power_off("node2")
        self.lab.power_on("node2")
        self.lab.wait("node2 is back and knows nothing",
                      lambda: self.said("resource", "get", "lun", "--node", "node2").strip() == "unknown")


class Maintenance(ConditionCase):
    packages = {"netted": NETTED}
    smoke = True

    def test_nothing_follows_from_what_ends(self):
        self.lab.wait_running("netted", "node1")
        self.assertIn("hactl package disable netted", self.said("package", "maintenance", "on", "netted"))
        self.lab.hactl("node3", "package", "disable", "netted")
        self.lab.hactl("node3", "package", "maintenance", "on", "netted", "--reason", "new disks", "--until", "2h")
        sleeper = self.lab.wait_process("node1", "sleep", "1000")
        os.kill(sleeper, signal.SIGTERM)
        self.lab.cut("node1", "eth1", carrier=True)
        self.lab.wait("the service has ended", lambda: self.lab.package("netted")["services"][0]["state"] == "failed")
        self.lab.wait("the cable is seen", lambda: self.subnets("node1") == {"10.78.0.0/24": False})
        # The daemon starts again and still takes nothing for a failure.
        self.lab.kill("node1", "mainstayd")
        self.lab.wait("a new daemon answers", lambda: self.lab.status("node1"))
        package = self.lab.package("netted")
        self.assertEqual((package["state"], package["node"]), ("running", "node1"))
        self.assertRegex(self.said("status"), r"netted: in maintenance on node1 by root@node3 .*until .*: new disks")
        self.assertIn("can't leave maintenance: service netted_s has ended",
                      self.said("package", "maintenance", "off", "netted"))
        # Repaired: halted and started by command, then in order again.
        self.lab.mend("node1", "eth1")
        self.lab.wait("the cable is back", lambda: self.subnets("node1") == {"10.78.0.0/24": True})
        self.lab.hactl("node3", "package", "halt", "netted")
        self.lab.hactl("node3", "package", "start", "netted")
        self.lab.hactl("node3", "package", "maintenance", "off", "netted")
        self.lab.hactl("node3", "package", "enable", "netted")
        # Lost in maintenance: it leaves it, and waits for an administrator.
        self.lab.hactl("node3", "package", "disable", "netted")
        self.lab.hactl("node3", "package", "maintenance", "on", "netted")
        self.lab.power_off("node1")
        self.lab.wait("it is down", lambda: self.lab.package("netted", "node3")["state"] == "halted")
        self.assertIsNone(self.lab.package("netted", "node3")["maintenance"])
        self.lab.hactl("node3", "package", "enable", "netted")
        # node1 has been switched on again by its fence; whether it is back by now is anybody's guess.
        self.lab.wait_running("netted")
