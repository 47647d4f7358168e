"""Input nobody should send: a clear error or a counted drop, the daemon alive, nothing changed."""
import json
import os
import shutil
import socket
import subprocess
import unittest

from cluster import BUILD, ROOT, echo_package
from mainstay_case import MainstayCase


class BadInput(MainstayCase):
    def setUp(self):
        super().setUp()
        self.before = self.seen()

    def seen(self):
        """What must not change."""
        daemons = {n: [pid for pid, argv in self.lab.processes(n) if os.path.basename(argv[0]) == "mainstayd"]
                   for n in self.lab.names}
        package = self.lab.package("web")
        return daemons, package["node"], package["generation"], self.configuration()

    def configuration(self):
        with self.lab.admin("node1") as admin:
            return admin.call("cluster.get")["text"]

    def check_nothing_changed(self):
        self.assertEqual(self.seen(), self.before)
        self.check_safety()

    def refused(self, text, *expected, package=False):
        """`cluster check` and `apply` of this text name what is wrong, and nothing changes."""
        self.lab.write("node1", "/etc/mainstay/bad.conf", text)
        files = ["/etc/mainstay/cluster.conf"] if package else []
        files.append("/etc/mainstay/bad.conf")
        for word in ("check", "apply"):
            run = self.lab.hactl("node1", "cluster", word, *files, check=False)
            self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
            for part in expected:
                self.assertIn(part, run.stdout + run.stderr)
        self.check_nothing_changed()

    def test_configuration_errors_name_file_line_keyword_and_nearest_word(self):
        good = self.lab.text
        self.refused(good.replace("member_timeout", "member_timout"), "bad.conf:2", "member_timout", "member_timeout")
        self.refused(good + "node_name node1\n", "bad.conf", "node1")
        self.refused(echo_package(address="10.99.0.1"), "bad.conf", "10.99.0.1", package=True)
        self.refused(good.replace("stonith-exec", "stonith-exek"), "stonith-exek", "stonith-exec")

    def test_a_forgotten_file_removes_no_package(self):
        files = ["/etc/mainstay/cluster.conf"]
        checked = self.lab.hactl("node1", "cluster", "check", *files, check=False)
        self.assertIn("package web (running on node1) is in no file and would be removed", checked.stderr)
        self.lab.hactl("node1", "package", "halt", "web")
        refused = self.lab.hactl("node1", "cluster", "apply", *files, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("package web (down) is in no file and would be removed", refused.stderr)
        self.assertIn("package_name", self.configuration())
        wrong = self.lab.hactl("node1", "cluster", "apply", *files, "--remove", "wep,web", check=False)
        self.assertIn("--remove wep: there is no such package", wrong.stderr)
        self.lab.hactl("node1", "cluster", "apply", *files, "--remove", "web")
        self.assertNotIn("package_name", self.configuration())

    def test_a_missing_file(self):
        run = self.lab.hactl("node1", "cluster", "check", "/etc/mainstay/nowhere.conf", check=False)
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("nowhere.conf", run.stdout + run.stderr)
        self.check_nothing_changed()

    def test_garbage_on_the_heartbeat_port(self):
        sender = ("import os, socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
                  "[s.sendto(os.urandom(n % 1400), ('10.77.0.1', 5405)) for n in range(3000)]")
        self.lab.run("client", "python3", "-c", sender)
        self.lab.run("node2", "python3", "-c", sender)
        self.check_nothing_changed()
        self.assertEqual(self.lab.node_state("node1", "node2"), "running")

    def test_garbage_and_half_messages_on_the_administration_socket(self):
        pid = self.lab.nodes()["node1"]["pid"]

        def connection():
            link = socket.socket(socket.AF_UNIX)
            link.settimeout(10)
            link.connect(f"/proc/{pid}/root/run/mainstay/admin.sock")
            return link
        half = connection()
        half.sendall(b'{"jsonrpc":"2.0","id":1,"method":"sta')
        with connection() as link:
            link.sendall(os.urandom(200).replace(b"\n", b"") + b"\n")
            answer = json.loads(link.makefile().readline())
            self.assertEqual(answer["error"]["code"], -32700)
            link.sendall(b'{"jsonrpc":"2.0","id":7,"method":"no.such.thing"}\n')
            self.assertEqual(json.loads(link.makefile().readline())["error"]["code"], -32601)
            link.sendall(b'{"jsonrpc":"2.0","id":8,"method":"package.move","params":{"package":5}}\n')
            self.assertEqual(json.loads(link.makefile().readline())["error"]["code"], -32602)
        with connection() as link:
            try:
                for _ in range(10):
                    link.sendall(b"x" * (1 << 20))
                self.assertEqual(link.recv(1), b"")   # above the limit the connection ends
            except (BrokenPipeError, ConnectionResetError):
                pass
        half.close()
        self.check_nothing_changed()

    def test_no_such_node_or_package(self):
        run = self.lab.hactl("node1", "package", "move", "wep", "node2", check=False)
        self.assertEqual(run.returncode, 1)
        self.assertIn("web", run.stdout + run.stderr)
        run = self.lab.hactl("node1", "node", "halt", "node7", check=False)
        self.assertEqual(run.returncode, 1)
        self.check_nothing_changed()

    OTHER_ABI = """
#include <mainstay/plugin.h>
static const mainstay_plugin table = {MAINSTAY_PLUGIN_MAGIC, MAINSTAY_ABI_MAJOR + 7, 3, sizeof(mainstay_plugin)};
__attribute__((visibility("default"))) const mainstay_plugin* mainstay_plugin_entry(void) { return &table; }
"""

    DEADLY = """
#include <signal.h>
__attribute__((constructor)) static void at_load(void) { raise(SIGSEGV); }
"""

    def make(self):
        """The plugins of the build, one that is no library at all, one of another ABI, one that crashes its loader."""
        lab = super().make()
        lab.plugins = f"{lab.directory}/plugins"
        os.makedirs(lab.plugins)
        for entry in os.scandir(f"{BUILD}/plugins"):
            if entry.name.endswith(".so"):
                shutil.copy(entry.path, lab.plugins)
        with open(f"{lab.plugins}/broken.so", "w") as f:
            f.write("this is no library\n")
        subprocess.run(["gcc", "-shared", "-fPIC", "-x", "c", f"-I{ROOT}/core/sdk/include", "-o",
                        f"{lab.plugins}/alien.so", "-"], input=self.OTHER_ABI, text=True, check=True)
        subprocess.run(["gcc", "-shared", "-fPIC", "-x", "c", "-o", f"{lab.plugins}/deadly.so", "-"],
                       input=self.DEADLY, text=True, check=True)
        return lab

    def test_a_plugin_that_does_not_load_or_has_another_abi(self):
        listed = self.lab.hactl("node1", "plugin", "list", check=False)
        for word in ("broken.so", "alien.so", "ABI", "crashes when it is loaded", "heartbeat-udp"):
            self.assertIn(word, listed.stdout + listed.stderr)
        for name, reason in (("broken", "broken.so"), ("alien", "ABI"), ("deadly", "crashes")):
            self.refused(self.lab.text + f"stonith_name other\n  stonith_plugin {name}\n", "bad.conf", name, reason)


class BadScripts(MainstayCase):
    """Packages whose scripts are wrong fail with the reason; the others and the daemon go on."""

    def add(self, name, extra):
        text = (f"package_name {name}\nauto_run no\nnode_name node1\nnode_name node2\nnode_name node3\n"
                f"script_log_file /var/log/mainstay/{name}.log\n{extra}")
        for node in self.lab.names:
            self.lab.write(node, f"/etc/mainstay/packages/{name}.conf", text)
        self.lab.apply()

    def start_fails(self, name, *expected):
        run = self.lab.hactl("node1", "package", "start", name, check=False, limit_s=90)
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        for part in expected:
            self.assertIn(part, run.stdout + run.stderr)
        self.assertEqual(self.lab.package("web")["node"], "node1")
        self.assertNotIn("fence_requested", self.kinds("node2"))
        self.check_safety()

    def script(self, name, text):
        for node in self.lab.names:
            self.lab.write(node, f"/etc/mainstay/{name}", text, 0o755)
        return f"/etc/mainstay/{name}"

    def test_a_script_that_is_gone_when_it_is_wanted(self):
        script = self.script("no-such-script", "#!/bin/sh\n")
        self.add("gone", f"run_script {script}\n")
        for node in self.lab.names:
            os.remove(self.lab.path(node, script))
        self.start_fails("gone", "no-such-script")

    def test_a_script_that_never_ends(self):
        script = self.script("forever", "#!/bin/sh\n[ $1 = stop ] && exit 0\nexec tail -f /dev/null\n")
        self.add("endless", f"run_script {script}\nrun_script_timeout 1\nhalt_script {script}\n")
        self.start_fails("endless", "run_script did not end in time")
        self.lab.wait("no process of it is left", lambda: not any(
            self.lab.processes(n, "tail") for n in self.lab.names))

    def test_a_script_that_prints_100_megabytes(self):
        script = self.script("chatty", "#!/bin/sh\n[ $1 = stop ] && exit 0\nyes mainstay | head -c 104857600\n")
        self.add("chatty", f"run_script {script}\nrun_script_timeout 60\nhalt_script {script}\n")
        self.lab.hactl("node1", "package", "start", "chatty", limit_s=90)
        node = self.lab.wait_running("chatty")
        sizes = [entry.stat().st_size for entry in os.scandir(self.lab.path(node, "/var/log/mainstay"))
                 if entry.name.startswith("chatty")]
        self.assertTrue(sizes)
        self.assertLess(sum(sizes), 64 << 20)
        self.check_safety()


if __name__ == "__main__":
    unittest.main(verbosity=2)
