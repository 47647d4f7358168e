"""The two demonstrations pass: their exit code says so, and they judge safety themselves."""
import os
import subprocess
import unittest


class Demonstrations(unittest.TestCase):
    def passes(self, *arguments):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo.py")
        run = subprocess.run([script, *arguments], capture_output=True, text=True, timeout=200)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertIn("passed", run.stdout)

    def test_a_web_server_survives_its_node(self):
        self.passes()

    def test_the_portal(self):
        self.passes("portal")


if __name__ == "__main__":
    unittest.main(verbosity=2)
