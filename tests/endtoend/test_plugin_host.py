"""A plugin host that dies in the middle of a call: what the call had started is gone before anything else is done.
And one whose settings change in the middle of a call: the call comes to its end."""
import os
import threading
import unittest

from cluster import PROGRAMS, Cluster, cluster_text
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
# Hangs in `start` until it is let go.
PATIENT = """#!/bin/sh
cd /var/lib/misc
case $1 in
start) echo >> starts; read -r word < /etc/mainstay/go; echo > running ;;
stop) echo >> stops; rm -f running ;;
status) [ -e running ] || exit 3 ;;
esac
"""
# The lab's power switch, which takes its time for `off`.
SWITCH = f"""#!/bin/sh
if [ $2 = off ]; then
    echo "$*" >> /var/lib/misc/offs
    read -r word < /etc/mainstay/go
fi
exec {PROGRAMS}/power $1 $2
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


class ChangedDuringACall(MainstayCase):
    smoke = True

    def lines(self, node, name):
        path = self.lab.path(node, f"/var/lib/misc/{name}")
        if not os.path.exists(path):
            return []
        with open(path) as f:
            return f.read().splitlines()

    def make(self):
        self.text = cluster_text(3).replace(f"{PROGRAMS}/power %n %a", "/etc/mainstay/switch %n %a")
        self.text = self.text.replace("stonith_timeout 5s", "stonith_timeout 60s")

        def package(lab):
            for node in lab.names:
                lab.write(node, "/etc/mainstay/slow-script", PATIENT, 0o755)
                lab.write(node, "/etc/mainstay/switch", SWITCH, 0o755)
                if not os.path.exists(lab.path(node, "/etc/mainstay/go")):
                    os.mkfifo(lab.path(node, "/etc/mainstay/go"))
            return PACKAGE
        return Cluster(text=self.text, packages={"slow": package})

    def begin(self):
        self.lab.wait("the script hangs in start", lambda: self.lines("node1", "starts"))

    def change(self, old, new):
        self.assertIn(old, self.text)
        self.text = self.text.replace(old, new)
        self.lab.write("node1", "/etc/mainstay/cluster.conf", self.text)
        self.lab.apply("node1")

    def let_go(self, node):
        self.lab.run(node, "sh", "-c", "echo go > /etc/mainstay/go")

    def test_it_comes_to_its_end(self):
        # Every plugin that serves all nodes has other settings now; the package's own have not changed.
        node4 = "".join(line + "\n" for line in cluster_text(4)[cluster_text(4).index("node_name node4"):].splitlines()
                        if not line.strip().startswith("stonith"))
        self.change("stonith_name power", node4 + "stonith_name power")
        self.let_go("node1")
        self.lab.wait_running("slow", "node1")
        self.assertEqual((len(self.lines("node1", "starts")), self.lines("node1", "stops")), (1, []))
        # The fencing device gets another command while it is at the old one.
        asking = threading.Thread(target=lambda: self.lab.hactl("node1", "node", "fence", "node3", check=False))
        asking.start()
        self.addCleanup(asking.join)
        asked = lambda: [n for n in ("node1", "node2") if self.lines(n, "offs")]  # noqa: E731
        fencer = self.lab.wait("its power is switched off", asked)[0]
        self.change("/etc/mainstay/switch %n %a", "/etc/mainstay/switch %n %a new")
        self.let_go(fencer)
        self.lab.wait("node3 is fenced", lambda: "node_fenced" in self.kinds("node1", node="node3"))
        self.assertEqual(self.lines(fencer, "offs"), ["node3 off"])
        self.assertNotIn("fence_failed", self.kinds("node1"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
