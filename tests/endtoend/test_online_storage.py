"""File systems that are added to a package while it runs (SG 3.11)."""
from test_packages import ONE, PackageCase

OUTER = "/var/lib/misc/data"
INNER = OUTER + "/inner"


def tmpfs(directory):
    return f"fs_name tmpfs\n  fs_directory {directory}\n  fs_type tmpfs\n  fs_mount_opt -o size=1m\n"


class StorageComes(PackageCase):
    packages = {"one": ONE}
    smoke = True

    def begin(self):
        super().begin()
        self.service = self.lab.wait_process("node1", "sleep", "1000")
        self.generation = self.lab.package("one")["generation"]

    def change(self, text, check=True):
        self.lab.write("node2", "/etc/mainstay/packages/one.conf", text)
        told = self.lab.hactl("node2", "cluster", "check", *self.lab.files("node2"), check=check)
        self.lab.apply("node2", check=check)
        return told.stdout + told.stderr

    def mounted(self, directory, node="node1"):
        return self.lab.run(node, "grep", "-q", f" {directory} ", "/proc/self/mountinfo", check=False).returncode == 0

    def untouched(self):
        package = self.lab.package("one")
        self.assertEqual((package["state"], package["generation"]), ("running", self.generation))
        self.assertEqual(self.lab.wait_process("node1", "sleep", "1000"), self.service)

    def test_it_is_mounted_at_once_and_goes_with_the_package(self):
        told = self.change(ONE + tmpfs(OUTER))
        self.assertIn(f"package one on node1: mounts file system {OUTER}", told)
        self.lab.wait("it is mounted", lambda: self.mounted(OUTER))
        self.lab.wait("it is written down", lambda: "package_changed" in self.kinds(package="one"))
        self.untouched()
        # Out it goes only with the package down.
        self.assertRegex(self.change(ONE, check=False), "fs_name: can't be applied now: .*hactl package halt one first")
        self.assertTrue(self.mounted(OUTER))
        self.lab.kill("node1", "mainstayd")
        self.lab.wait("the daemon is back", lambda: self.lab.status("node1"))
        self.untouched()
        self.lab.hactl("node3", "package", "move", "one", "node2")
        self.lab.wait_running("one", "node2")
        self.assertFalse(self.mounted(OUTER))
        self.assertTrue(self.mounted(OUTER, "node2"))
        self.lab.hactl("node3", "package", "halt", "one")
        self.assertFalse(self.mounted(OUTER, "node2"))

    def test_what_can_not_be_mounted_harms_nobody_and_is_tried_again(self):
        self.change(ONE + tmpfs(OUTER) + tmpfs(INNER))
        self.lab.wait("it is told", lambda: "storage_not_added" in self.kinds(package="one"))
        self.assertTrue(self.mounted(OUTER))
        said = [item["text"] for item in self.lab.history() if item["kind"] == "storage_not_added"]
        self.assertIn(f"filesystem {INNER}: {INNER} is no directory", said[0])
        self.untouched()
        # The daemon that has it on record dies: the next one tries it.
        self.lab.kill("node1", "mainstayd")
        self.lab.run("node1", "mkdir", INNER)
        self.lab.wait("it is mounted", lambda: self.mounted(INNER))
        self.lab.wait("it is written down", lambda: "package_changed" in self.kinds(package="one"))
        self.untouched()
        self.lab.hactl("node3", "package", "halt", "one")
        self.assertFalse(self.mounted(INNER) or self.mounted(OUTER))
