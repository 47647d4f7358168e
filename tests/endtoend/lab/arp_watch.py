#!/usr/bin/python3 -ISB
"""Runs in the switch: asks who has an address, and records each station that says it has.

usage: arp_watch.py ADDRESS [BRIDGE]
One JSON line per change: {"t", "mac"} when another station than before answers, {"t", "both": [mac, mac]} when two
answer the same question. Questions are probes (sender 0.0.0.0), which change nobody's neighbour table.
"""
import ctypes
import json
import socket
import struct
import sys
import time

PACE_S = 0.01
ARP = 0x0806
# Classic BPF: ethertype == ARP ? all : nothing. The switch sees every frame of the lab; Python should not.
FILTER = struct.pack("=HBBI", 0x28, 0, 0, 12) + struct.pack("=HBBI", 0x15, 0, 1, ARP) + \
    struct.pack("=HBBI", 0x06, 0, 0, 0xffff) + struct.pack("=HBBI", 0x06, 0, 0, 0)


def text(mac):
    return ":".join(f"{byte:02x}" for byte in mac)


def main():
    address = socket.inet_aton(sys.argv[1])
    bridge = sys.argv[2] if len(sys.argv) > 2 else "br0"
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as port:
        program = ctypes.create_string_buffer(FILTER)
        port.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", 4, ctypes.addressof(program)))  # SO_ATTACH_FILTER
        port.bind((bridge, ARP))
        own = port.getsockname()[4][:6]
        probe = b"\xff" * 6 + own + struct.pack("!HHHBBH", ARP, 1, 0x0800, 6, 4, 1)
        probe += own + bytes(4) + bytes(6) + address
        last, answered, due = None, [], 0.0
        while True:
            now = time.monotonic()
            if now >= due:
                due, answered = now + PACE_S, []
                try:
                    port.send(probe)
                except OSError:
                    pass
            port.settimeout(max(0.0005, due - now))
            try:
                frame = port.recv(2048)
            except OSError:
                continue
            if len(frame) < 42 or frame[28:32] != address:
                continue
            mac = text(frame[22:28])
            if mac != last:
                last = mac
                print(json.dumps({"t": time.monotonic(), "mac": mac}), flush=True)
            # An answer to this question, not an announcement: only those prove that both are there now.
            if frame[20:22] == b"\x00\x02" and frame[0:6] == own and mac not in answered:
                answered.append(mac)
                if len(answered) > 1:
                    print(json.dumps({"t": time.monotonic(), "both": answered}), flush=True)


if __name__ == "__main__":
    main()
