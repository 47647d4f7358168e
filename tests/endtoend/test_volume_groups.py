"""A package with a volume group where there is none, and where a node lacks the tools. Real groups: tests/vm."""
import unittest

from mainstay_case import MainstayCase

DATA = """package_name data
node_name node1
node_name node2
vg vg01
deactivation_retry_count 2
fs_name /dev/vg01/data
  fs_directory /var/lib/misc
  fs_type ext4
"""
# /usr/sbin as it is, without what the package lvm2 brings.
WITHOUT_TOOLS = """set -e
mkdir /var/lib/misc/sbin
mount --bind /usr/sbin /var/lib/misc/sbin
mount -t tmpfs none /usr/sbin
ln -s /var/lib/misc/sbin/* /usr/sbin/
rm -f /usr/sbin/vg* /usr/sbin/lv*
"""


class VolumeGroups(MainstayCase):
    """The real tools: a node of the lab has no disks."""
    smoke = True

    def begin(self):
        super().begin()
        self.lab.write("node3", "/etc/mainstay/packages/data.conf", DATA)

    def hactl(self, word, code):
        run = self.lab.hactl("node3", "cluster", word, *self.lab.files("node3"), check=False)
        self.assertEqual(run.returncode, code, run.stdout + run.stderr)
        return run.stdout + run.stderr

    def test_a_group_that_is_not_there_fails_the_start_with_the_reason(self):
        self.assertNotIn("data.conf", self.hactl("check", code=0))
        self.hactl("apply", code=0)
        printed = self.lab.hactl("node2", "cluster", "get").stdout
        self.assertRegex(printed, r"vgchange_cmd +vgchange -a y\ndeactivation_retry_count +2\n")
        self.assertRegex(printed, r"\nvg +vg01\n")
        self.lab.hactl("node3", "package", "enable", "data")
        self.lab.wait("nobody can start it", lambda: self.lab.package("data")["disabled_on"] == ["node1", "node2"])
        self.lab.wait("it waits for a node", lambda: self.lab.package("data")["state"] == "waiting")
        self.assertIn("there is no volume group vg01 on this node", self.lab.hactl("node3", "explain", "data").stdout)
        self.check_safety()

    def test_a_node_without_the_tools_is_found_before_anything_is_applied(self):
        self.lab.run("node2", "sh", "-c", WITHOUT_TOOLS)
        for word in ("check", "apply"):
            said = self.hactl(word, code=1)
            for tool in ("vgchange", "vgs", "lvs"):
                self.assertIn(f"data.conf:4: error: vg: /sbin/{tool} is missing on node2; install the LVM tools there",
                              said)
        self.assertEqual(self.lab.package("data"), {})
        self.lab.run("node2", "umount", "/usr/sbin")
        self.assertNotIn("data.conf", self.hactl("apply", code=0))
        self.check_safety()


if __name__ == "__main__":
    unittest.main(verbosity=2)
