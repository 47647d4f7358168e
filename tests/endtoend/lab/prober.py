#!/usr/bin/python3 -ISB
"""A client that asks all the time and writes down what it saw, one JSON line per event.

usage: prober.py udp ADDRESS PORT [PACE_MS [GAP_MS]]      every PACE_MS (2) a datagram to echo_service
       prober.py http URL [PACE_MS [GAP_MS]]              every PACE_MS (20) a page, `node=N generation=G` somewhere in it

Events: {"what": "first" | "moved", "t", "node", "generation"}; {"what": "gap", "from", "until", "ms"}: two answers lay
further apart than GAP_MS (15, http 100); {"what": "backwards"}: an older generation answered a question asked after a
newer one had answered, so two were active; {"what": "count", "answered"} a few times a second; at SIGTERM
{"what": "end", "asked", "answered"}. t is CLOCK_MONOTONIC.
"""
import http.client
import json
import os
import re
import signal
import socket
import sys
import time
import urllib.parse


class Record:
    def __init__(self, gap_ms):
        self.gap_s = gap_ms / 1000
        self.last = None        # when the last answer came
        self.who = None
        self.newest = (0, 0.0)  # generation, when it first answered
        self.asked = self.answered = 0
        self.counted = 0.0

    def say(self, what, **fields):
        sys.stdout.write(json.dumps(dict(what=what, **fields)) + "\n")
        sys.stdout.flush()

    def answer(self, asked_at, node, generation):
        now = time.monotonic()
        self.answered += 1
        if self.who != (node, generation):
            self.say("moved" if self.who else "first", t=now, node=node, generation=generation)
            self.who = (node, generation)
        if self.last is not None and now - self.last > self.gap_s:
            self.say("gap", **{"from": self.last, "until": now, "ms": round((now - self.last) * 1000, 2)})
        self.last = now
        if now - self.counted > 0.25:
            self.counted = now
            self.say("count", answered=self.answered, t=now)
        if generation > self.newest[0]:
            self.newest = (generation, now)
        elif generation < self.newest[0] and asked_at > self.newest[1]:
            self.say("backwards", t=now, node=node, generation=generation, newest=self.newest[0])

    def end(self, *_):
        self.say("end", asked=self.asked, answered=self.answered, t=time.monotonic(), last=self.last)
        os._exit(0)


def udp(record, address, port, pace_s):
    # Each question has its number; the times they were asked are kept for the youngest few thousand.
    asked = {}
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.connect((address, port))
        due = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= due:
                due = max(due + pace_s, now - pace_s)
                record.asked += 1
                asked[record.asked] = now
                asked.pop(record.asked - 4000, None)
                try:
                    connection.send(str(record.asked).encode())
                except OSError:
                    pass  # refused, no route: counts as not answered
            connection.settimeout(max(0.0001, due - time.monotonic()))
            try:
                number, node, generation, _ = connection.recv(256).decode().split()
            except (OSError, ValueError):
                continue
            record.answer(asked.get(int(number), 0.0), node, int(generation))


def fetch(parts, limit_s):
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=limit_s)
    try:
        connection.request("GET", parts.path or "/", headers={"Connection": "close"})
        answer = connection.getresponse()
        text = answer.read(65536).decode(errors="replace")
        return re.search(r"node=(\S+) generation=(\d+)", text) if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def web(record, url, pace_s):
    parts = urllib.parse.urlsplit(url)
    due = time.monotonic()
    while True:
        now = time.monotonic()
        record.asked += 1
        page = fetch(parts, 0.15)
        if page:
            record.answer(now, page.group(1), int(page.group(2)))
        due = max(due + pace_s, time.monotonic() - pace_s)
        time.sleep(max(0.0, due - time.monotonic()))  # pace: of asking


def main():
    kind, rest = sys.argv[1], sys.argv[2:]
    numbers = rest[2:] if kind == "udp" else rest[1:]
    pace_ms = float(numbers[0]) if numbers else {"udp": 2, "http": 20}[kind]
    record = Record(float(numbers[1]) if len(numbers) > 1 else {"udp": 15, "http": 100}[kind])
    signal.signal(signal.SIGTERM, record.end)
    if kind == "udp":
        udp(record, rest[0], int(rest[1]), pace_ms / 1000)
    web(record, rest[0], pace_ms / 1000)


if __name__ == "__main__":
    main()
