#!/usr/bin/python3 -ISB
"""Plays the watchdog of a lab node: cuts its power when the node has not fed it in time. usage: watchdog.py LAB NODE

On the socket LAB/watchdog.NODE it takes packets: `timeout MICROSECONDS`, answered by what it really does (whole
seconds, rounded up, as devices do), `keepalive`, `V` to stop. A connection that closes without `V` stops nothing.
Prints `ready`, then a line for each thing that it does. The node stays off: who wants it back switches it on.
"""
import json
import os
import select
import socket
import sys
import time


class Watchdog:
    def __init__(self, lab, node):
        self.lab, self.node = lab, node
        self.path = f"{lab}/watchdog.{node}"
        if os.path.lexists(self.path):
            os.unlink(self.path)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        self.listener.listen()
        self.timeout = None    # seconds; None: it does not count
        self.due = None
        self.boots = 0
        self.connections = []

    def request(self, op):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(f"{self.lab}/control.sock")
            connection.sendall(json.dumps({"op": op, "node": self.node}).encode() + b"\n")
            return json.loads(connection.makefile("rb").readline())

    def boots_now(self):
        return self.request("nodes")["nodes"][self.node]["boots"]

    def heard(self, connection, words):
        if words[:1] == ["timeout"]:
            self.timeout = -(-int(words[1]) // 1000000)
            self.boots = self.boots_now()
            connection.send(f"timeout {self.timeout * 1000000}".encode())
            print(f"armed {self.timeout}", flush=True)
        elif words == ["V"]:
            self.timeout = None
            print("disarmed", flush=True)
        elif words != ["keepalive"]:
            print(f"not understood: {words}", flush=True)
            return
        self.due = time.monotonic() + self.timeout if self.timeout else None

    def read(self, connection):
        data = connection.recv(200)
        if data:
            self.heard(connection, data.decode(errors="replace").split())
        else:
            self.connections.remove(connection)
            connection.close()

    def fire(self):
        self.timeout = self.due = None
        # It is a part of the machine: when that was switched off meanwhile, there is nothing to do.
        if self.boots_now() != self.boots:
            return
        self.request("off")
        print("fired", flush=True)

    def serve(self):
        while True:
            wait = max(0.0, self.due - time.monotonic()) if self.due else None
            ready, _, _ = select.select([self.listener, *self.connections], [], [], wait)
            for item in ready:
                if item is self.listener:
                    self.connections.append(item.accept()[0])
                else:
                    self.read(item)
            if not ready and self.due and time.monotonic() >= self.due:
                self.fire()


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    watchdog = Watchdog(sys.argv[1], sys.argv[2])
    print("ready", flush=True)
    watchdog.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
