"""Turns to write: who waits for whom, and what a process that holds the file does to the others."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simpleflow.engine import Engine
from simpleflow.engine.turns import Turns

PATIENCE = 30.0
WRITES = """
import sys
from simpleflow.engine import Engine

engine = Engine(sys.argv[1])
with engine._store.transaction(False):
    engine._store.connection.execute("INSERT INTO meta VALUES ('half', '')")
    print("writes", flush=True)
    sys.stdin.read()
"""
FORKS = """
import os, signal, sys
from simpleflow.engine.turns import Turns

turns = Turns(sys.argv[1])
if (child := os.fork()) == 0:
    signal.pause()
turns.take()
print(child, flush=True)
sys.stdin.read()
"""


@contextmanager
def running(code: str, path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that runs this, and the first line that it says."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


class Said(logging.Handler):
    """Waits for lines of the log."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.came = threading.Semaphore(0)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.came.release()


@pytest.fixture
def said() -> Iterator[Said]:
    handler = Said()
    logger = logging.getLogger("simpleflow.engine")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def test_who_waits_long_tells_for_whom(tmp_path: Path, said: Said) -> None:
    """A process that is stopped in the middle of a transaction holds up the others until it goes on, or dies."""
    path = tmp_path / "engine.db"
    with Engine(path) as engine, Engine(path) as reader, running(WRITES, path) as (writer, line):
        assert line == "writes" and engine._store._turns is not None
        engine._store._turns._long = 0.1
        os.kill(writer.pid, signal.SIGSTOP)
        done = threading.Event()

        def register() -> None:
            engine.register_domain(name="D", workflowExecutionRetentionPeriodInDays="1")
            done.set()

        waiting = threading.Thread(target=register, daemon=True)
        waiting.start()
        for _ in range(2):
            assert said.came.acquire(timeout=PATIENCE)
        assert not done.is_set()
        assert f"to write {path}: another process (pid {writer.pid}, stopped: " in said.lines[0], said.lines
        assert reader.list_domains(registrationStatus="REGISTERED")["domainInfos"] == [], "reading goes on"
        os.kill(writer.pid, signal.SIGKILL)
        assert done.wait(PATIENCE)
        waiting.join()
        assert engine._store.connection.execute("SELECT count(*) FROM meta WHERE name = 'half'").get == 0
        assert engine._store.connection.execute("PRAGMA integrity_check").get == "ok"


def test_a_forked_child_keeps_no_lock_of_a_parent_that_died(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    with running(FORKS, path) as (parent, child):
        turns = Turns(str(path))
        parent.kill()
        parent.wait(PATIENCE)
        taken = threading.Thread(target=turns.take, daemon=True)
        taken.start()
        taken.join(PATIENCE / 3)
        held = taken.is_alive()
        os.kill(int(child), signal.SIGKILL)
        assert not held
        turns.close()
