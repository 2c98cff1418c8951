"""Files of every version of the schema: opened, brought forward, and gone on with.

`files/schema-N.sql` is what the engine of that version wrote: closed and open executions, activities that wait and
that are worked on, a timer, a sticky decider.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest
from engine_integrity import check_integrity

from simpleflow.engine import Engine, VirtualClock, maintenance, store
from simpleflow.engine.store import SCHEMA_VERSION
from simpleflow.testing.contract.checked import DOMAIN
from simpleflow.testing.contract.swf import Swf

FILES = Path(__file__).with_name("files")
VERSIONS = range(1, SCHEMA_VERSION + 1)


def written(version: int, path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute((FILES / f"schema-{version}.sql").read_text())
    connection.execute("PRAGMA journal_mode = WAL")
    assert connection.execute("PRAGMA user_version").get == version
    connection.close()


def opened(path: Path, clock: VirtualClock) -> tuple[Any, Swf]:
    swf = Swf.__new__(Swf)
    swf.client = engine = Engine(path, clock=clock, long_poll_seconds=0)
    return engine, swf


def named(engine: Any) -> dict[str, dict[str, str]]:
    """The open executions."""
    infos = engine.list_open_workflow_executions(domain=DOMAIN, startTimeFilter={"oldestDate": 0})["executionInfos"]
    return {info["execution"]["workflowId"]: info["execution"] for info in infos}


def tables(path: Path) -> set[tuple[Any, ...]]:
    """What the file consists of: tables with their columns, and indexes."""
    connection = apsw.Connection(str(path))
    found: set[tuple[Any, ...]] = set(connection.execute("SELECT type, name, tbl_name FROM sqlite_schema"))
    found |= set(
        connection.execute(
            "SELECT s.name, c.* FROM sqlite_schema AS s, pragma_table_info(s.name) AS c WHERE s.type = 'table'"
        )
    )
    connection.close()
    return found


def test_each_version_has_its_file() -> None:
    assert [path.name for path in sorted(FILES.glob("schema-*.sql"))] == [f"schema-{n}.sql" for n in VERSIONS]
    assert len(store.MIGRATIONS) == SCHEMA_VERSION - 1


@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_written_then_goes_on(tmp_path: Path, version: int, clock: VirtualClock) -> None:
    path = tmp_path / "old.db"
    written(version, path)
    clock.advance(3)
    engine, swf = opened(path, clock)
    with engine:
        assert maintenance.check(path) == []
        Engine(tmp_path / "new.db").close()
        assert tables(path) == tables(tmp_path / "new.db")
        runs = named(engine)
        assert set(runs) == {"busy", "sticky", "waiting", "deciding"}
        assert swf.describe(runs["busy"])["openCounts"]["openActivityTasks"] == 2
        assert swf.describe(runs["busy"])["latestExecutionContext"] == "here"
        assert swf.poll_activity()["activityId"] == "a-2"
        clock.advance(60)
        timed_out = next(e for e in swf.history(runs["busy"]) if e["eventType"] == "ActivityTaskTimedOut")
        assert timed_out["activityTaskTimedOutEventAttributes"]["details"] == "beat"
        clock.advance(100)
        assert "DecisionTaskTimedOut" in swf.types(runs["sticky"]) and "TimerFired" in swf.types(runs["busy"])
        kind = {"workflowType": {"name": "w", "version": "1"}, "workflowId": "child"}
        swf.decide(swf.decision("StartChildWorkflowExecution", **kind))
        clock.advance(5000)
        clock.advance(5000)
        assert engine.count_open_workflow_executions(domain=DOMAIN, startTimeFilter={"oldestDate": 0})["count"] == 0
    check_integrity(str(path))


def test_a_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: VirtualClock) -> None:
    """A file is brought forward by every step that it lacks, once, and nothing is lost."""
    path = tmp_path / "old.db"
    written(1, path)
    steps = ("ALTER TABLE meta ADD COLUMN one TEXT", "UPDATE meta SET one = 'two'")
    monkeypatch.setattr(store, "SCHEMA_VERSION", SCHEMA_VERSION + 2)
    monkeypatch.setattr(store, "MIGRATIONS", (*store.MIGRATIONS, *steps))
    for _ in range(2):
        engine, swf = opened(path, clock)
        with engine:
            assert engine._store.select("SELECT one FROM meta", ()) == [("two",)]
            assert swf.describe(named(engine)["busy"])["latestExecutionContext"] == "here"
    assert maintenance.check(path) == []


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.db"
    written(1, path)
    before = tables(path)
    monkeypatch.setattr(store, "SCHEMA_VERSION", SCHEMA_VERSION + 2)
    monkeypatch.setattr(store, "MIGRATIONS", (*store.MIGRATIONS, "CREATE TABLE extra (x)", "no such statement"))
    with pytest.raises(store.EngineError):
        Engine(path)
    assert tables(path) == before
    monkeypatch.undo()
    Engine(path).close()
