"""The lab itself: what every other test trusts. Runs with stand-in processes, without Mainstay."""
import json
import os
import signal
import subprocess
import sys
import unittest

LAB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lab")
sys.path.insert(0, LAB)
import control_group  # noqa: E402
import kernel  # noqa: E402
from lab import PROGRAMS, Lab, LabError, directory_of, start_time, sweep, wait  # noqa: E402
from watchers import AddressWatch, Prober, prober_problems, shared_file_problems  # noqa: E402

PING = ("ping", "-c", "1", "-W", "0.3", "-n")
FOREVER = ["python3", "-c", "import signal; signal.pause()", "stand-in"]


def is_running(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as f:
            return bool(f.read())  # empty once its memory is gone: dead, perhaps not yet waited for
    except OSError:
        return False


class Power(unittest.TestCase):
    smoke = True

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(nodes=2, boot=FOREVER).up()

    @classmethod
    def tearDownClass(cls):
        cls.lab.down()

    def setUp(self):
        for node in self.lab.names:
            self.lab.power_on(node)
        self.lab.mend("node1")
        self.lab.mend("node2")
        self.lab.split()

    def reaches(self, node, address):
        return self.lab.run(node, *PING, address, check=False).returncode == 0

    def comes_to_reach(self, node, address):
        """A neighbour that did not answer is asked again only after a second."""
        wait(f"{node} reaches {address}", lambda: self.reaches(node, address))

    def read(self, node, path):
        return self.lab.run(node, "cat", path).stdout.strip()

    def test_a_power_cut_ends_every_process_and_status_says_so(self):
        self.lab.run("node1", "sh", "-c", "setsid sh -c 'trap \"\" TERM HUP; tail -f /dev/null; :' > /dev/null 2>&1 &")
        pids = [pid for pid, _ in self.lab.processes("node1")]
        self.assertGreater(len(pids), 2)
        self.lab.power_off("node1")
        self.assertEqual(self.lab.power("node1"), "off")
        self.assertFalse([pid for pid in pids if is_running(pid)])
        self.assertEqual(self.lab.power("node2"), "on")
        self.assertFalse(self.reaches("node2", "10.77.0.1"))

    def test_disk_survives_a_power_cut_run_and_boot_id_do_not(self):
        before = self.read("node1", "/proc/sys/kernel/random/boot_id")
        self.assertNotEqual(before, self.read("node2", "/proc/sys/kernel/random/boot_id"))
        self.assertEqual(before, self.read("node1", "/proc/sys/kernel/random/boot_id"))
        for path in ("/var/lib/mainstay/x", "/etc/mainstay/x", "/etc/x", "/run/x"):
            self.lab.run("node1", "sh", "-c", f"echo kept > {path}")
        self.lab.power_off("node1")
        self.lab.power_on("node1")
        self.assertNotEqual(before, self.read("node1", "/proc/sys/kernel/random/boot_id"))
        self.assertEqual(self.read("node1", "/var/lib/mainstay/x"), "kept")
        self.assertEqual(self.read("node1", "/etc/mainstay/x"), "kept")
        self.assertEqual(self.read("node1", "/etc/x"), "kept")
        self.assertFalse(self.lab.run("node1", "cat", "/run/x", check=False).returncode == 0)
        self.comes_to_reach("node2", "10.77.0.1")
        self.comes_to_reach("client", "10.78.0.1")
        self.assertFalse(os.path.exists("/etc/mainstay/x") or os.path.exists("/etc/x"))

    def test_what_a_node_boots_runs_in_it(self):
        self.assertEqual(len([a for _, a in self.lab.processes("node1") if a[-1] == "stand-in"]), 1)
        self.assertEqual(self.lab.run("node1", "hostname").stdout.strip(), "node1")

    def test_the_power_switch_works_from_inside_a_node(self):
        switch = f"{PROGRAMS}/power"
        self.assertEqual(self.lab.run("node1", switch, "node2", "status", check=False).returncode, 0)
        self.lab.run("node1", switch, "node2", "off")
        self.assertEqual(self.lab.run("node1", switch, "node2", "status", check=False).returncode, 2)
        self.lab.run("node1", switch, "node2", "on")
        self.assertEqual(self.lab.power("node2"), "on")
        self.assertEqual(self.lab.run("node1", switch, "node9", "status", check=False).returncode, 1)
        self.lab.fault("node2", "lie")
        self.lab.run("node1", switch, "node2", "off")
        self.assertEqual(self.lab.run("node1", switch, "node2", "status", check=False).returncode, 0)
        self.lab.fault("node2", "fail")
        self.assertEqual(self.lab.run("node1", switch, "node2", "status", check=False).returncode, 1)
        self.lab.fault("node2", "hang")
        with self.assertRaises(LabError):
            self.lab.run("node1", switch, "node2", "status", limit_s=0.5)
        self.lab.fault("node2")

    def test_a_node_can_cycle_its_own_power(self):
        boots = self.lab.nodes()["node1"]["boots"]
        self.lab.run("node1", f"{PROGRAMS}/reset", "lease over", check=False)
        wait("node1 boots again", lambda: self.lab.nodes()["node1"]["boots"] == boots + 1)
        self.assertEqual(self.lab.power("node1"), "on")

    def test_cut_links_drop_frames_one_way_or_both_and_a_pulled_cable_shows(self):
        self.comes_to_reach("node1", "10.77.0.2")
        self.comes_to_reach("node1", "10.78.0.2")
        self.lab.cut("node1", "eth0")
        self.assertFalse(self.reaches("node1", "10.77.0.2"))
        self.assertTrue(self.reaches("node1", "10.78.0.2"))
        self.assertEqual(self.read("node1", "/sys/class/net/eth0/carrier"), "1")
        self.lab.mend("node1", "eth0")
        self.comes_to_reach("node1", "10.77.0.2")
        self.lab.cut("node1", "eth0", carrier=True)
        self.assertEqual(self.read("node1", "/sys/class/net/eth0/carrier"), "0")
        self.lab.mend("node1", "eth0")
        self.comes_to_reach("node1", "10.77.0.2")
        listener = self.lab.spawn("node2", "socat", "-u", "UDP-RECV:9000", "STDOUT", stdout=subprocess.PIPE)
        self.lab.cut("node1", "all", direction="to")
        try:
            # Neighbours must be known beforehand: one way only, nobody answers node1's question.
            for node, number, other in (("node1", 1, 2), ("node2", 2, 1)):
                self.lab.run(node, "ip", "neigh", "replace", f"10.77.0.{other}", "lladdr",
                             f"02:6d:73:00:00:{other:02x}", "dev", "eth0")
            os.set_blocking(listener.stdout.fileno(), False)

            def heard():
                self.lab.run("node1", "sh", "-c", "echo one way | socat -u STDIN UDP-SENDTO:10.77.0.2:9000")
                return b"one way" in (listener.stdout.read() or b"")
            wait("node2 to hear node1", heard)
            self.assertFalse(self.reaches("node2", "10.77.0.1"))
        finally:
            self.lab.end(listener)

    def test_a_split_separates_groups_and_leaves_the_client(self):
        self.lab.split(["node1"], ["node2"])
        self.assertFalse(self.reaches("node1", "10.77.0.2"))
        self.comes_to_reach("client", "10.77.0.1")
        self.comes_to_reach("client", "10.77.0.2")

    def test_a_frozen_node_does_nothing_and_goes_on_when_thawed(self):
        out = self.lab.spawn("node1", "sh", "-c", "while :; do echo x; done", stdout=subprocess.PIPE)
        try:
            out.stdout.read(100)
            os.set_blocking(out.stdout.fileno(), False)
            self.lab.freeze("node1")
            while out.stdout.read():
                pass
            self.assertEqual(self.lab.power("node1"), "on")
            self.assertFalse(out.stdout.read())
            self.lab.thaw("node1")
            wait("the process to go on", lambda: out.stdout.read())
        finally:
            self.lab.end(out)
        self.lab.freeze("node1")
        self.lab.power_off("node1")
        self.assertEqual(self.lab.power("node1"), "off")

    def test_orphans_are_reaped_at_once(self):
        self.lab.run("node1", "sh", "-c", "(sh -c 'echo $$ > /run/orphan; exec true' &); exit 0")
        number = self.read("node1", "/run/orphan")
        wait("the orphan to be gone",
             lambda: self.lab.run("node1", "test", "-e", f"/proc/{number}", check=False).returncode, limit_s=1)

    def test_the_host_is_out_of_reach(self):
        # Asked of the kernel, never tried: a lab that failed here would have changed the host.
        booted = next(pid for pid, argv in self.lab.processes("node1") if argv[-1] == "stand-in")
        entered = self.lab.run("node1", "grep", "CapBnd", "/proc/self/status").stdout
        with open(f"/proc/{booted}/status") as f:
            for line in (entered, next(row for row in f if row.startswith("CapBnd"))):
                held = int(line.split()[1], 16)
                for capability in (kernel.CAP_SYS_TIME, kernel.CAP_SYS_BOOT, kernel.CAP_SYS_MODULE):
                    self.assertFalse(held >> capability & 1, line)
        self.assertFalse(self.lab.run("node1", "test", "-w", "/proc/sys/kernel/panic", check=False).returncode == 0)
        for device in ("/dev/watchdog", "/dev/vda", "/dev/mem", "/dev/kmsg"):
            self.assertNotEqual(self.lab.run("node1", "test", "-e", device, check=False).returncode, 0)
        if os.path.exists("/proc/sysrq-trigger"):
            self.lab.run("node1", "test", "/proc/sysrq-trigger", "-ef", "/dev/null")
        self.lab.run("node1", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")


class Watchers(unittest.TestCase):
    """They must see two active nodes when there are two: here there really are."""

    def test_takeover_and_two_at_once_are_seen(self):
        with Lab(nodes=2) as lab:
            shared = f"{lab.directory}/shared/writers"

            def serve(node, generation):
                lab.run(node, "ip", "addr", "add", "10.77.0.100/24", "dev", "eth0")
                lab.spawn(node, "env", f"MAINSTAY_GENERATION={generation}", f"{PROGRAMS}/echo_service", "7777", shared)
            serve("node1", 1)
            watch, prober = AddressWatch(lab, "10.77.0.100"), Prober(lab, "udp", "10.77.0.100", 7777)
            prober.wait_answer("node1")
            wait("the switch to see node1", lambda: watch.owners() == ["node1"])
            cut = lab.power_off("node1")
            serve("node2", 2)
            lab.run("client", "ip", "neigh", "flush", "all")
            self.assertEqual(prober.wait_move(("node1", 1)), ("node2", 2))
            self.assertGreater(prober.outage_after(cut), 0)
            wait("the switch to see node2", lambda: watch.owners() == ["node1", "node2"])
            self.assertEqual(watch.problems() + shared_file_problems(shared) + prober_problems(prober), [])
            lab.power_on("node1")
            serve("node1", 1)
            wait("two stations to be seen", watch.problems)
            wait("two writers to be seen", lambda: shared_file_problems(shared))
            lab.run("node2", "ip", "addr", "del", "10.77.0.100/24", "dev", "eth0")
            lab.run("client", "ip", "neigh", "flush", "all")
            wait("an older generation's answer to be seen", lambda: prober_problems(prober))
            self.assertGreater(prober.stop()["answered"], 0)


class Links(unittest.TestCase):
    def test_an_interface_that_has_gone_meanwhile_is_down(self):
        control, gone = kernel.LinkControl(), 2**30
        control.set(gone, False)
        with self.assertRaises(OSError):
            control.set(gone, True)


class CleaningUp(unittest.TestCase):
    def check_gone(self, lab, pids):
        wait("the processes of the nodes to be gone", lambda: not any(map(is_running, pids)))
        sweep()
        self.assertFalse(os.path.exists(directory_of(lab.name)))
        place = control_group.find()
        self.assertFalse(place and os.path.exists(f"{place}/mainstay-lab-{lab.name}"))

    def pids(self, lab):
        return [pid for n in [*lab.names, "client"] for pid, _ in lab.processes(n)]

    def test_down_leaves_nothing(self):
        lab = Lab(nodes=1, boot=FOREVER).up()
        pids = self.pids(lab)
        lab.down()
        self.check_gone(lab, pids)

    def test_a_killed_supervisor_takes_the_nodes_along(self):
        lab = Lab(nodes=2, boot=FOREVER).up()
        pids = self.pids(lab)
        self.assertGreaterEqual(len(pids), 6)
        lab.process.send_signal(signal.SIGKILL)
        lab.process.wait(10)
        lab.process.stdout.close()
        self.check_gone(lab, pids)

    def test_a_killed_user_takes_the_lab_along(self):
        program = ("import json, sys; sys.path.insert(0, sys.argv[1]); from lab import Lab;"
                   "lab = Lab(nodes=1, name=sys.argv[2]).up();"
                   "print(json.dumps([p for p, _ in lab.processes('node1')]), flush=True);"
                   "import signal; signal.pause()")
        name = f"user-{os.getpid()}"
        with subprocess.Popen([sys.executable, "-c", program, LAB, name], stdout=subprocess.PIPE, text=True) as user:
            pids = json.loads(user.stdout.readline())
            self.assertTrue(pids)
            user.kill()
        lab = Lab(name=name)
        wait("the lab's directory to be gone", lambda: not os.path.exists(lab.directory))
        self.check_gone(lab, pids)

    def test_start_time_names_a_process(self):
        self.assertIsNotNone(start_time(os.getpid()))
        self.assertIsNone(start_time(2 ** 22 + 1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
