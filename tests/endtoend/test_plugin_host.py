"""A plugin host that dies in the middle of a call: what the call had started is gone before anything else is done."""
import os
import unittest

from cluster import Cluster
from mainstay_case import MainstayCase

# Hangs in `start`, with a helper in a session of its own that would start the server later. Each `stop` writes down
# whether either of them is still there.
SCRIPT = """#!/bin/sh
cd /var/lib/misc
alive() { [ -s $1 ] && kill -0 $(cat $1) 2>/dev/null && echo $1; }
case $1 in
start)
    echo $$ > script
    setsid sh -c 'echo $$ > helper; exec sleep 1000' &
    echo >> starts
    [ $(wc -l < starts) -gt 1 ] && exit 0
    sleep 1000 & echo $! > child
    wait ;;
stop) echo "stop: $(alive script) $(alive child) $(alive helper)" >> stops ;;
status) exit 3 ;;
esac
"""
PACKAGE = """package_name slow
node_name node1
resource_name server
  resource_plugin init-script
  resource_param script /etc/mainstay/slow-script
"""


class PluginHost(MainstayCase):
    smoke = True
    nodes = 1

    def make(self):
        def package(lab):
            lab.write("node1", "/etc/mainstay/slow-script", SCRIPT, 0o755)
            return PACKAGE
        return Cluster(nodes=1, packages={"slow": package})

    def begin(self):
        self.state = self.lab.path("node1", "/var/lib/misc")

    def test_a_host_killed_during_a_hanging_start(self):
        self.lab.wait("the script hangs in start", lambda: os.path.exists(f"{self.state}/child"))
        hosts = [pid for pid, argv in self.lab.processes("node1", "mainstay-plugin-host")]
        self.assertEqual(len(hosts), 1)
        self.lab.kill("node1", "mainstay-plugin-host")
        self.lab.wait("stop was called", lambda: os.path.exists(f"{self.state}/stops"))
        with open(f"{self.state}/stops") as f:
            self.assertEqual(f.readline().split(), ["stop:"])
        self.lab.wait("the start has failed", lambda: "package_failed" in self.kinds("node1", package="slow"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
