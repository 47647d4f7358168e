"""Scripts that nodes lack or have in different versions are found before anything is applied."""
import os
import unittest

from mainstay_case import MainstayCase

SCRIPT = "#!/bin/sh\nexit 0\n"
PROBE = "#!/bin/sh\nexec sleep 1000\n"
PACKAGE = """package_name mail
auto_run no
node_name node1
node_name node2
node_name node3
run_script /etc/mainstay/mail-run
halt_script /etc/mainstay/mail-halt
external_script /etc/mainstay/mail-check
resource_name daemon
  resource_plugin init-script
  resource_param script /etc/mainstay/mail-init
service_name mail_probe
  service_cmd /etc/mainstay/mail-probe --every 5
"""
NAMES = ("run", "halt", "check", "init", "probe")


class Programs(MainstayCase):
    """Real files on three nodes."""

    def script(self, name, text=None, nodes=None, mode=0o755):
        text = text or (PROBE if name == "probe" else SCRIPT)
        for node in nodes or self.lab.names:
            self.lab.write(node, f"/etc/mainstay/mail-{name}", text, mode)

    def begin(self):
        super().begin()
        for name in NAMES:
            self.script(name)
        self.lab.write("node1", "/etc/mainstay/packages/mail.conf", PACKAGE)

    def hactl(self, word, *options, code):
        run = self.lab.hactl("node1", "cluster", word, *options, *self.lab.files("node1"), check=False)
        self.assertEqual(run.returncode, code, run.stdout + run.stderr)
        return run.stdout + run.stderr

    def break_some(self):
        os.remove(self.lab.path("node2", "/etc/mainstay/mail-run"))
        self.script("halt", nodes=["node3"], mode=0o644)
        self.script("check", SCRIPT + "# newer\n", nodes=["node2"])
        os.remove(self.lab.path("node3", "/etc/mainstay/mail-init"))
        os.mkdir(self.lab.path("node3", "/etc/mainstay/mail-init"))
        os.remove(self.lab.path("node1", "/etc/mainstay/mail-probe"))
        return [
            "mail.conf:6: error: run_script: /etc/mainstay/mail-run is missing on node2; copy it there from node1",
            "mail.conf:7: error: halt_script: /etc/mainstay/mail-halt is not executable on node3; chmod 755",
            "mail.conf:8: warning: external_script: /etc/mainstay/mail-check is not the same on all nodes: one on "
            "node1 and node3, another on node2",
            "mail.conf:11: error: resource_param: /etc/mainstay/mail-init is not a regular file on node3",
            "mail.conf:13: warning: service_cmd: /etc/mainstay/mail-probe is missing on node1; copy it there from "
            "node2"]

    def test_all_that_is_wrong_on_any_node_is_listed_in_one_run_and_nothing_is_applied(self):
        self.assertNotIn("mail.conf", self.hactl("check", code=0))
        expected = self.break_some()
        for word in ("check", "apply"):
            said = self.hactl(word, code=1)
            for line in expected:
                self.assertIn(line, said)
        self.assertEqual(self.lab.package("mail"), {})
        for name in NAMES:
            path = self.lab.path("node3", f"/etc/mainstay/mail-{name}")
            if os.path.isdir(path):
                os.rmdir(path)
            self.script(name)
        self.assertNotIn("mail.conf", self.hactl("apply", code=0))
        self.lab.hactl("node1", "package", "start", "mail")
        self.lab.wait_running("mail")
        self.check_safety()

    def test_external_scripts_are_asked_to_validate_on_every_node(self):
        ask = '#!/bin/sh\n[ "$1" = validate ] || exit 0\nenv > /var/lib/misc/env.validate\n'
        self.script("check", ask + 'echo "no table $PEV_TABLE"\nexit $(cat /etc/mainstay/mail-say)\n')
        for node, code in (("node1", 0), ("node2", 1), ("node3", 2)):
            self.lab.write(node, "/etc/mainstay/mail-say", f"{code}\n")
        self.lab.write("node1", "/etc/mainstay/packages/mail.conf", PACKAGE + "pev_Table orders\n")
        for word in ("check", "apply"):
            said = self.hactl(word, code=1)
            for node, code in (("node2", 1), ("node3", 2)):
                self.assertIn(f"mail.conf:8: error: external_script: /etc/mainstay/mail-check validate on {node}: "
                              f"exit {code}, said: no table orders", said)
            self.assertNotIn("on node1", said)
        self.assertEqual(self.lab.package("mail"), {})
        with open(self.lab.path("node3", "/var/lib/misc/env.validate")) as f:
            environment = dict(line.rstrip("\n").split("=", 1) for line in f if "=" in line)
        self.assertEqual(environment["SG_PACKAGE_NAME"], "mail")
        self.assertEqual(environment["MAINSTAY_NODE"], "node3")
        self.assertNotIn("SG_PACKAGE", environment)
        for node in self.lab.names:
            self.lab.write(node, "/etc/mainstay/mail-say", "0\n")
        self.hactl("apply", code=0)
        # What is in force as it is wanted is not asked again.
        os.remove(self.lab.path("node2", "/var/lib/misc/env.validate"))
        self.hactl("apply", code=0)
        self.assertFalse(os.path.exists(self.lab.path("node2", "/var/lib/misc/env.validate")))

    def test_a_node_that_is_down_is_a_warning(self):
        os.remove(self.lab.path("node3", "/etc/mainstay/mail-run"))
        self.lab.power_off("node3")
        self.lab.wait("node3 is missed", lambda: self.lab.node_state("node3", "node1") in ("lost", "fenced"))
        said = self.hactl("check", code=0)
        self.assertIn("could not look at the programs of packages on node3", said)
        self.assertNotIn("missing", said)
        self.hactl("apply", code=0)
        self.lab.wait("mail is known", lambda: self.lab.package("mail", "node2"))

    def test_without_a_daemon_the_own_scripts_are_looked_at(self):
        self.break_some()
        said = self.hactl("check", "--offline", code=0)
        self.assertIn("mail-probe is missing on node1", said)
        self.assertIn("not looked at on other nodes", said)
        self.assertNotIn("node2", said)


class BeforeThereIsACluster(MainstayCase):
    """The first configuration is checked on all nodes too."""

    def setUp(self):
        self.lab = self.make()
        self.addCleanup(self.finish)
        self.lab.up()

    def test_a_script_that_one_node_lacks_keeps_the_cluster_from_being_formed(self):
        for node in ("node1", "node3"):
            self.lab.write(node, "/etc/mainstay/run", SCRIPT, 0o755)
        with open(self.lab.path("node1", "/etc/mainstay/packages/web.conf"), "a") as f:
            f.write("run_script /etc/mainstay/run\nhalt_script /etc/mainstay/run\n")
        self.lab.wait("the daemons answer", lambda: all(self.lab.status(n) for n in self.lab.names))
        run = self.lab.apply(check=False)
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        self.assertIn("run_script: /etc/mainstay/run is missing on node2", run.stderr)
        self.assertFalse(any(self.lab.status(n)["formed"] for n in self.lab.names))
        self.lab.write("node2", "/etc/mainstay/run", SCRIPT, 0o755)
        self.lab.apply()
        self.lab.wait_nodes({n: "running" for n in self.lab.names})
        self.lab.wait_running("web", "node1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
