#!/usr/bin/env python3
"""A serial cable between two programs: two pseudo terminals and a relay that passes bytes no faster than the baud
rate allows, and may lose or flip some.

    serial_relay.py LINK_A LINK_B [--baud 9600] [--loss 0.01] [--flip 0.001] [--seed N] [--control SOCKET]

LINK_A and LINK_B become symbolic links to the terminals. Prints `ready` when they are there. Ends on SIGTERM, on
SIGINT and on `quit`; the links go with it. Commands, one a line on standard input and one a datagram on the control
socket (a Unix datagram socket):

    cut | join                      nothing passes any more | passes again (the terminals stay)
    loss P | flip P | baud N        from now on
    quit

Like a real cable: bytes for a side that nobody reads are lost once the terminal's buffer is full, and the end of the
program on the far side is not noticed. Unlike one: no modem lines, no parity errors. A pseudo terminal has no bit rate
of its own, so the rate is the relay's, whatever the programs set.
"""
import argparse
import os
import random
import selectors
import signal
import socket
import sys
import time
import tty


BUSY_S = 0.25


class Terminal:
    """One end: the master side is ours. The slave stays open here too, or a program that closes it would look to the
    relay like a cable that burnt."""

    def __init__(self, link):
        self.link = link
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        if os.path.islink(link):
            os.unlink(link)
        os.symlink(os.ttyname(self.slave), link)

    def remove(self):
        if os.path.islink(self.link) and os.readlink(self.link) == os.ttyname(self.slave):
            os.unlink(self.link)


class Direction:
    """Bytes from one terminal to the other. `credit` is how many the line would have carried by now."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.credit, self.updated = 0.0, time.monotonic()
        self.busy = False   # there was more to pass on than the line could carry

    def step(self, cable):
        now = time.monotonic()
        rate = cable.baud / 10  # start bit, 8 data bits, stop bit
        # An idle line can't save up time: only as much as one look of the relay covers. A busy one goes on while the
        # relay itself has to wait for the processor, or it would be slower than its baud rate.
        looks = BUSY_S if self.busy else 2 * cable.tick
        self.credit = min(self.credit + (now - self.updated) * rate, max(1.0, looks * rate))
        self.updated = now
        if self.credit < 1:
            return
        try:
            data = os.read(self.source.master, int(self.credit))
        except (BlockingIOError, OSError):
            self.busy = False
            return
        self.busy = len(data) == int(self.credit)
        self.credit -= len(data)
        data = cable.spoil(data)
        if data:
            try:
                os.write(self.target.master, data)
            except BlockingIOError:
                pass  # overrun: nobody reads over there


class Cable:
    def __init__(self, options):
        self.baud, self.loss, self.flip = options.baud, options.loss, options.flip
        self.random = random.Random(options.seed)
        self.is_cut = False
        a, b = Terminal(options.link_a), Terminal(options.link_b)
        self.terminals = (a, b)
        self.directions = (Direction(a, b), Direction(b, a))

    @property
    def tick(self):
        """Seconds between two looks: a character's time, within what a scheduler can do."""
        return min(max(10 / self.baud, 0.001), 0.02)

    def spoil(self, data):
        if self.is_cut:
            return b""
        if not self.loss and not self.flip:
            return data
        out = bytearray()
        for byte in data:
            if self.random.random() < self.loss:
                continue
            if self.random.random() < self.flip:
                byte ^= 1 << self.random.randrange(8)
            out.append(byte)
        return bytes(out)

    def command(self, line):
        """False when it was the last one."""
        words = line.split()
        if not words:
            return True
        if words[0] == "quit":
            return False
        try:
            if words[0] in ("cut", "join") and len(words) == 1:
                self.is_cut = words[0] == "cut"
            elif words[0] in ("loss", "flip") and 0 <= float(words[1]) <= 1:
                setattr(self, words[0], float(words[1]))
            elif words[0] == "baud" and int(words[1]) > 0:
                self.baud = int(words[1])
            else:
                raise ValueError
        except (ValueError, IndexError):
            print(f"serial_relay: what is '{line.strip()}'?", file=sys.stderr, flush=True)
        return True


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("link_a")
    parser.add_argument("link_b")
    parser.add_argument("--baud", type=int, default=9600)
    parser.add_argument("--loss", type=float, default=0.0, help="part of the bytes that get lost, 0 to 1")
    parser.add_argument("--flip", type=float, default=0.0, help="part of the bytes with one flipped bit, 0 to 1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--control", help="path of a Unix datagram socket to make for commands")
    return parser.parse_args(arguments)


def control_socket(path):
    if os.path.exists(path):
        os.unlink(path)
    control = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    control.bind(path)
    return control


def serve(cable, control):
    selector = selectors.DefaultSelector()
    try:
        selector.register(sys.stdin, selectors.EVENT_READ)
    except (ValueError, PermissionError):
        pass  # standard input is a file or closed: no commands from there
    if control:
        selector.register(control, selectors.EVENT_READ)
    waiting = ""
    while True:
        for key, _ in selector.select(cable.tick):
            if key.fileobj is control:
                lines = control.recv(1024).decode(errors="replace").split("\n")
            else:
                data = os.read(sys.stdin.fileno(), 1024)
                if not data:
                    selector.unregister(sys.stdin)
                *lines, waiting = (waiting + data.decode(errors="replace")).split("\n")
            if not all(cable.command(line) for line in lines):
                return
        for direction in cable.directions:
            direction.step(cable)


def main():
    options = parse(sys.argv[1:])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    cable = Cable(options)
    control = control_socket(options.control) if options.control else None
    try:
        print("ready", flush=True)
        serve(cable, control)
    finally:
        for terminal in cable.terminals:
            terminal.remove()
        if control:
            os.unlink(options.control)


if __name__ == "__main__":
    main()
