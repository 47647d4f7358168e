"""What is foreseen is what comes: simulate, --plan, --plan-id, asked of real daemons."""
import json
import re

from mainstay_case import MainstayCase


class Forecast(MainstayCase):
    smoke = True

    def foresee(self, *arguments, node="node3"):
        told = json.loads(self.lab.hactl(node, *arguments, "--json").stdout)
        return {item["name"]: item for item in told["packages"]}, told

    def said(self, *arguments, node="node3"):
        done = self.lab.hactl(node, *arguments, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_where_it_says_there_it_goes(self):
        before = self.lab.status("node3")["freshness"]["applied_index"]
        packages, told = self.foresee("simulate", "--fail-node", "node1")
        web = packages["web"]
        self.assertEqual((web["before"], web["after"], web["interrupted"]), ("node1", "node2", True))
        self.assertIn("fence node1", web["outage"]["unknown"])
        self.assertGreaterEqual(web["outage"]["known_us"], 1_000_000)
        foreseen = [item["text"] for item in told["entries"] if item["kind"] in ("node_lost", "package_starting")]
        self.assertEqual(self.lab.status("node3")["freshness"]["applied_index"], before)
        self.lab.power_off("node1")
        self.lab.wait_running("web", "node2")
        came = [item["text"] for item in self.lab.history("node3") if item["index"] > before]
        for text in foreseen:
            self.assertIn(re.sub(r" \(proof.*", "", text), " / ".join(came))
        self.check_safety()

    def test_a_plan_is_done_while_it_holds_and_refused_when_not(self):
        code, text = self.said("package", "move", "web", "node2", "--plan")
        self.assertEqual(code, 0, text)
        self.assertIn("halt web on node1: move to node2", text)
        self.assertEqual(self.lab.package("web")["node"], "node1")
        plan = re.search(r"plan-id (\S+)", text).group(1)
        # Another command with that plan, then something that spoils it.
        code, text = self.said("package", "halt", "web", "--plan-id", plan)
        self.assertEqual(code, 1)
        self.assertIn("is of another command", text)
        self.lab.hactl("node1", "package", "disable", "web", "node3")
        code, text = self.said("package", "move", "web", "node2", "--plan-id", plan)
        self.assertEqual(code, 1)
        self.assertIn(f"things have changed since plan {plan} was made: package disable web on node3", text)
        self.assertEqual(self.lab.package("web")["node"], "node1")
        # A fresh one, asked of another node than the one that does it.
        text = self.said("package", "move", "web", "node2", "--plan", node="node1")[1]
        plan = re.search(r"plan-id (\S+)", text).group(1)
        code, text = self.said("package", "move", "web", "node2", "--plan-id", plan, node="node2")
        self.assertEqual(code, 0, text)
        self.lab.wait_running("web", "node2")
        # How long that start and halt took is known from now on.
        packages, _ = self.foresee("simulate", "--move", "web:node1")
        self.assertEqual(packages["web"]["outage"]["unknown"], [])
        # What would be refused is refused in the same words.
        plain = self.said("package", "move", "web", "node2")
        self.assertEqual(self.said("package", "move", "web", "node2", "--plan"), plain)
        self.assertEqual(plain[0], 1)
        self.check_safety()

    def test_a_new_configuration_is_shown_before_it_is_applied(self):
        files = self.lab.files("node1")
        path = next(name for name in files if name.endswith("cluster.conf"))
        self.lab.write("node1", path, self.lab.text.replace("member_timeout 1s", "member_timeout 2s"))
        code, text = self.said("cluster", "apply", *files, "--plan", node="node1")
        self.assertEqual(code, 0, text)
        self.assertIn("would change  cluster: member_timeout 1s -> 2s", text)
        self.assertIn("member_timeout           1s", re.sub(r"(member_timeout) +", r"\1           ",
                                                             self.lab.hactl("node1", "cluster", "get").stdout))
        code, text = self.said("simulate", "--apply", *files, "--fail-node", "node1", node="node1")
        self.assertEqual(code, 0, text)
        self.assertIn("+2.00 s", text)
        self.check_safety()
