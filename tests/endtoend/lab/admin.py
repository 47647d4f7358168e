"""The administration socket of a node, from outside: JSON-RPC lines. docs/reference/admin-api.md has the methods."""
import json
import select
import socket
import time


class AdminError(Exception):
    def __init__(self, error):
        super().__init__(f"{error.get('message')} (code {error.get('code')}, data {error.get('data')})")
        self.code = error.get("code")
        self.data = error.get("data") or {}


class Admin:
    """One connection. The socket lives in the node's private /run: it is reached through the node's first process."""

    def __init__(self, pid, path="/run/mainstay/admin.sock", limit_s=5):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(limit_s)
        try:
            self.socket.connect(f"/proc/{pid}/root{path}")
        except OSError:
            self.socket.close()
            raise
        self.rest = b""
        self.next_id = 0
        self.events = []    # notifications in the order they came

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def _line(self, end):
        while b"\n" not in self.rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            part = self.socket.recv(65536)
            if not part:
                raise OSError("the daemon closed the administration socket")
            self.rest += part
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def call(self, method, limit_s=30, **params):
        self.next_id += 1
        wanted = self.next_id
        request = {"jsonrpc": "2.0", "id": wanted, "method": method, "params": params}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        end = time.monotonic() + limit_s
        while True:
            message = self._line(end)
            if message is None:
                raise TimeoutError(f"{method}: no answer within {limit_s} s")
            if message.get("id") == wanted:
                if "error" in message:
                    raise AdminError(message["error"])
                return message["result"]
            self.events.append(message)

    def next_event(self, limit_s):
        """The next notification's params, None at the limit."""
        if self.events:
            return self.events.pop(0)["params"]
        message = self._line(time.monotonic() + limit_s)
        return message and message.get("params")
