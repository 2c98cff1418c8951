"""Check, backup and vacuum: of a file that others use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from simpleflow.engine import Engine, EngineError, VirtualClock, maintenance
from simpleflow.testing.contract.checked import DOMAIN
from simpleflow.testing.contract.swf import Swf

DAY = 24 * 60 * 60


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "engine.db"


@pytest.fixture
def engine(path: Path, clock: VirtualClock) -> Iterator[Any]:
    with Engine(path, clock=clock, long_poll_seconds=0) as engine:
        yield engine


@pytest.fixture
def swf(engine: Any) -> Swf:
    """A file with something of everything that is open."""
    swf = Swf(engine)
    swf.start("closed")
    swf.decide(swf.decision("CompleteWorkflowExecution"))
    swf.start("w-1")
    kind = {"workflowType": {"name": "w", "version": "1"}, "taskList": {"name": "children"}}
    swf.decide(
        swf.schedule("a-1", heartbeatTimeout="NONE"),
        swf.schedule("a-2"),
        swf.timer(seconds=50),
        swf.decision("StartChildWorkflowExecution", workflowId="child", **kind),
        swf.decision("ScheduleLambdaFunction", id="l", name="f"),
        swf.decision("SignalExternalWorkflowExecution", workflowId="child", signalName="s"),
        executionContext="here",
    )
    swf.poll_activity()
    return swf


def test_a_whole_file(path: Path, swf: Swf) -> None:
    assert maintenance.check(path) == []


def test_an_empty_file_is_none(path: Path) -> None:
    path.touch()
    with pytest.raises(EngineError) as caught:
        maintenance.check(path)
    assert str(caught.value) == f"{path} is empty: there is no engine in it"
    assert [(file, file.stat().st_size) for file in path.parent.iterdir()] == [(path, 0)]


RENAMED = "CAST(replace(CAST(attributes AS TEXT), 'a-2', 'a-1') AS BLOB)"
STARTED = """CAST('{"scheduledEventId": 2}' AS BLOB)"""
COMPLETED = """CAST('{"scheduledEventId": 99, "startedEventId": 0}' AS BLOB)"""
DAMAGE = [
    ("DELETE FROM event WHERE key = (2 << 24) | 6", "event 5: is followed by event 7"),
    ("DELETE FROM event WHERE key = (SELECT max(key) FROM event WHERE key >> 24 = 2)", "events"),
    ("DELETE FROM open_task WHERE name = 'a-2'", "are open tasks in rows or events, and not in both"),
    ("UPDATE open_task SET started = 0 WHERE name = 'a-1'", "'a-1' is (1, 'a-1', 0, 0) in its row"),
    ("UPDATE open_task SET due = due - 1 WHERE name = 't-1'", "'t-1' is due at 1700000049999, and by its events at"),
    ("UPDATE open_task SET due = due + 1 WHERE name = 't-1'", "'t-1' is due at 1700000050001, and by its events at"),
    ("UPDATE open_task SET timeout = 3 WHERE name = 't-1'", "'t-1' is due at 1700000050000, and by its events at"),
    ("UPDATE open_task SET arrival = NULL WHERE name = 'a-2'", "'a-2' waits and is not in its list"),
    ("UPDATE open_task SET arrival = 7 WHERE name = 'a-1'", "'a-1' does not wait and is in its list"),
    ("UPDATE open_execution SET queued = 0 WHERE id = 2", "queued is 0, and by its events"),
    ("UPDATE open_execution SET task_list = 'x' WHERE id = 2", "task_list is 'x', and by its events 'deciders'"),
    ("UPDATE open_execution SET previous = 1 WHERE id = 2", "previous is 1, and by its events 3"),
    ("UPDATE open_execution SET arrival = NULL WHERE id = 2", "its decision task waits and is not in its list"),
    ("UPDATE open_execution SET due = 1 WHERE id = 2", "due is 1, and by its events"),
    ("UPDATE open_execution SET due = due + 1 WHERE id = 2", "due is 1700003600001, and by its events 1700003600000"),
    ("UPDATE open_execution SET expires = expires + 1, due = due + 1 WHERE id = 2", "it expires at"),
    ("DELETE FROM open_execution WHERE id = 2", "is open and has no row that says so"),
    (
        "INSERT INTO open_execution SELECT 9, domain, child_policy, original_list, task_list, sticky, task_timeout, "
        "task_priority, expires, 0, 0, 0, 0, 0, NULL, due, list, 0, NULL FROM open_execution WHERE id = 2",
        "execution 9: is open, and there is no such execution",
    ),
    ("UPDATE execution SET closed = NULL, status = NULL WHERE id = 1", "is None since None in its row"),
    ("UPDATE execution SET status = 'FAILED' WHERE id = 1", "is FAILED since"),
    ("UPDATE execution SET cancel_requested = 1 WHERE id = 2", "is None since None"),
    ("UPDATE execution SET final = '{}' WHERE id = 1", "keeps {} after the close"),
    ("DELETE FROM execution WHERE id = 1", "table event has rows of execution 1, which is not there"),
    ("UPDATE execution SET parent = NULL WHERE id = 3", "child 'child' is closed, and nothing is on its way"),
    ("DELETE FROM event WHERE key = (SELECT max(key) FROM event WHERE type = 44)", "waits for an answer"),
    (
        f"UPDATE event SET type = 20, attributes = {COMPLETED} WHERE type = 44",
        "ActivityTaskCompleted of nothing that is open",
    ),
    ("UPDATE event SET time = 5 WHERE key = (2 << 24) | 4", "event 4: time goes back"),
    ("UPDATE event SET began = time WHERE key = (2 << 24) | 4", "event 4: deadlines begin before it, and no clock"),
    ("UPDATE event SET began = time - 1 WHERE key = (2 << 24) | 1", "event 1: deadlines begin before it, and no clock"),
    ("UPDATE event SET began = time - 1 WHERE type = 29", "'t-1' is due at 1700000050000, and by its events at"),
    ("UPDATE event SET type = 3 WHERE key = (2 << 24) | 4", "after the close"),
    (
        f"UPDATE event SET type = 14, attributes = {STARTED} WHERE type = 44",
        "a decision task is started",
    ),
    (
        f"UPDATE event SET attributes = {RENAMED} WHERE key = (2 << 24) | 6",
        "ActivityTaskScheduled: a-1 is open already",
    ),
]


@pytest.mark.parametrize(("statement", "words"), DAMAGE, ids=[words for _, words in DAMAGE])
def test_each_kind_of_damage_is_told(path: Path, swf: Swf, statement: str, words: str) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(statement)
    assert connection.changes() == 1
    connection.close()
    found = maintenance.check(path)
    assert any(words in line for line in found), found
    assert all("\n" not in line for line in found)


def test_a_page_that_is_damaged(path: Path, swf: Swf, engine: Any) -> None:
    engine.close()
    content = bytearray(path.read_bytes())
    for page in range(4, len(content) // 2048):
        content[page * 2048 : page * 2048 + 100] = b"\xff" * 100
    path.write_bytes(content)
    try:
        found = maintenance.check(path)
    except EngineError as error:
        found = [str(error)]
    assert found and all("SQLite" in line or "damaged" in line for line in found)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for function in (maintenance.check, maintenance.vacuum):
        with pytest.raises(EngineError, match="does not exist; name the engine's file"):
            function(tmp_path / "no.db")
    with pytest.raises(EngineError, match="does not exist"):
        maintenance.backup(tmp_path / "no.db", tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == [], "nothing is made"


def test_a_copy_while_others_write(path: Path, swf: Swf, tmp_path: Path, clock: VirtualClock) -> None:
    stop = threading.Event()

    def write() -> None:
        with Engine(path, clock=clock, long_poll_seconds=0) as other:
            mine = Swf.__new__(Swf)
            mine.client = other
            number = 0
            while not stop.is_set():
                number += 1
                mine.start(f"other-{number}")
                started.set()

    started = threading.Event()
    thread = threading.Thread(target=write)
    thread.start()
    try:
        started.wait()
        for number in range(5):
            copy = tmp_path / f"copy-{number}.db"
            maintenance.backup(path, copy)
            assert maintenance.check(copy) == []
            with Engine(copy, clock=clock, long_poll_seconds=0) as restored:
                mine = Swf.__new__(Swf)
                mine.client = restored
                assert mine.poll_activity()["activityId"] == "a-2"
            assert maintenance.check(path) == []
            maintenance.vacuum(path, clock, compact=True)
    finally:
        stop.set()
        thread.join()
    assert maintenance.check(path) == []
    assert not list(tmp_path.glob("*.part*"))


def test_a_copy_never_replaces(path: Path, swf: Swf, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_text("mine")
    with pytest.raises(EngineError, match="exists; name a file that does not"):
        maintenance.backup(path, target)
    assert target.read_text() == "mine"
    with pytest.raises(EngineError, match="is no directory; make it first"):
        maintenance.backup(path, tmp_path / "no" / "copy.db")


def test_vacuum(path: Path, swf: Swf, engine: Any, clock: VirtualClock) -> None:
    for number in range(300):
        swf.start(f"w-{number}-{number}", input="x" * 5000, taskList={"name": "many"})
        task = swf.poll_decision(taskList={"name": "many"})
        swf.respond(task, swf.decision("CompleteWorkflowExecution"))
    clock.advance(DAY - 1)
    assert maintenance.vacuum(path, clock).executions == 0
    clock.advance(1)
    told: list[int] = []
    done = maintenance.vacuum(path, clock, removed=told.append)
    assert done.executions == 301 and told == sorted(told) and told[-1] == 301
    assert done.after == done.before, "the room is kept for what comes"
    compact = maintenance.vacuum(path, clock, compact=True)
    assert compact.executions == 0 and compact.after < done.before / 5
    assert maintenance.check(path) == []
    names = [row[0] for row in engine._store.select("SELECT workflow_id FROM execution ORDER BY id", ())]
    assert names == ["w-1", "child"]


def test_events_stay_while_they_must_be_told(path: Path, swf: Swf, engine: Any, clock: VirtualClock) -> None:
    """The process died before it delivered: nothing is removed until somebody else has."""

    def dies(name: str, operation: str) -> None:
        if name == "after-commit":
            raise KeyboardInterrupt

    engine._point = dies
    with pytest.raises(KeyboardInterrupt):
        engine.terminate_workflow_execution(domain=DOMAIN, workflowId="w-1")
    engine._point = lambda name, operation: None
    clock.advance(10 * DAY)
    assert maintenance.vacuum(path, clock).executions == 0
    assert maintenance.check(path) == []
    swf.poll_decision()
    assert maintenance.vacuum(path, clock).executions == 3
