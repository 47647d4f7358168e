"""resources/lvm on a real kernel: two guests, one after the other, are two nodes that see the same two disks."""
import os
import re

import guest

# Of the machine that runs the tests: the tools that the plugin calls, those that make the group, and the file system.
PROGRAMS = ("/sbin/lvm", "/sbin/mke2fs", "/sbin/fsck", "/sbin/e2fsck", "/bin/mount", "/bin/umount", "/usr/bin/env")
TOOLS = ("vgchange", "vgs", "lvs", "pvcreate", "vgcreate", "lvcreate", "vgremove", "vgreduce")
MODULES = ("virtio_blk", "virtio_pci", "dm-mod", "ext4", "crc32c_generic")
BEGIN = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/sbin:/usr/bin:/bin LVM_SUPPRESS_FD_WARNINGS=1
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
mkdir -p /run/lock/lvm /tmp /srv /etc/lvm
for m in $(cat /modules); do insmod $m; done
for t in %s; do ln -sf lvm /sbin/$t; done
only() {
    echo "activation { udev_sync = 0 udev_rules = 0 ${1:+volume_list = [ \\"$1\\" ]} }" > /etc/lvm/lvm.conf
}
only
ln -s e2fsck /sbin/fsck.ext4
lvm() { verb=$1; shift; /resource_probe $verb /plugins/lvm.so NODE group=vg-1 cluster=portal "$@"; }
fs() { /resource_probe $1 /plugins/filesystem.so NODE device=/dev/vg-1/data directory=/srv type=ext4; }
tags() { echo "probe: tags" $(vgs --noheadings -o vg_tags vg-1); }
say() { echo "probe: $*"; }
""" % " ".join(TOOLS)
END = "\npoweroff -f\n"
# A group is made, started, used, and lost with its node: the tag stays.
FIRST = """
lvm start
pvcreate -q -q /dev/vda /dev/vdb
vgcreate -q -q --setautoactivation n vg-1 /dev/vda /dev/vdb
lvcreate -q -q -Wn -Zn -L 8M -n data vg-1
lvcreate -q -q -Wn -Zn -L 4M -n log vg-1 /dev/vdb
vgchange -q -q -a n vg-1
vgchange -q -q --addtag purpose vg-1
lvm status
lvm start
tags
lvm status
lvm start
lvm stop
tags
lvm stop
lvm start activation="vgchange -a e"
/sbin/mke2fs -q -t ext4 /dev/vg-1/data
fs start
echo written > /srv/file
sync
say lost
"""
FIRST_SAYS = [
    "start: failed: there is no volume group vg-1 on this node, as far as it sees the disks",
    "status: not_running: vg-1 is not active here",
    "start: ok",
    "tags mainstay:portal:node1,purpose",
    "status: ok",
    "start: ok: vg-1 was active already",
    "stop: ok",
    "tags purpose",
    "stop: ok",
    "start: ok",
    "start: ok",
    "lost",
]
# Another node takes it, by its tag alone; can't let it go while it is used; whose it is not, and what is missing.
SECOND = r"""
tags
lvm status
only '@mainstay:portal:node2'
vgchange -a y vg-1 2>&1 | sed 's/^ */probe: by hand: /'
lvm start
tags
fs start
say $(cat /srv/file)
lvm stop
lvm status
(until pidof vgchange; do :; done; while pidof vgchange; do :; done; umount /srv) > /dev/null &
lvm stop deactivation_retries=100
tags
lvm start
sleep 1000 < /dev/vg-1/log &
lvm stop
lvm stop deactivation_retries=2 kill_openers=yes
only other
lvm start
tags
lvm stop
tags
only
vgchange -q -q --addtag mainstay:other:nodeX vg-1
lvm start
vgchange -q -q --deltag mainstay:other:nodeX --addtag mainstay:portal:node1 vg-1
vgchange -q -q -a y vg-1
lvm status
lvm stop
tags
vgchange -q -q --deltag mainstay:portal:node1 vg-1
lvm start
echo 1 > /sys/bus/pci/devices/$(basename $(readlink -f /sys/block/vdb/device/..))/remove
lvm status
lvm stop
lvm start
rm /sbin/vgs
lvm start
"""
SECOND_SAYS = [
    "tags mainstay:portal:node1,purpose",
    "status: not_running: vg-1 is not active here",
    'by hand: 0 logical volume(s) in volume group "vg-1" now active',
    "start: ok",
    "tags mainstay:portal:node2,purpose",
    "start: ok",
    "written",
    "stop: failed: /sbin/vgchange -a n vg-1: Logical volume vg-1/data contains a filesystem in use; Can't deactivate "
    'volume group "vg-1" with 1 open logical volume(s); still active: data, mounted on /srv; log',
    "status: ok",
    "stop: ok",
    "tags purpose",
    "start: ok",
    "stop: failed: /sbin/vgchange -a n vg-1: Logical volume vg-1/log in use; Can't deactivate volume group \"vg-1\" "
    "with 1 open logical volume(s); still active: data; log, open in sleep (pid N)",
    "stop: ok",
    "start: failed: data, log of vg-1 is not active after `vgchange -a y`, which said: 0 logical volume(s) in volume "
    'group "vg-1" now active; a volume_list in lvm.conf has to name the group or @mainstay:portal:node2',
    "tags mainstay:portal:node2,purpose",
    "stop: ok",
    "tags purpose",
    "start: failed: vg-1 belongs to nodeX of cluster other; if that is no more: vgchange --deltag "
    "mainstay:other:nodeX vg-1",
    "status: failed: vg-1 is active, and belongs to node1 of cluster portal",
    "stop: ok",
    "tags mainstay:portal:node1,purpose",
    "start: ok",
    "status: failed: vg-1 is active; 1 of its 2 physical volumes are missing",
    "stop: ok",
    "start: failed: /sbin/vgchange -a y vg-1: WARNING: Couldn't find device with uuid UUID; WARNING: VG vg-1 is "
    "missing PV UUID (last written to [unknown]); Refusing activation of partial LV vg-1/log.  Use '--activationmode "
    "partial' to override; 1 logical volume(s) in volume group \"vg-1\" now active; 1 of its 2 physical volumes are "
    "missing",
    "start: failed: /sbin/vgs of vg-1: can't be started: No such file or directory",
]


def node(name, script, disks):
    modules = guest.modules(*MODULES)
    files = {"/modules": "\n".join(f"/lib/modules/{os.path.basename(path)}" for path in modules).encode(),
             "/init": (BEGIN + script + END).replace("NODE", name).encode()}
    for path in modules:
        files[f"/lib/modules/{os.path.basename(path)}"] = guest.content(path)
    places = {"/resource_probe": f"{guest.BUILD}/bin/vm_resource_probe",
              "/mainstay-plugin-host": f"{guest.BUILD}/bin/mainstay-plugin-host",
              "/plugins/lvm.so": f"{guest.BUILD}/plugins/lvm.so",
              "/plugins/filesystem.so": f"{guest.BUILD}/plugins/filesystem.so"}
    for path, source in guest.with_libraries(*PROGRAMS, *places.values()).items():
        if path not in places.values():
            files[path] = guest.content(source)
    files.update({place: guest.content(source) for place, source in places.items()})
    drives = [word for disk in disks for word in ("-drive", f"file={disk},format=raw,if=virtio")]
    return guest.run(f"lvm-{name}", files, *drives)


def matches(lines, expected):
    """A pid and a uuid are some; nothing else may differ."""
    some = [re.sub(r"pid \d+", "pid N", re.sub(r"\w{6}(-\w{4}){5}-\w{6}", "UUID", line)) for line in lines]
    return some == expected


def moves():
    disks = [f"{guest.PLACE}/disk{number}.raw" for number in (1, 2)]
    for disk in disks:
        with open(disk, "wb") as f:
            f.truncate(32 << 20)
    for name, script, says in (("node1", FIRST, FIRST_SAYS), ("node2", SECOND, SECOND_SAYS)):
        lines, ended = node(name, script, disks)
        if not matches(lines, says):
            return False, f"on {name}:\n  " + "\n  ".join(lines), ended
    return True, "moves with its tag, is let go when nobody uses it, says what is wrong", ended


TESTS = {"volume groups": moves}
