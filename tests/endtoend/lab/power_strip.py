#!/usr/bin/env python3
"""An outlet strip on a serial line: a pseudo terminal that understands a few commands and runs a shell command for each
outlet that goes off or on.

    power_strip.py LINK --outlet NUMBER OFF_COMMAND ON_COMMAND [--outlet ...] [--status NUMBER COMMAND] [--status ...]
                        [--baud 1200] [--delay SECONDS] [--protocol words|letters] [--stuck NUMBER] [--mute]

LINK becomes a symbolic link to the terminal. Prints `ready` when it is there, then a line for each thing that it does.
Ends on SIGTERM and SIGINT; the link goes with it. A program whose line is set to another speed is not understood.

words (commands end with CR)          letters (single characters, the oldest strips)
    OFF 2   ->  OK                        b   outlet 2 off, no answer
    ON 2    ->  OK                        B   outlet 2 on, no answer
    STAT 2  ->  2 OFF | 2 ON              ?   one line for each outlet: 1 ON, 2 OFF
    anything else  ->  ERROR              anything else is passed over

An outlet is off when its command has succeeded, or, where others switch it too, when its status command ends with exit
code 2 (0 = on). `--delay` is the time its relay takes. `--stuck` is an outlet that says OK
and does nothing, `--mute` a strip that answers nothing.
"""
import argparse
import os
import select
import signal
import subprocess
import sys
import termios
import time
import tty


class Strip:
    def __init__(self, options):
        self.options = options
        self.commands = {int(number): {"off": off, "on": on} for number, off, on in options.outlet}
        self.state = dict.fromkeys(self.commands, "on")
        self.status = {int(number): command for number, command in options.status}
        self.pending = []  # (due, outlet, state): relays on their way
        self.line = b""
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.speed = getattr(termios, f"B{options.baud}")
        settings = termios.tcgetattr(self.slave)
        settings[4] = settings[5] = self.speed
        termios.tcsetattr(self.slave, termios.TCSANOW, settings)
        if os.path.islink(options.link):
            os.unlink(options.link)
        os.symlink(os.ttyname(self.slave), options.link)

    def understands(self):
        settings = termios.tcgetattr(self.slave)
        return settings[4] == self.speed and settings[5] == self.speed

    def say(self, text):
        if not self.options.mute:
            os.write(self.master, text.encode() + b"\r\n")

    def switch(self, outlet, state):
        if outlet != self.options.stuck:
            self.pending.append((time.monotonic() + self.options.delay, outlet, state))

    def act(self):
        """Runs what is due; returns the seconds until the next."""
        now = time.monotonic()
        for item in [item for item in self.pending if item[0] <= now]:
            self.pending.remove(item)
            _, outlet, state = item
            done = subprocess.run(self.commands[outlet][state], shell=True, stdin=subprocess.DEVNULL, check=False)
            if done.returncode == 0:
                self.state[outlet] = state
            print(f"outlet {outlet} {state}: exit code {done.returncode}", flush=True)
        return min((due for due, _, _ in self.pending), default=now + 3600) - now

    def read(self, outlet):
        if outlet in self.status:
            code = subprocess.run(self.status[outlet], shell=True, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, check=False).returncode
            self.state[outlet] = {0: "on", 2: "off"}.get(code, "?")
        return self.state[outlet].upper()

    def words(self, byte):
        if byte not in b"\r\n":
            self.line = (self.line + bytes([byte]))[-80:]
            return
        words, self.line = self.line.decode(errors="replace").upper().split(), b""
        if not words:
            return
        if len(words) != 2 or not words[1].isdigit() or int(words[1]) not in self.commands:
            self.say("ERROR")
        elif words[0] == "STAT":
            self.say(f"{int(words[1])} {self.read(int(words[1]))}")
        elif words[0] in ("OFF", "ON"):
            self.switch(int(words[1]), words[0].lower())
            self.say("OK")
        else:
            self.say("ERROR")

    def letters(self, byte):
        letter = chr(byte)
        if letter == "?":
            for outlet in sorted(self.state):
                self.say(f"{outlet} {self.read(outlet)}")
            return
        outlet = ord(letter.lower()) - ord("a") + 1
        if outlet in self.commands:
            self.switch(outlet, "off" if letter.islower() else "on")

    def serve(self):
        handle = self.words if self.options.protocol == "words" else self.letters
        while True:
            ready, _, _ = select.select([self.master], [], [], max(0.0, self.act()))
            if not ready:
                continue
            data = os.read(self.master, 1)
            time.sleep(10 / self.options.baud)  # pace: of the line, one character
            if not self.understands():
                print("a character at another speed", flush=True)
                continue
            handle(data[0])

    def remove(self):
        link = self.options.link
        if os.path.islink(link) and os.readlink(link) == os.ttyname(self.slave):
            os.unlink(link)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("link")
    parser.add_argument("--outlet", nargs=3, action="append", required=True, metavar=("NUMBER", "OFF", "ON"))
    parser.add_argument("--status", nargs=2, action="append", default=[], metavar=("NUMBER", "COMMAND"))
    parser.add_argument("--baud", type=int, default=1200)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that a relay takes to switch")
    parser.add_argument("--protocol", choices=("words", "letters"), default="words")
    parser.add_argument("--stuck", type=int, help="this outlet says OK and does nothing")
    parser.add_argument("--mute", action="store_true", help="answers nothing")
    return parser.parse_args(arguments)


def main():
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    strip = Strip(parse(sys.argv[1:]))
    try:
        print("ready", flush=True)
        strip.serve()
    finally:
        strip.remove()


if __name__ == "__main__":
    main()
