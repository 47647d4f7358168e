"""A lab whose nodes run Mainstay: configuration files, forming, asking, waiting for a state.

    with Cluster(packages={"web": echo_package("web")}) as cluster:
        cluster.form()
        cluster.wait_running("web", "node1")
"""
import json
import os
import shutil
import subprocess

from admin import Admin, AdminError
from lab import BUILD, PROGRAMS, ROOT, Lab, LabError, wait  # noqa: F401

ADDRESS, PORT = "10.77.0.100", 7777
FORM_LIMIT_S = 60


def program(name):
    return f"{BUILD}/bin/{name}"


def cluster_text(nodes=3, member_timeout="1s", links=("eth0", "eth1"), extra="", stonith_extra=""):
    """cluster.conf of the lab's own nodes. Their power switch is the fencing device."""
    lines = ["cluster_name lab", f"member_timeout {member_timeout}"]
    for i in range(1, nodes + 1):
        lines.append(f"node_name node{i}")
        for number, link in enumerate(links):
            lines += [f"  network_interface {link}", f"    heartbeat_ip 10.{77 + number}.0.{i}/24"]
    lines += ["stonith_name power", "  stonith_plugin stonith-exec", f"  stonith_param command {PROGRAMS}/power %n %a",
              "  stonith_timeout 5s", stonith_extra, extra]
    return "\n".join(lines) + "\n"


def echo_package(name="web", address=ADDRESS, port=PORT, nodes=("node1", "node2", "node3"), shared=None,
                 restarts="none", extra=""):
    """An address and a service that answers datagrams with its node and generation."""
    lines = [f"package_name {name}", *[f"node_name {n}" for n in nodes], "ip_subnet 10.77.0.0/24",
             f"  ip_address {address}", f"service_name {name}_echo",
             f"  service_cmd {PROGRAMS}/echo_service {port}" + (f" {shared}" if shared else ""),
             f"  service_restart {restarts}", "  service_halt_timeout 5", extra]
    return "\n".join(lines) + "\n"


