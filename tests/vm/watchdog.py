"""core/guard/watchdog on real devices: armed, read back, fed, stopped, and not fed: then the guest is reset."""
import guest

INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox insmod /watchdog.ko
/bin/busybox insmod /device.ko
/probe disarm
/probe
/bin/busybox sleep 30
echo probe: never reset
/bin/busybox poweroff -f
"""
EXPECTED = ["armed 5000000", "fed", "disarmed", "alive", "armed 5000000", "fed", "left"]


def one(device):
    core, driver = guest.modules(device)[-2:]
    files = {"/watchdog.ko": guest.content(core), "/device.ko": guest.content(driver),
             "/probe": guest.content(f"{guest.BUILD}/bin/vm_watchdog_probe"), "/init": INIT.encode()}
    lines, ended = guest.run(device, files, "-device", "i6300esb", "-action", "watchdog=reset")
    # -no-reboot: QEMU ends when the guest is reset, before the guest could say that it never was.
    return lines == EXPECTED and ended.returncode == 0, ", ".join(lines), ended


TESTS = {"watchdog i6300esb": lambda: one("i6300esb"), "watchdog softdog": lambda: one("softdog")}
