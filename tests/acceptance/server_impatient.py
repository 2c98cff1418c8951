"""A server with short time-outs, for the tests of slow clients: ``python server_impatient.py ARGUMENTS``."""

from __future__ import annotations

import sys

from simpleflow.cli.app import run
from simpleflow.engine.http import face, server

server.REQUEST_SECONDS = 0.2
server.READING_SECONDS = 0.2
server.KEEP_ALIVE_SECONDS = 1
face.LINGER_SECONDS = 0.2

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