class Cluster(Lab):
    def __init__(self, nodes=3, packages=None, text=None, daemon_options=(), **options):
        """packages: file name without .conf -> text, or a function of this lab that gives it."""
        cluster_options = {k: options.pop(k) for k in ("member_timeout", "extra", "stonith_extra") if k in options}
        super().__init__(nodes=nodes, boot=self.boot_command, **options)
        self.text = text or cluster_text(nodes, links=self.links, **cluster_options)
        self.packages = packages or {}
        self.daemon_options = list(daemon_options)
        self.plugins = f"{BUILD}/plugins"
        self.shared = f"{self.directory}/shared/writers"
        self.probers = []

    def boot_command(self, node):
        command = [program("mainstay-guard"), "--foreground", "--daemon", program("mainstayd"),
                   "--plugin-dir", self.plugins, "--config-dir", "/etc/mainstay",
                   "--state-dir", "/var/lib/mainstay", "--run-dir", "/run/mainstay", "--log-dir", "/var/log/mainstay",
                   "--node", node, "--reset-command", f"{PROGRAMS}/reset"]
        return command + self.daemon_options

    def prepare(self, name, disk):
        for folder in ("etc/mainstay/packages", "var/lib/mainstay", "var/log/mainstay"):
            os.makedirs(f"{disk}/{folder}", exist_ok=True)
        self.write(name, "/etc/mainstay/cluster.conf", self.text)
        for file, text in self.packages.items():
            self.write(name, f"/etc/mainstay/packages/{file}.conf", text(self) if callable(text) else text)
        self.write(name, "/etc/mainstay/key", self.key(), 0o600)

    def key(self):
        """One for the cluster, as `hactl key new` makes it."""
        path = f"{self.directory}/key"
        if not os.path.exists(path):
            made = subprocess.run([program("hactl"), "key", "new", "--file", path], capture_output=True, text=True)
            if made.returncode or not os.path.exists(path):
                raise LabError(f"hactl key new: exit code {made.returncode} {made.stdout}{made.stderr}")
        with open(path) as f:
            return f.read()

    def up(self, power=True):
        missing = [p for p in ("mainstay-guard", "mainstayd", "hactl") if not os.path.exists(program(p))]
        if missing:
            raise LabError(f"{program(missing[0])} is missing; ./dev build makes it")
        return super().up(power)

    def down(self):
        for prober in self.probers:
            prober.stop()
        self.probers = []
        super().down()

    @staticmethod
    def _not_text(directory, names):
        """What has no end (a named pipe) or no bytes of its own (a socket, a device) can't be kept."""
        return [name for name in names if not (os.path.isfile(f"{directory}/{name}")
                                               or os.path.isdir(f"{directory}/{name}"))]

    def keep_logs(self, where):
        """Copies what the nodes wrote, for whoever has to find out why."""
        shutil.rmtree(where, ignore_errors=True)
        os.makedirs(where)
        for name in ("events.jsonl", "supervisor.log"):
            if os.path.exists(f"{self.directory}/{name}"):
                shutil.copy(f"{self.directory}/{name}", where)
        for node in self.names:
            for kept in ("var/log/mainstay", "etc/mainstay"):
                if os.path.isdir(f"{self.disk(node)}/{kept}"):
                    shutil.copytree(f"{self.disk(node)}/{kept}", f"{where}/{node}/{os.path.basename(kept)}.{kept[:3]}",
                                    ignore=self._not_text, dirs_exist_ok=True)

    # --- asking

    def admin(self, node):
        pid = self.nodes()[node]["pid"]
        if not pid:
            raise OSError(f"{node} has no power")
        return Admin(pid)

    def hactl(self, node, *arguments, check=True, limit_s=60):
        return self.run(node, program("hactl"), *arguments, check=check, limit_s=limit_s)

    def status(self, node=None):
        """Of `node`, or of the first node that answers and has quorum, else of any that answers. None: nobody does."""
        best = None
        for name in [node] if node else self.names:
            try:
                with self.admin(name) as admin:
                    best = admin.call("status", limit_s=5)
            except (OSError, AdminError):
                continue
            if (best.get("quorum") or {}).get("have"):
                break
        return best

    def history(self, node=None, limit=1000, **params):
        """As `node` knows it, or the longest that any node has."""
        longest = []
        for name in [node] if node else self.names:
            try:
                with self.admin(name) as admin:
                    entries = admin.call("history", limit=limit, **params)["entries"]
            except (OSError, AdminError):
                continue
            if entries and (not longest or entries[-1]["index"] > longest[-1]["index"]):
                longest = entries
        return longest

    def peers_by_link(self, node, link):
        """name of peer -> is `link` up, as `node` sees it."""
        status = self.status(node) or {"nodes": []}
        return {n["name"]: each["up"] for n in status["nodes"] for each in n["links"] if each["name"] == link}

    def leader(self):
        """The node that all agree on as leader, None as long as they do not."""
        seen = {s["leader"] for s in (self.status(n) for n in self.names if self.power(n) == "on") if s}
        return seen.pop() if len(seen) == 1 else None

    def package(self, name, node=None):
        status = self.status(node)
        return next((p for p in (status or {}).get("packages", []) if p["name"] == name), {})

    def node_state(self, name, asked=None):
        status = self.status(asked)
        return next((n["state"] for n in (status or {}).get("nodes", []) if n["name"] == name), None)

    # --- waiting

    def story(self):
        """For a failed wait: what the cluster says of itself."""
        rows = []
        for node in self.names:
            status = self.status(node) or {}
            nodes = {n["name"]: n["state"] for n in status.get("nodes", [])}
            packages = {p["name"]: (p["state"], p["node"], p.get("reason")) for p in status.get("packages", [])}
            rows.append(f"{node}: leader {status.get('leader')} quorum {json.dumps(status.get('quorum'))} "
                        f"nodes {nodes} packages {packages}")
        rows += [f"  {e['kind']} {e.get('node') or ''} {e.get('package') or ''}: {e['text']}"
                 for e in self.history(limit=25)]
        return "\n".join(rows)

    def wait(self, what, predicate, limit_s=60):
        return wait(lambda: f"{what}\n{self.story()}", predicate, limit_s)

    def wait_running(self, package, node=None, limit_s=60):
        """Until the package runs (on `node`, or on one of those in a list); gives the node."""
        allowed = [node] if isinstance(node, str) else node

        def runs():
            seen = self.package(package)
            good = seen.get("state") == "running" and (allowed is None or seen["node"] in allowed)
            return seen["node"] if good else None
        return self.wait(f"{package} runs on {node or 'a node'}", runs, limit_s)

    def wait_nodes(self, states, limit_s=60):
        """states: node -> state, as every node that has power sees it."""
        def agreed():
            views = [self.status(n) for n in self.names if self.power(n) == "on"]
            return all(v and all(n["state"] == states.get(n["name"], n["state"]) for n in v["nodes"]) and v["nodes"]
                       for v in views)
        return self.wait(f"nodes are {states}", agreed, limit_s)

    # --- forming

    def files(self, node):
        folder = self.path(node, "/etc/mainstay/packages")
        packages = [f"/etc/mainstay/packages/{n}" for n in sorted(os.listdir(folder)) if n.endswith(".conf")]
        return ["/etc/mainstay/cluster.conf", *packages]

    def apply(self, node="node1", check=True):
        return self.hactl(node, "cluster", "apply", *self.files(node), check=check)

    def form(self, node="node1"):
        """The cluster is made on one node and all take part."""
        wait("the daemons answer", lambda: all(self.status(n) for n in self.names), FORM_LIMIT_S)
        self.apply(node)
        self.wait_nodes({n: "running" for n in self.names}, FORM_LIMIT_S)
        return self
