"""The network of the lab: one bridge per link in the supervisor's own network namespace, one port per node and link.

Nothing of the host is touched: the bridges, the ports and the rules vanish with the namespace.
A *cable* is pulled by taking the port down (both ends see no carrier). A *cut* drops frames in the switch, one way or
both, and no carrier changes: what a broken switch looks like.
"""
import itertools
import socket
import subprocess

import kernel

RULES = """
table bridge lab {
  set from_node { type ifname; }
  set to_node { type ifname; }
  set pairs { type ifname . ifname; }
  chain arriving { type filter hook prerouting priority -300; iifname @from_node drop; }
  chain crossing { type filter hook forward priority 0; iifname . oifname @pairs drop; }
  chain leaving { type filter hook postrouting priority 0; oifname @to_node drop; }
}
"""


def ip_batch(lines, force=False):
    command = ["ip"] + (["-force"] if force else []) + ["-batch", "-"]
    run = subprocess.run(command, input="\n".join(lines) + "\n", text=True, capture_output=True)
    if run.returncode and not force:
        raise OSError(f"ip: {run.stderr.strip()} in {lines}")


def nft(text):
    run = subprocess.run(["nft", "-f", "-"], input=text, text=True, capture_output=True)
    if run.returncode:
        raise OSError(f"nft: {run.stderr.strip()}")


class Switch:
    def __init__(self, links):
        """links: list of names, eth0 first. Bridge i is `br<i>`, with the address probes are sent from."""
        self.links = links
        self.control = kernel.LinkControl()
        self.cuts = {"from_node": set(), "to_node": set()}
        lines = ["link set lo up"]
        for i in range(len(links)):
            # Without an address of its own a bridge takes that of a port, and changes it when the port goes.
            lines += [f"link add br{i} address 02:6d:73:ff:00:{i:02x} type bridge "
                      "stp_state 0 forward_delay 0 mcast_snooping 0", f"link set br{i} up"]
        ip_batch(lines)
        nft(RULES)

    def port(self, node_number, link):
        return f"p{node_number}.{self.links.index(link)}"

    def plug(self, node_number, pid):
        """A fresh cable per link into the network namespace of `pid`. The far end is named after the link."""
        ports = [self.port(node_number, link) for link in self.links]
        # The old ones go with the old namespace, but some time after it.
        ip_batch([f"link del {port}" for port in ports], force=True)
        lines = []
        for i, (port, link) in enumerate(zip(ports, self.links)):
            lines += [f"link add {port} type veth peer name {link} address {self.mac(node_number, link)} netns {pid}",
                      f"link set {port} master br{i} up"]
        ip_batch(lines)

    def mac(self, node_number, link):
        return f"02:6d:73:00:{self.links.index(link):02x}:{node_number:02x}"

    def carrier(self, node_number, link, up):
        """Pulls or plugs the cable. A port that is gone (its node has no power) is down already."""
        index = interface_index(self.port(node_number, link))
        if index:
            self.control.set(index, up)

    def cut(self, node_number, link, direction="both"):
        self._change("add", node_number, link, direction)

    def mend(self, node_number, link, direction="both"):
        self._change("delete", node_number, link, direction)

    def _change(self, verb, node_number, link, direction):
        port, text = self.port(node_number, link), ""
        for name in {"from": ["from_node"], "to": ["to_node"], "both": ["from_node", "to_node"]}[direction]:
            if (port in self.cuts[name]) == (verb == "add"):
                continue
            self.cuts[name] ^= {port}
            text += f'{verb} element bridge lab {name} {{ "{port}" }}\n'
        if text:
            nft(text)

    def split(self, groups, links):
        """Nodes (numbers) of different groups do not hear each other on `links`. Replaces an earlier split."""
        text = "flush set bridge lab pairs\n"
        for one in groups:
            for other in groups:
                if one is not other:
                    for a, b, link in itertools.product(one, other, links):
                        pair = f'"{self.port(a, link)}" . "{self.port(b, link)}"'
                        text += f"add element bridge lab pairs {{ {pair} }}\n"
        nft(text)


def interface_index(name):
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0
