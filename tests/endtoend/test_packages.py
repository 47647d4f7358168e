"""Packages made of real scripts, services, file systems: order, environment, exit codes, dependencies."""
import os
import signal
import unittest

from cluster import Cluster
from mainstay_case import MainstayCase

# Writes down what it is called with, and ends as a file of its name says: a number, or `hang`.
SCRIPT = """#!/bin/sh
name=$(basename $0)
cd /var/lib/misc
[ "$1" = validate ] && exit 0
echo "$SG_PACKAGE $name $1" >> journal
env > env.$name.$1
say=$(cat /etc/mainstay/say.$name.$1 2>/dev/null || echo 0)
[ "$say" = hang ] && exec sleep 1000
exit $say
"""
ONE = """package_name one
node_name node1
node_name node2
external_pre_script /etc/mainstay/pre
external_script /etc/mainstay/ext
run_script /etc/mainstay/main
halt_script /etc/mainstay/main
run_script_timeout 3
halt_script_timeout 3
log_level 2
pev_Color deep blue
service_name one_s
  service_cmd /bin/sleep 1000
"""
DB = """package_name db
node_name node1
node_name node2
run_script /etc/mainstay/main
halt_script /etc/mainstay/main
service_name db_s
  service_cmd /bin/sleep 1001
"""
WEB = """package_name web
node_name node2
node_name node1
run_script /etc/mainstay/main
halt_script /etc/mainstay/main
dependency_name db
  dependency_condition db = UP
  dependency_location same_node
service_name web_s
  service_cmd /bin/sleep 1002
"""
# Says that all is down, and has ended nothing.
LIAR = """package_name one
node_name node1
node_name node2
run_script /etc/mainstay/liar
halt_script /etc/mainstay/liar
log_level 1
"""
LIAR_SCRIPT = """#!/bin/sh
[ "$1" = start ] && { /bin/sleep 1003 & }
exit 0
"""
SHELL_COMMAND = """package_name svc
node_name node2
service_name svc_s
  service_cmd cd /var/lib/misc && HOW=long; /bin/sleep 1004
"""


class PackageCase(MainstayCase):
    packages = {}

    def make(self):
        def package(text):
            def write(lab):
                for node in lab.names:
                    for script in ("pre", "ext", "main"):
                        lab.write(node, f"/etc/mainstay/{script}", SCRIPT, 0o755)
                    lab.write(node, "/etc/mainstay/stubborn", STUBBORN, 0o755)
                    lab.write(node, "/etc/mainstay/liar", LIAR_SCRIPT, 0o755)
                    for directory in ("data", "more"):
                        os.makedirs(lab.path(node, f"/var/lib/misc/{directory}"), exist_ok=True)
                return text
            return write
        return Cluster(nodes=3, packages={name: package(text) for name, text in self.packages.items()})

    def begin(self):
        for name in self.packages:
            self.lab.wait_running(name)

    def says(self, script, argument, answer, nodes=("node1", "node2")):
        for node in nodes:
            self.lab.write(node, f"/etc/mainstay/say.{script}.{argument}", f"{answer}\n")

    def journal(self, node):
        path = self.lab.path(node, "/var/lib/misc/journal")
        if not os.path.exists(path):
            return []
        with open(path) as f:
            return f.read().splitlines()

    def forget(self, node):
        self.lab.write(node, "/var/lib/misc/journal", "")

    def disabled_on(self, name):
        return self.lab.package(name)["disabled_on"]

    def wait_state(self, name, state):
        return self.lab.wait(f"{name} is {state}", lambda: self.lab.package(name).get("state") == state)


