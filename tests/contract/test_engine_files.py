"""Files that are not the engine's, disks that are full, libraries that are old; the lines that users read."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import pytest
from engine_integrity import check_integrity

from simpleflow.clients import client as open_client
from simpleflow.clients.boto import BotoClient
from simpleflow.engine import Engine, EngineError, VirtualClock
from simpleflow.engine.doorbell import LONGEST_DIRECTORY
from simpleflow.engine.store import SCHEMA_VERSION, Store
from simpleflow.testing.contract.swf import Swf


def refusal(path: Path | str) -> str:
    with pytest.raises(EngineError) as caught:
        Engine(path)
    line = str(caught.value)
    assert "\n" not in line and str(path) in line
    return line


def test_not_a_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, and no database at all")
    assert refusal(path) == f"{path} is not a database; name another file with --engine sqlite:PATH"
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"], "nothing is made beside it"


def test_a_database_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    Engine(path).close()
    path.write_bytes(path.read_bytes()[:16] + b"\0" * 5000)
    assert "is not a database" in refusal(path)


def test_a_database_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE t (x); PRAGMA user_version = 1")
    connection.close()
    before = path.read_bytes()
    assert "is an SQLite database of another program" in refusal(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["other.db"]


def test_a_newer_schema(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    Engine(path).close()
    connection = apsw.Connection(str(path))
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    line = refusal(path)
    assert f"newer simpleflow (schema {SCHEMA_VERSION + 1}, this one knows {SCHEMA_VERSION})" in line
    assert line.endswith("upgrade with: pip install --upgrade simpleflow")


def test_directories(tmp_path: Path) -> None:
    assert "is a directory" in refusal(tmp_path)
    (tmp_path / "file").write_text("x")
    parent = tmp_path / "file"
    assert f"there is no directory {parent}; make it, or name another" in refusal(parent / "engine.db")
    (tmp_path / "a").mkdir()
    Engine(tmp_path / "a" / "engine.db").close()


def test_a_directory_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made for the default engine only: a name that was typed may be a slip."""
    path = tmp_path / "no" / "such" / "engine.db"
    line = f"cannot write {path}: there is no directory {path.parent}; make it, or name another file with --engine"
    assert line in refusal(path)
    with pytest.raises(EngineError):
        open_client(f"sqlite:{path}")
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr("simpleflow.config.default_database", lambda: path)
    open_client(f"sqlite:{path}").close()
    assert path.exists()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_goes_while_it_is_open(tmp_path: Path, replaced: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was acknowledged afterwards would be in no file."""
    monkeypatch.setattr("simpleflow.engine.store.LOOK", 0.0)
    path = tmp_path / "engine.db"
    with Engine(path) as engine:
        engine.register_domain(name="D", workflowExecutionRetentionPeriodInDays="1")
        path.rename(tmp_path / "gone.db")
        if replaced:
            Engine(path).close()
        for _ in range(2):
            with pytest.raises(EngineError) as caught:
                engine.register_domain(name="E", workflowExecutionRetentionPeriodInDays="1")
            assert str(caught.value) == (
                f"{path} was removed or replaced while it was open, so nothing more is written; "
                "stop everything that uses it, restore it from a copy, and start again"
            )


@pytest.mark.parametrize(
    ("version", "bad"),
    [("3.51.2", True), ("3.40.1", True), ("3.7.0", True), ("3.51.3", False), ("3.54.1", False), ("4.0.0", False)],
)
def test_libraries_with_the_wal_reset_bug(version: str, bad: bool) -> None:
    if bad:
        with pytest.raises(EngineError, match=f"SQLite {version} can corrupt .* pip install --upgrade apsw"):
            Store(None, version=version)
    else:
        Store(None, version=version).close()


def test_the_file(tmp_path: Path) -> None:
    """What must not change any more."""
    path = tmp_path / "engine.db"
    Engine(path).close()
    connection = apsw.Connection(str(path))
    pragmas = {name: connection.execute(f"PRAGMA {name}").get for name in ("page_size", "journal_mode", "user_version")}
    assert pragmas == {"page_size": 2048, "journal_mode": "wal", "user_version": SCHEMA_VERSION}
    assert connection.execute("PRAGMA application_id").get == int.from_bytes(b"sflw", "big")
    tables = connection.execute("SELECT group_concat(name, ' ' ORDER BY name) FROM sqlite_schema WHERE type = 'table'")
    assert tables.get == "domain event execution meta open_execution open_task outbox sqlite_sequence type"
    connection.close()


def synchronous(engine: Any) -> list[int]:
    """The mode in which a call of a client and one of a decider commit."""
    modes: list[int] = []
    store = engine._store
    engine._point = lambda name, operation: modes.append(store.connection.execute("PRAGMA synchronous").get)
    swf = Swf.__new__(Swf)
    swf.client = engine
    swf.start("w-1")
    swf.poll_decision()
    return modes


@pytest.mark.parametrize(("query", "modes"), [("", [2, 2, 1, 1]), ("?synchronous=full", [2, 2, 2, 2])])
def test_synchronous(tmp_path: Path, query: str, modes: list[int]) -> None:
    with open_client(f"sqlite:{tmp_path / 'engine.db'}{query}") as engine:  # type: ignore[attr-defined]
        Swf(engine)
        assert synchronous(engine) == modes


def test_a_full_disk(tmp_path: Path) -> None:
    """A limit on the size of files stands for it: the call is refused, nothing is lost, and the engine goes on."""
    path = tmp_path / "engine.db"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open_client(f"sqlite:{path}", long_poll_seconds=0) as engine:  # type: ignore[attr-defined]
        swf = Swf(engine)
        execution = swf.start()
        task = swf.poll_decision()
        before = swf.types(execution)
        wal = path.with_name("engine.db-wal").stat().st_size
        decisions = [swf.schedule(f"a-{number}", input="x" * 30_000) for number in range(10)]
        resource.setrlimit(resource.RLIMIT_FSIZE, (wal + 4096, hard))
        try:
            for _ in range(2):
                with pytest.raises(EngineError, match=r"the disk is full or fails .* make room, nothing is lost"):
                    swf.respond(task, *decisions)
            assert swf.types(execution) == before, "reading goes on"
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, handler)
        swf.respond(task, *decisions)
        assert len(swf.types(execution)) == len(before) + 11
        assert swf.poll_activity()["activityId"] == "a-0"
    check_integrity(str(path))


def test_another_program_holds_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simpleflow.engine.store.BUSY_MILLISECONDS", 1)
    path = tmp_path / "engine.db"
    with open_client(f"sqlite:{path}") as engine:  # type: ignore[attr-defined]
        swf = Swf(engine)
        other = apsw.Connection(str(path))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(EngineError, match=r"another program has kept .* close it and try again"):
            swf.start()
        other.execute("ROLLBACK")
        other.close()
        swf.start()


def test_a_path_too_long_for_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("x" * LONGEST_DIRECTORY)))
    with open_client(f"sqlite:{tmp_path / 'engine.db'}", long_poll_seconds=0.05) as engine:  # type: ignore[attr-defined]
        assert Swf(engine).poll_decision()["startedEventId"] == 0


def test_import_of_the_engine_is_quick() -> None:
    """Neither boto nor the model nor the HTTP libraries come with it."""
    code = "import sys, simpleflow.clients; print('apsw' in sys.modules, 'boto3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


@pytest.mark.parametrize(
    "url", ["", "sqlite", "sqlite:", "sqlite:?synchronous=full", "http:", "http://", "aws:", "redis:x"]
)
def test_urls_that_name_nothing(url: str) -> None:
    with pytest.raises(ValueError, match="names no engine; the forms are sqlite:PATH, memory, http://HOST:PORT, aws"):
        open_client(url)


def test_unknown_option(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the only one is .synchronous=full"):
        open_client(f"sqlite:{tmp_path / 'x'}?mode=fast")


@pytest.mark.parametrize("url", ["http://localhost:9", "aws:eu-west-1"])
def test_boto(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    swf = open_client(url)
    assert isinstance(swf, BotoClient)
    calls: list[Any] = []

    class Boto:
        def poll_for_activity_task(self, **request: Any) -> dict[str, Any]:
            calls.append(request)
            return {"startedEventId": 0}

        def respond_activity_task_completed(self, **request: Any) -> None:
            calls.append(request)

    assert swf._boto.meta.region_name == ("us-east-1" if url.startswith("http") else "eu-west-1")
    assert swf._boto.meta.config.read_timeout > 60
    swf.close()
    both = BotoClient(Boto())
    poll = ("poll_for_activity_task", {"domain": "d"})
    assert both.respond_and_poll(("respond_activity_task_completed", {"taskToken": "t"}), poll) == {"startedEventId": 0}
    assert both.respond_and_poll(None, poll) == {"startedEventId": 0}
    assert both.respond_and_poll(None, None) == {}
    assert calls == [{"taskToken": "t"}, {"domain": "d"}, {"domain": "d"}]


@pytest.mark.parametrize(
    ("written", "environ", "key"),
    [
        ("", {}, "anyone"),
        ("[other]\naws_access_key_id = KEY\naws_secret_access_key = s\n", {}, "anyone"),
        ("[other]\naws_access_key_id = KEY\naws_secret_access_key = s\n", {"AWS_PROFILE": "other"}, "KEY"),
        ("[default]\naws_access_key_id = KEY\naws_secret_access_key = s\n", {}, "KEY"),
        ("[default]\nregion = eu-west-1\n", {"AWS_PROFILE": "default"}, "anyone"),
        ("", {"AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": "s"}, "KEY"),
    ],
)
@pytest.mark.parametrize("name", ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"])
def test_keys_of_a_server(
    name: str, written: str, environ: dict[str, str], key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What boto3 finds; where that is nothing, a server without keys is asked all the same."""
    for other in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(other, raising=False)
    for file in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(file, str(tmp_path / file))
    (tmp_path / name).write_text(written.replace("[other]", "[profile other]") if "CONFIG" in name else written)
    for given, value in environ.items():
        monkeypatch.setenv(given, value)
    found: Any = open_client("http://localhost:9")
    try:
        assert found._boto._request_signer._credentials.access_key == key
    finally:
        found.close()


def test_a_process_whose_clock_is_behind(tmp_path: Path) -> None:
    """No event is older than the one before it, and deadlines count by the clock of whoever sets them."""
    path, ahead = tmp_path / "engine.db", VirtualClock(1_700_000_100)
    with Engine(path, clock=ahead, long_poll_seconds=0) as engine:
        swf = Swf(engine)
        execution = swf.start()
        with Engine(path, clock=VirtualClock(1_700_000_000), long_poll_seconds=0) as behind:
            other = Swf.__new__(Swf)
            other.client = behind
            behind.signal_workflow_execution(domain="contract", workflowId="w-1", signalName="s")
            other.decide(other.timer(seconds=5))
            assert behind.next_due() == 1_700_000_005
            check_integrity(str(path))  # the events tell where the deadline begins
        times = [event["eventTimestamp"].timestamp() for event in swf.history(execution)]
        assert set(times) == {ahead.now()}
    check_integrity(str(path))
