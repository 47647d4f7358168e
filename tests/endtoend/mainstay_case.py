"""Base of the tests that need a cluster: one per test, logs kept when the test fails, safety judged at the end."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lab"))
from cluster import ADDRESS, BUILD, PORT, Cluster, echo_package  # noqa: E402
from watchers import AddressWatch, Prober, prober_problems, shared_file_problems  # noqa: E402


class MainstayCase(unittest.TestCase):
    """self.lab: three formed nodes with package web (an address, a service that answers) running on node1."""
    nodes = 3
    options = {}

    def make(self):
        return Cluster(nodes=self.nodes, packages={"web": lambda lab: echo_package(shared=lab.shared)}, **self.options)

    def setUp(self):
        self.lab = self.make()
        self.addCleanup(self.finish)
        self.lab.up()
        self.lab.form()
        self.begin()

    def begin(self):
        self.lab.wait_running("web", "node1")
        self.watch = AddressWatch(self.lab, ADDRESS)
        self.prober = Prober(self.lab, "udp", ADDRESS, PORT)
        self.lab.probers.append(self.prober)
        self.prober.wait_answer("node1")

    def finish(self):
        failed = any(problem for _, problem in self._outcome.result.failures + self._outcome.result.errors
                     if _ is self) or sys.exc_info()[0]
        if (failed or os.environ.get("MAINSTAY_KEEP_LOGS")) and os.path.isdir(self.lab.directory):
            where = os.path.join(BUILD, "lab-logs", self.id())
            self.lab.keep_logs(where)
            print(f"       logs: {where}", flush=True)
        self.lab.down()

    def leader(self):
        return self.lab.wait("all agree on a leader", self.lab.leader)

    def check_safety(self):
        """From outside: never two at once."""
        problems = self.watch.problems() + shared_file_problems(self.lab.shared) + prober_problems(self.prober)
        self.assertEqual(problems, [])

    def kinds(self, asked=None, **wanted):
        """Of the history as `asked` knows it, those whose members are as wanted."""
        return [e["kind"] for e in self.lab.history(asked) if all(e.get(k) == v for k, v in wanted.items())]