class OnlineChange(PackageCase):
    packages = {"one": ONE}
    smoke = True

    def test_what_may_change_while_it_runs(self):
        before, generation = self.lab.wait_process("node1", "sleep", "1000"), self.lab.package("one")["generation"]
        self.lab.write("node2", "/etc/mainstay/packages/one.conf",
                       ONE.replace("halt_script_timeout 3", "halt_script_timeout 4\npriority 7"))
        self.lab.apply("node2")
        self.assertRegex(self.lab.hactl("node3", "cluster", "get").stdout, "halt_script_timeout +4s")
        # What was started has to be halted by the same steps.
        self.lab.write("node2", "/etc/mainstay/packages/one.conf",
                       ONE.replace("external_pre_script", "external_script").replace("run_script /etc/mainstay/main",
                                                                                     "run_script /etc/mainstay/pre"))
        refused = self.lab.apply("node2", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("halt it before run_script is changed", refused.stdout + refused.stderr)
        where = r"one.conf:\d+: error: run_script: can't be applied now: .*hactl package halt one first"
        self.assertRegex(refused.stderr, where)
        checked = self.lab.hactl("node2", "cluster", "check", *self.lab.files("node2"), check=False)
        self.assertEqual(checked.returncode, 1)
        self.assertRegex(checked.stderr, where)
        self.assertRegex(self.lab.hactl("node3", "cluster", "get").stdout, "priority +7")
        after = self.lab.wait_process("node1", "sleep", "1000")
        self.assertEqual((after, self.lab.package("one")["generation"]), (before, generation))
        self.lab.hactl("node3", "package", "halt", "one")
        self.lab.apply("node2")
        self.assertEqual(self.lab.package("one")["state"], "halted")
        self.lab.hactl("node3", "package", "start", "one", "node1")
        self.lab.wait_process("node1", "sleep", "1000")


class Pinned(PackageCase):
    packages = {"one": ONE}

    def test_a_pin_holds_until_it_is_lifted(self):
        self.assertEqual(self.lab.package("one")["node"], "node1")
        pin = ("package", "pin", "one", "node2", "--reason", "licence", "--until", "2h")
        plan = self.lab.hactl("node3", *pin, "--plan").stdout
        self.assertIn("package pin one to node2", plan)
        said = self.lab.hactl("node3", *pin, "--plan-id", plan.split("plan-id ")[1].split()[0]).stdout
        self.assertIn("it runs on node1 and stays there", said)
        pin = self.lab.package("one")["pin"]
        self.assertEqual((pin["node"], pin["reason"]), ("node2", "licence"))
        self.assertGreater(pin["until"], pin["since"])
        self.assertRegex(self.lab.hactl("node1", "status").stdout, "one: pinned to node2 by .* until .*: licence")
        self.lab.hactl("node3", "package", "move", "one")
        self.lab.wait("one runs on node2", lambda: self.lab.package("one")["node"] == "node2")
        refused = self.lab.hactl("node3", "package", "move", "one", "node1", check=False)
        self.assertIn("hactl package unpin one first", refused.stdout + refused.stderr)
        # Its node goes: it stays down, and the pin is why.
        self.lab.hactl("node3", "node", "halt", "node2")
        self.wait_state("one", "waiting")
        self.assertRegex(self.lab.hactl("node1", "explain", "one").stdout, "it is pinned to node2 by .*licence")
        self.lab.hactl("node3", "package", "unpin", "one")
        self.lab.wait("one runs on node1", lambda: self.lab.package("one")["node"] == "node1")
        self.assertIsNone(self.lab.package("one")["pin"])


# Its service takes its time to end.
SLOW = """package_name slow
node_name node1
node_name node2
ip_subnet 10.77.0.0/24
  ip_address 10.77.0.121
service_name slow_s
  service_cmd /etc/mainstay/stubborn 2000
  service_halt_timeout 3
service_name slow_t
  service_cmd /bin/sleep 2001
"""
STUBBORN = """#!/bin/sh
trap '' TERM
while :; do sleep $1; done
"""


class PartsComeAndGo(PackageCase):
    """Services and addresses of a package that runs: SG 3.11."""
    packages = {"slow": SLOW}
    smoke = True

    def begin(self):
        super().begin()
        self.generation = self.lab.package("slow")["generation"]

    def has(self, node, address):
        return f" {address}/" in self.lab.run(node, "ip", "-o", "addr").stdout

    def sleeps(self, node, argument):
        return [pid for pid, argv in self.lab.processes(node, "sleep") if argument in argv]

    def change(self, *pairs):
        text = SLOW
        for old, new in pairs:
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.lab.write("node2", "/etc/mainstay/packages/slow.conf", text)
        told = self.lab.hactl("node2", "cluster", "check", *self.lab.files("node2")).stdout
        self.lab.apply("node2")
        return told

    def untouched(self):
        package = self.lab.package("slow")
        self.assertEqual((package["state"], package["generation"]), ("running", self.generation))
        self.assertNotIn("service_failed", self.kinds(package="slow"))

    def test_they_come_and_go(self):
        other = self.lab.wait_process("node1", "sleep", "2001")
        told = self.change(("stubborn 2000", "stubborn 2002"), ("0.121", "0.121\n  ip_address 10.77.0.122"))
        self.assertIn("package slow on node1: halts service slow_s", told)
        self.assertIn("package slow on node1: adds address 10.77.0.122", told)
        self.lab.wait_process("node1", "sleep", "2002")
        self.assertEqual(self.sleeps("node1", "2000"), [])
        self.assertTrue(self.has("node1", "10.77.0.121") and self.has("node1", "10.77.0.122"))
        self.assertEqual(self.sleeps("node1", "2001"), [other])
        self.change(("stubborn 2000", "stubborn 2002"))
        self.lab.wait("the address is gone", lambda: not self.has("node1", "10.77.0.122"))
        self.lab.wait("it is written down", lambda: self.kinds(package="slow").count("package_changed") == 2)
        self.untouched()

    def test_the_daemon_dies_in_the_middle(self):
        self.lab.wait_process("node1", "sleep", "2000")
        self.change(("stubborn 2000", "stubborn 2002"), ("0.121", "0.123"), ("slow_t", "slow_u"), ("2001", "2003"))
        # While the old service does not want to end.
        self.lab.wait("the other one has ended", lambda: not self.sleeps("node1", "2001"))
        self.assertTrue(self.sleeps("node1", "2000"))
        self.lab.kill("node1", "mainstayd")
        self.lab.wait("the daemon is back", lambda: self.lab.status("node1"))
        self.lab.wait_process("node1", "sleep", "2002")
        self.lab.wait_process("node1", "sleep", "2003")
        self.assertEqual(self.sleeps("node1", "2000") + self.sleeps("node1", "2001"), [])
        self.lab.wait("the new address is there", lambda: self.has("node1", "10.77.0.123"))
        self.assertFalse(self.has("node1", "10.77.0.121"))
        self.untouched()
        self.lab.hactl("node3", "package", "halt", "slow")
        self.assertFalse(self.has("node1", "10.77.0.123"))
        self.assertEqual([argv for _, argv in self.lab.processes("node1", "sleep")], [])


class ScriptsComeAndGo(PackageCase):
    """External scripts of a package that runs: SG 3.11."""
    packages = {"one": ONE}

    def change(self, text):
        self.lab.write("node2", "/etc/mainstay/packages/one.conf", text)
        told = self.lab.hactl("node2", "cluster", "check", *self.lab.files("node2")).stdout
        self.lab.apply("node2")
        return told

    def add(self, *names):
        for node in self.lab.names:
            for name in names:
                self.lab.write(node, f"/etc/mainstay/{name}", SCRIPT, 0o755)

    def test_added_and_taken_out(self):
        before = self.lab.wait_process("node1", "sleep", "1000")
        self.forget("node1")
        self.add("more")
        told = self.change(ONE.replace("external_script /etc/mainstay/ext", "external_script /etc/mainstay/more"))
        self.assertIn("package one on node1: runs external_script /etc/mainstay/ext stop", told)
        self.assertIn("package one on node1: runs external_script /etc/mainstay/more start", told)
        self.lab.wait("both ran", lambda: self.journal("node1") == ["one ext stop", "one more start"])
        self.lab.wait("it is written down", lambda: "package_changed" in self.kinds(package="one"))
        self.assertEqual(self.lab.wait_process("node1", "sleep", "1000"), before)
        self.forget("node1")
        self.lab.hactl("node3", "package", "halt", "one")
        self.assertEqual(self.journal("node1"), ["one more stop", "one main stop", "one pre stop"])

    def test_one_that_fails_fails_the_package(self):
        self.add("more")
        self.says("more", "start", "1", ["node1"])
        self.forget("node1")
        self.change(ONE.replace("external_script /etc/mainstay/ext",
                                "external_script /etc/mainstay/ext\nexternal_script /etc/mainstay/more"))
        self.lab.wait_running("one", "node2")
        self.assertEqual(self.journal("node1"), ["one more start", "one ext stop", "one main stop", "one pre stop"])
        self.assertEqual(self.disabled_on("one"), ["node1"])
        flag, = self.lab.package("one")["disabled_by"]
        self.assertEqual((flag["node"], flag["by"]), ("node1", "node1"))
        self.assertIn("external_script /etc/mainstay/more exit 1", flag["reason"])
        self.assertIn("one: switching off on node1 by node1 for ", self.lab.hactl("node2", "status").stdout)
        said = [item["text"] for item in self.lab.history() if item["kind"] == "package_failed"]
        self.assertTrue(any("external_script /etc/mainstay/more exit 1" in text for text in said), said)

    def test_the_daemon_dies_while_one_is_started(self):
        self.add("more")
        self.says("more", "start", "hang", ["node1"])
        self.forget("node1")
        self.change(ONE.replace("run_script_timeout 3", "run_script_timeout 60").replace(
            "external_script /etc/mainstay/ext",
            "external_script /etc/mainstay/ext\nexternal_script /etc/mainstay/more"))
        self.lab.wait("it runs", lambda: self.journal("node1") == ["one more start"])
        self.says("more", "start", "0", ["node1"])
        self.lab.kill("node1", "mainstayd")
        self.lab.wait("it runs again", lambda: self.journal("node1") == ["one more start", "one more start"])
        self.lab.wait("it is written down", lambda: "package_changed" in self.kinds(package="one"))
        self.assertEqual(self.lab.package("one")["state"], "running")


class StartedPartly(PackageCase):
    """cmrunpkg -m and -e, cmhaltpkg -s: SG 7.2."""
    packages = {"one": ONE}
    smoke = True

    def refused(self, *words):
        run = self.lab.hactl("node3", "package", *words, check=False)
        self.assertEqual(run.returncode, 1, run.stdout)
        return run.stderr

    def test_in_maintenance_some_steps_are_taken(self):
        self.assertIn("hactl package maintenance on one", self.refused("start", "one", "--to", "run_script"))
        for words in (["disable", "one"], ["maintenance", "on", "one", "--reason", "disks"], ["halt", "one"]):
            self.lab.hactl("node3", "package", *words)
        self.forget("node1")
        self.assertIn("package one has no volume_group", self.refused("start", "one", "--to", "sg/volume_group"))
        plan = self.lab.hactl("node3", "package", "start", "one", "--to", "run_script", "--plan").stdout
        self.assertIn("partly: external_pre_script, run_script", plan)
        self.lab.hactl("node3", "package", "start", "one", "--to", "run_script", "--node", "node1")
        self.assertEqual(self.journal("node1"), ["one pre start", "one main start"])
        package = self.lab.package("one")
        self.assertEqual(package["partial"], {"steps": ["external_pre_script", "run_script"],
                                              "left_out": ["external_script", "service"]})
        self.assertEqual(package["services"][0]["state"], "halted")
        told = self.lab.hactl("node2", "status").stdout + self.lab.hactl("node2", "explain", "one").stdout
        self.assertEqual(told.count("started partly: external_pre_script, run_script"), 2, told)
        self.assertIn("was started partly", self.refused("maintenance", "off", "one"))
        # A daemon that dies knows what was begun.
        self.lab.kill("node1", "mainstayd")
        self.lab.wait("the daemon is back", lambda: self.lab.status("node1"))
        self.lab.wait_running("one", "node1")
        self.assertEqual(self.lab.processes("node1", "sleep"), [])
        self.forget("node1")
        self.lab.hactl("node3", "package", "halt", "one", "--partial")
        self.assertEqual(self.journal("node1"), ["one main stop", "one pre stop"])
        # All but one.
        self.forget("node1")
        self.lab.hactl("node3", "package", "start", "one", "--without", "sg/external", "--without", "run_script")
        self.assertEqual(self.journal("node1"), ["one pre start"])
        self.lab.wait_process("node1", "sleep", "1000")
        self.lab.hactl("node3", "package", "halt", "one", "--partial")
        self.assertEqual(self.journal("node1"), ["one pre start", "one pre stop"])
        self.assertEqual(self.lab.processes("node1", "sleep"), [])
        self.lab.hactl("node3", "package", "start", "one")
        self.assertIn("was not started partly", self.refused("halt", "one", "--partial"))
        self.lab.hactl("node3", "package", "maintenance", "off", "one")
        self.assertIsNone(self.lab.package("one")["partial"])


class RestartsCountedAnew(PackageCase):
    packages = {"one": ONE + "  service_restart 1\n"}

    def test_reset(self):
        for count in (1, 2):
            pid = self.lab.wait_process("node1", "sleep", "1000")
            os.kill(pid, signal.SIGKILL)
            self.lab.wait("the restart is written down",
                          lambda n=count: self.kinds(package="one").count("service_restarted") == n)
            self.assertEqual(self.lab.package("one")["services"][0]["restarts"], 1)
            self.lab.hactl("node2", "package", "reset-restarts", "one", *(["one_s"] if count == 1 else []))
            self.assertEqual(self.lab.package("one")["services"][0]["restarts"], 0)
        self.assertEqual(self.lab.package("one")["node"], "node1")
        wrong = self.lab.hactl("node2", "package", "reset-restarts", "one", "two_s", check=False)
        self.assertIn("package one has no service two_s; it has one_s", wrong.stderr)


class AddressTakenAway(PackageCase):
    packages = {"slow": SLOW}

    def test_it_moves(self):
        self.lab.run("node1", "ip", "addr", "del", "10.77.0.121/24", "dev", "eth0")
        self.lab.wait_running("slow", "node2", limit_s=120)
        self.assertIn(" 10.77.0.121/", self.lab.run("node2", "ip", "-o", "addr").stdout)
        said = [item["text"] for item in self.lab.history() if item.get("package") == "slow"]
        self.assertTrue(any("address 10.77.0.121 is gone" in text for text in said), said)


class Scripts(PackageCase):
    packages = {"one": ONE}
    smoke = True

    def test_order_and_environment(self):
        self.assertEqual(self.journal("node1"), ["one pre start", "one main start", "one ext start"])
        with open(self.lab.path("node1", "/var/lib/misc/env.ext.start")) as f:
            environment = dict(line.rstrip("\n").split("=", 1) for line in f if "=" in line)
        self.assertEqual(environment["SG_PACKAGE"], "one")
        self.assertEqual(environment["SG_NODE"], "node1")
        self.assertEqual(environment["SG_CLUSTER"], "lab")
        self.assertEqual(environment["SG_LOG_LEVEL"], "2")
        self.assertEqual(environment["SG_SCRIPT_LOG_FILE"], "/var/log/mainstay/one.log")
        self.assertEqual(environment["PEV_COLOR"], "deep blue")
        self.forget("node1")
        self.lab.hactl("node2", "package", "halt", "one")
        self.assertEqual(self.journal("node1"), ["one ext stop", "one main stop", "one pre stop"])

    def test_start_exits(self):
        self.lab.hactl("node2", "package", "halt", "one")
        # 2: the next node is tried, this one is off for the package.
        self.says("ext", "start", "2", ["node1"])
        self.lab.hactl("node2", "package", "enable", "one")
        self.lab.wait_running("one", "node2")
        self.assertEqual(self.disabled_on("one"), ["node1"])
        self.lab.hactl("node2", "package", "enable", "one", "--node", "node1")
        # 1: nobody else tries.
        self.lab.hactl("node2", "package", "halt", "one")
        self.says("ext", "start", "1", ["node1"])
        self.forget("node1")
        self.forget("node2")
        self.lab.hactl("node2", "package", "enable", "one")
        self.wait_state("one", "halted")
        self.assertEqual(self.journal("node1")[-2:], ["one main stop", "one pre stop"])
        self.assertEqual(self.journal("node2"), [])
        self.assertFalse(self.lab.package("one")["switching"])
        # Too long: as 1.
        self.says("ext", "start", "hang", ["node1"])
        self.forget("node1")
        self.lab.hactl("node2", "package", "enable", "one")
        self.lab.wait("the start has failed", lambda: not self.lab.package("one")["switching"])
        self.wait_state("one", "halted")
        self.assertEqual(self.journal("node2"), [])

    def test_halt_exits(self):
        # 2: down all the same, and elsewhere.
        self.says("main", "stop", "2")
        self.lab.hactl("node3", "package", "move", "one", "node2")
        self.lab.wait_running("one", "node2")
        # 1: the rest is halted, but it starts nowhere.
        self.says("main", "stop", "1")
        self.forget("node2")
        self.lab.hactl("node3", "package", "move", "one", "node1", check=False)
        self.wait_state("one", "failed")
        self.assertEqual(self.journal("node2"), ["one ext stop", "one main stop", "one pre stop"])
        # 3: it stops where it failed, and goes on from there after the repair.
        self.says("main", "stop", "3")
        self.forget("node2")
        self.lab.hactl("node3", "package", "halt", "one", check=False)
        self.wait_state("one", "failed")
        self.assertEqual(self.journal("node2"), ["one ext stop", "one main stop"])
        self.says("main", "stop", "0")
        self.forget("node2")
        self.lab.hactl("node3", "package", "halt", "one")
        self.assertEqual(self.journal("node2"), ["one main stop", "one pre stop"])
        self.wait_state("one", "halted")


class Dependencies(PackageCase):
    packages = {"db": DB, "web": WEB}
    smoke = True

    def test_who_needs_it_halts_first_and_follows(self):
        self.lab.wait_running("web", "node1")
        self.assertEqual(self.journal("node1"), ["db main start", "web main start"])
        refused = self.lab.hactl("node2", "package", "halt", "db", check=False)
        self.assertIn("web needs db", refused.stdout + refused.stderr)
        self.forget("node1")
        sleeper = self.lab.wait_process("node1", "sleep", "1001")
        os.kill(sleeper, signal.SIGTERM)
        self.lab.wait_running("web", "node2")
        self.lab.wait_running("db", "node2")
        self.assertEqual(self.journal("node1"), ["web main stop", "db main stop"])
        self.assertEqual(self.journal("node2"), ["db main start", "web main start"])



class LeftBehind(PackageCase):
    packages = {"one": LIAR, "svc": SHELL_COMMAND}

    def begin(self):
        self.lab.wait_running("one", "node1")
        self.lab.wait_running("svc", "node2")

    def test_a_halt_script_is_not_believed(self):
        self.lab.wait_process("node1", "sleep", "1003")
        self.lab.hactl("node3", "package", "move", "one", "node2")
        self.lab.wait_process("node2", "sleep", "1003")
        self.assertEqual([item for item in self.lab.processes("node1", "sleep") if "1003" in item[1]], [])
        told = [item["text"] for item in self.lab.history() if item["kind"] == "processes_left"]
        self.assertEqual(len(told), 1)
        self.assertRegex(told[0], r"package one on node1: processes left: what it left behind was ended: \d+ sleep")
        with open(self.lab.path("node1", "/var/log/mainstay/one.log")) as f:
            log = f.read()
        for line in ("starting package one", "package start completed", "run_script start: exit 0",
                     "what it left behind was ended", "package halt completed"):
            self.assertIn(line, log)
        self.lab.hactl("node3", "package", "halt", "one")
        self.assertEqual([item for item in self.lab.processes("node2", "sleep") if "1003" in item[1]], [])

    def test_the_shell_runs_a_service(self):
        sleeper = self.lab.wait_process("node2", "sleep", "1004")
        self.lab.hactl("node3", "package", "halt", "svc")
        self.assertEqual([item for item in self.lab.processes("node2", "sleep") if "1004" in item[1]], [])
        self.lab.hactl("node3", "package", "start", "svc", "node2")
        again = self.lab.wait_process("node2", "sleep", "1004")
        self.assertNotEqual(sleeper, again)
        # The shell's end is the service's, and says how its command ended.
        os.kill(again, signal.SIGKILL)
        self.lab.wait("it has failed", lambda: any("exit 137" in item["text"] or "signal 9" in item["text"]
                                                   for item in self.lab.history() if item.get("package") == "svc"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
