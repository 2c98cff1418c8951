"""A server of Amazon SWF's protocol that fails at random, in front of one that does not.

It speaks HTTP to both and knows nothing of what it hands on. A fault comes before the request was handed on or after
it, when only the answer is lost: nobody at the other end can tell.
"""

from __future__ import annotations

import http.client
import json
import select
import socket
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

THROTTLED = {"__type": "com.amazon.coral.availability#ThrottlingException", "message": "Rate exceeded"}
FAILED = {"__type": "com.amazonaws.swf.base.model#InternalFailure", "message": "an error of its own"}
ANSWERS = {"throttled": (400, THROTTLED), "failed": (500, FAILED), "gone": (503, None), "late": (504, None)}
BEFORE = ("throttled", "failed", "gone", "dropped", "hangs")
HOPS = ("connection", "content-length", "date", "expect", "host", "server", "transfer-encoding")  # not handed on
AFTER = ("failed", "late", "dropped", "cut", "hangs")


class FaultyProxy(ThreadingHTTPServer):
    """Hands requests on to the server at `address`, but one in `1 / share` of them in some way badly.

    `hang` is how many seconds it says nothing before it hangs up. `faults` counts what it did.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], seed: int, share: float, hang: float = 0.2) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = address
        self.share = share
        self.hang = hang
        self.faults: Counter[str] = Counter()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.closed = threading.Event()
        self._chance = Random(seed)
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self._thread.start()

    def fault(self) -> tuple[str, str]:
        """When the next request is to go wrong, and how; two empty strings where it is not."""
        with self._lock:
            if self._chance.random() >= self.share:
                return "", ""
            when = self._chance.choice(("before", "after"))
            how = self._chance.choice(BEFORE if when == "before" else AFTER)
            self.faults[f"{how} {when}"] += 1
            return when, how

    def handle_error(self, request: object, client_address: object) -> None:
        """One end hung up: then this end does, too."""

    def end(self) -> None:
        self.closed.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyProxy

    def setup(self) -> None:
        super().setup()
        self._behind = http.client.HTTPConnection(*self.server.address, timeout=90)

    def finish(self) -> None:
        self._behind.close()
        super().finish()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        when, how = self.server.fault()
        if when == "before":
            self._go_wrong(how)
            return
        status, headers, answer = self._hand_on(body)
        if when == "after":
            self._go_wrong(how, answer)
            return
        self._answer(status, headers, answer)

    do_GET = do_PUT = do_POST

    def _hand_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Ask the server; a poll that is left here is left there, too, when this connection ends."""
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOPS}
        self._behind.request(self.command, self.path, body, headers)
        answer = self._behind.sock
        if answer not in select.select([self.connection, answer], [], [])[0]:
            answer.shutdown(socket.SHUT_WR)
        response = self._behind.getresponse()
        return response.status, dict(response.getheaders()), response.read()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in HOPS:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _go_wrong(self, how: str, answer: bytes = b"") -> None:
        if how in ANSWERS:
            status, words = ANSWERS[how]
            body = json.dumps(words).encode() if words else b""
            self._answer(status, {"Content-Type": "application/x-amz-json-1.0"}, body)
            return
        if how == "hangs":
            self.server.closed.wait(self.server.hang)
        elif how == "cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(answer) + 10) + answer)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass
