"""A server with short time-outs, for the tests of slow clients: ``python server_impatient.py ARGUMENTS``."""

from __future__ import annotations

import os
import sys

from simpleflow.cli.app import run
from simpleflow.engine.http import connection, server

connection.REQUEST_SECONDS = 0.2
connection.READING_SECONDS = 0.2
connection.KEEP_ALIVE_SECONDS = 0.5
connection.LINGER_SECONDS = 0.2
server.SWEEP_SECONDS = 0.05
if "FEW" in os.environ:
    server.SPARE_DESCRIPTORS = 2**40  # so few are left that the least number of connections is allowed

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
