"""The file systems of a package: they move with it, whoever keeps them busy (SG 3.9)."""
import os

from test_packages import PackageCase

DATA = """package_name data
node_name node1
node_name node2
fs_name tmpfs
  fs_directory /var/lib/misc/data
  fs_type tmpfs
  fs_mount_opt -o size=1m
run_script /etc/mainstay/main
halt_script /etc/mainstay/main
"""
SEVERAL = DATA.replace("run_script", """fs_name tmpfs
  fs_directory /var/lib/misc/more
  fs_type tmpfs
  fs_mount_opt -o size=1m
concurrent_fsck_operations 2
concurrent_mount_and_umount_operations 2
run_script""", 1)


class FileSystems(PackageCase):
    packages = {"data": DATA}
    smoke = True

    def mounted(self, node):
        found = self.lab.run(node, "sh", "-c", "grep ' /var/lib/misc/data ' /proc/self/mountinfo", check=False)
        return found.returncode == 0

    def test_it_moves_whoever_keeps_it_busy(self):
        self.assertTrue(self.mounted("node1"))
        self.assertFalse(self.mounted("node2"))
        busy = self.lab.spawn("node1", "sh", "-c", "cd /var/lib/misc/data && echo here > file && exec sleep 1000")
        self.lab.wait("it is busy", lambda: self.lab.run("node1", "test", "-s", "/var/lib/misc/data/file",
                                                         check=False).returncode == 0)
        self.lab.hactl("node3", "package", "move", "data", "node2")
        self.lab.wait_running("data", "node2")
        self.assertFalse(self.mounted("node1"))
        self.assertTrue(self.mounted("node2"))
        self.assertIsNotNone(busy.wait(timeout=20))


class BusyMountPoint(PackageCase):
    packages = {"data": DATA.replace("node_name node1\nnode_name node2\n", "node_name node1\nauto_run no\n")}

    def begin(self):
        pass

    def sit_in_it(self):
        busy = self.lab.spawn("node1", "sh", "-c", "cd /var/lib/misc/data && echo here > file && exec sleep 1000")
        self.lab.wait("it is busy", lambda: os.path.exists(self.lab.path("node1", "/var/lib/misc/data/file")))
        return busy

    def test_nobody_is_mounted_over(self):
        busy = self.sit_in_it()
        refused = self.lab.hactl("node3", "package", "start", "data", "node1", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("/var/lib/misc/data is in use; kept busy by", refused.stdout + refused.stderr)
        self.assertIsNone(busy.poll())
        # Told to, the start ends whoever is in the way.
        self.lab.write("node3", "/etc/mainstay/packages/data.conf", self.packages["data"] + "fs_mount_retry_count 3\n")
        self.wait_state("data", "halted")
        self.lab.apply("node3")
        self.lab.hactl("node3", "package", "enable", "data", "node1")
        self.lab.hactl("node3", "package", "start", "data", "node1")
        self.lab.wait_running("data", "node1")
        self.assertIsNotNone(busy.wait(timeout=20))


class SeveralAtOnce(PackageCase):
    packages = {"data": SEVERAL}

    def mounted(self, node):
        mounts = self.lab.run(node, "cat", "/proc/self/mountinfo").stdout
        return [f" /var/lib/misc/{directory} " in mounts for directory in ("data", "more")]

    def test_all_are_there_before_it_runs_and_gone_before_it_runs_elsewhere(self):
        self.assertEqual(self.mounted("node1"), [True, True])
        self.lab.hactl("node3", "package", "move", "data", "node2")
        self.lab.wait_running("data", "node2")
        self.assertEqual(self.mounted("node1"), [False, False])
        self.assertEqual(self.mounted("node2"), [True, True])

    def test_one_that_can_not_be_mounted_takes_the_other_down_again(self):
        os.rmdir(self.lab.path("node2", "/var/lib/misc/more"))
        refused = self.lab.hactl("node3", "package", "move", "data", "node2", check=False)
        self.assertIn("/var/lib/misc/more is no directory", refused.stdout + refused.stderr)
        self.lab.wait("it was tried", lambda: "node2" in self.disabled_on("data"))
        self.lab.wait_running("data", "node1")
        self.assertEqual(self.mounted("node2"), [False, False])
