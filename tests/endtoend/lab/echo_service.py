#!/usr/bin/python3 -ISB
"""A service of a test package: answers datagrams, and keeps the shared file. usage: echo_service.py PORT [SHARED_FILE]

Each answer is the question and `NODE GENERATION PID`. The shared file is one that all nodes can reach, as a disk would
be: a line every few milliseconds as long as this service lives, so that two writers at once cannot stay unseen.
"""
import os
import signal
import socket
import sys
import time

PACE_S = 0.005


def main():
    node = os.environ.get("MAINSTAY_NODE") or os.uname().nodename
    generation = os.environ.get("MAINSTAY_GENERATION", "0")
    who = f"{node} {generation} {os.getpid()}"
    shared = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666) if len(sys.argv) > 2 else None

    def write(word):
        if shared is not None:
            os.write(shared, f"{word} {who} {time.monotonic():.6f}\n".encode())

    def stop(*_):
        write("stop")
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    write("start")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port.bind(("0.0.0.0", int(sys.argv[1])))
        # An answer must come from the address that was asked; the kernel says which that was.
        port.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
        port.settimeout(PACE_S)
        last = 0.0
        while True:
            try:
                question, extra, _, whom = port.recvmsg(256, 64)
                port.sendmsg([question + b" " + who.encode()], extra, 0, whom)
            except (TimeoutError, InterruptedError, OSError):
                pass
            now = time.monotonic()
            if shared is not None and now - last >= PACE_S:
                last = now
                write("tick")


if __name__ == "__main__":
    main()
