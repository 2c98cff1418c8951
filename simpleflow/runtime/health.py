"""Whether the processes of a supervisor live and are ready, for who asks over HTTP (`--health-port`).

It is answered from the `board`, in a thread of the supervisor's. It knows of no engine and of no task.
"""

from __future__ import annotations

import errno
import json
import socket
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from simpleflow.runtime.board import LATE, READY, Board, Row


class Health:
    """Answers GET and HEAD of /healthz and /readyz on all addresses: 200 for yes, 503 for no, with JSON that says why.

    Live: each loop has turned within `most` seconds, or works on a task, or we are `stopping`. Ready: each loop polls
    or works, and we are not stopping. Port 0 is a free one, `port` tells which. Raises OSError.
    """

    def __init__(self, board: Board, stopping: Callable[[], bool], port: int, most: float = LATE) -> None:
        class Handler(BaseHTTPRequestHandler):
            timeout = 5.0

            def do_GET(self) -> None:
                status, body = answer(self.path, board.rows(), stopping(), most)
                data = json.dumps(body).encode() + b"\n"
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_HEAD = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                pass  # probes come every few seconds

        self._server = Server(("", port), Handler, bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = _listening(port)
        self.port: int = self._server.socket.getsockname()[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def answer(path: str, rows: Sequence[Row], stopping: bool, most: float) -> tuple[int, dict[str, Any]]:
    """The status and the body for a request."""
    late = [row.late(most) for row in rows]
    verdicts = {
        "/healthz": stopping or not any(late),
        "/readyz": not stopping and not any(late) and all(row.state in READY for row in rows),
    }
    ok = verdicts.get(path.partition("?")[0])
    if ok is None:
        return 404, {"error": f"there are {' and '.join(verdicts)}"}
    loops = [
        {"state": row.state, "pid": row.pid, "seconds": round(row.seconds, 1), "late": is_late}
        for row, is_late in zip(rows, late, strict=True)
    ]
    return 200 if ok else 503, {"ok": ok, "stopping": stopping, "loops": loops}


class Server(ThreadingHTTPServer):
    """Lets nobody who goes away, or never asks, matter."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


def _listening(port: int) -> socket.socket:
    """A socket on all addresses, of both families where there are both. Raises OSError."""
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                raise
    return socket.create_server(("", port))
