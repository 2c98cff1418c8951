"""Amazon S3 as moto plays it, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def s3() -> Iterator[dict[str, str]]:
    """The environment of a process that is to find it."""
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", "0"]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            said = ""
            while (address := re.search(r"http://127\.0\.0\.1:\d+", said)) is None:
                said = server.stderr.readline()
                assert said, "moto ended before it served"
            yield {**KEYS, "AWS_ENDPOINT_URL_S3": address.group()}
        finally:
            server.kill()
