"""The file: one connection, its transactions, and the statements of `queries.sql`.

`with store.transaction(durable):` is the whole transaction story. Writers of all processes take turns by a lock file
(`simpleflow.engine.turns`), and then begin with BEGIN IMMEDIATE, so that SQLite's own busy handler, which starves some,
has nothing to do. `durable` transactions are on the disk when they
end (synchronous=FULL); the others survive every crash of a process, and a loss of power takes the last of them back
together. This module knows rows and nothing of what they mean.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import apsw
import orjson

from simpleflow.engine.errors import EngineError
from simpleflow.engine.rows import EVENT_BITS, EVENT_MASK, LAST, Event, Message, OpenExecution, Task, TaskKind, key_of
from simpleflow.engine.transitions import Turn
from simpleflow.engine.turns import Turns
from simpleflow.protocol.events import CODES
from simpleflow.protocol.limits import Limits

SQLiteError = apsw.Error
Synchronous = Literal["auto", "full"]

APPLICATION_ID = 0x73666C77  # "sflw"
SCHEMA_VERSION = 2
#: What brings a file of one version to the next: MIGRATIONS[0] those of version 1, and so on.
MIGRATIONS: tuple[str, ...] = (
    "ALTER TABLE event ADD COLUMN began INTEGER; "
    "ALTER TABLE outbox DROP COLUMN target; ALTER TABLE outbox DROP COLUMN message; "
    "ALTER TABLE open_task DROP COLUMN target",
)
#: Releases of SQLite from the first to before the second can corrupt a file that several processes write.
WAL_RESET_BUG = ((3, 7, 0), (3, 51, 3))
BUSY_MILLISECONDS = 60_000
LOOK = 1.0  # seconds between two looks whether the file is still the one that the path names


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _named_queries(text: str) -> dict[str, str]:
    """The statements of a file by the names in their first lines."""
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return {name: statement.strip() for name, statement in zip(parts[1::2], parts[2::2], strict=True)}


QUERIES = _named_queries(_read("queries.sql"))


def _device_and_inode(path: str | None) -> tuple[int, int] | None:
    """Which file a path names, or None."""
    if path is None:
        return None
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


#: What a child policy tells children; ABANDON tells nothing.
_CHILD_POLICIES = {"TERMINATE": Message.TERMINATE_CHILD, "REQUEST_CANCEL": Message.CANCEL_CHILD}


class _Transaction:
    """The context manager of a writing transaction; one object for all, since a store has one at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __enter__(self) -> None:
        store = self._store
        store.lock()
        try:
            store.check_place()
            store._execute("BEGIN IMMEDIATE")
        except BaseException:
            store.unlock()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        store = self._store
        try:
            store._execute("COMMIT" if kind is None else "ROLLBACK")
        except SQLiteError:
            # A full disk may have rolled back already; an error that is under way is the one to tell.
            if store.connection.in_transaction:
                store.connection.execute("ROLLBACK")
            if kind is None:
                raise
        finally:
            store.unlock()


class Store:
    """The tables of one file, or of memory.

    Not for several threads at once. Raises EngineError where the file cannot be opened, read or written.
    """

    def __init__(self, path: str | None, synchronous: Synchronous = "auto", version: str | None = None) -> None:
        self.path = path
        self._always_full = synchronous == "full"
        self._full = False
        self._file: tuple[int, int] | None = None
        self._next_look = 0.0
        self._turns: Turns | None = None
        self._transaction = _Transaction(self)
        self._check_library(version or apsw.sqlite_lib_version())
        try:
            self._open()
        except SQLiteError as error:
            raise EngineError(self.explain(error)) from error

    @staticmethod
    def _check_library(version: str) -> None:
        numbers = tuple(int(part) for part in version.split(".")[:3])
        if WAL_RESET_BUG[0] <= numbers < WAL_RESET_BUG[1]:
            raise EngineError(
                f"SQLite {version} can corrupt a file that several processes write (WAL-reset bug, mended in "
                "3.51.3); install a current one with: pip install --upgrade apsw"
            )

    def _open(self) -> None:
        if self.path is None:
            self._connect(":memory:")
            self._create()
            return
        if sys.platform == "win32":
            raise EngineError(f"cannot open {self.path}: on Windows the engine works in memory only; use --local")
        try:
            self._refuse_other_formats(Path(self.path))
            self._turns = Turns(self.path)
        except OSError as error:
            raise EngineError(
                f"cannot write {self.path}: {error.strerror} ({error.filename}); name another file with "
                "--engine sqlite:PATH"
            ) from error
        self._connect(self.path)
        self.connection.set_busy_timeout(BUSY_MILLISECONDS)
        self.lock()
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise
        self._file = _device_and_inode(self.path)
        self.unlock()

    def _connect(self, path: str) -> None:
        self.connection = apsw.Connection(path)
        self._execute = self.connection.execute
        # Without it SQLite compiles each statement that uses a partial index again whenever a binding changes.
        self.connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)

    @staticmethod
    def _refuse_other_formats(path: Path) -> None:
        """Look at the directory and at the first bytes before anything is made beside the file."""
        if not path.parent.is_dir():
            raise EngineError(
                f"cannot write {path}: there is no directory {path.parent}; make it, or name another file with "
                "--engine sqlite:PATH"
            )
        if path.is_dir():
            raise EngineError(f"{path} is a directory; name a file in it with --engine sqlite:PATH")
        if path.exists():
            with path.open("rb") as file:
                head = file.read(16)
            if head and head != b"SQLite format 3\0":
                raise EngineError(f"{path} is not a database; name another file with --engine sqlite:PATH")

    def _prepare(self) -> None:
        """Make a new file's schema, or see that this one is ours."""
        execute = self.connection.execute
        application = execute("PRAGMA application_id").get
        version = execute("PRAGMA user_version").get
        empty = execute("SELECT count(*) FROM sqlite_schema").get == 0
        if not empty and application != APPLICATION_ID:
            Path(f"{self.path}-lock").unlink()  # nobody queues for a file that is not ours
            raise EngineError(
                f"{self.path} is an SQLite database of another program; name another file with --engine sqlite:PATH"
            )
        if version > SCHEMA_VERSION:
            raise EngineError(
                f"{self.path} was written by a newer simpleflow (schema {version}, this one knows "
                f"{SCHEMA_VERSION}); upgrade with: pip install --upgrade simpleflow"
            )
        if empty:
            execute("PRAGMA page_size = 2048")
        if execute("PRAGMA journal_mode = WAL").get != "wal":
            raise EngineError(
                f"{self.path} lies on a file system without shared memory, where several processes cannot share it; "
                "name a file on a local disk with --engine sqlite:PATH"
            )
        execute("PRAGMA wal_autocheckpoint = 4000")
        execute("PRAGMA synchronous = NORMAL")
        if empty:
            self._create()
        elif version < SCHEMA_VERSION:
            self._migrate(version)

    def _migrate(self, version: int) -> None:
        """Bring a file of an older version to this one's, or leave it as it was."""
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            for step in MIGRATIONS[version - 1 :]:
                execute(step)
            execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        except BaseException:
            execute("ROLLBACK")
            raise
        execute("COMMIT")

    def _create(self) -> None:
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        execute(_read("schema.sql"))
        execute("INSERT INTO meta VALUES ('id', ?)", (os.urandom(6).hex(),))
        execute(f"PRAGMA application_id = {APPLICATION_ID}")
        execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()
        if self._turns is not None:
            self._turns.close()
            self._turns = None

    def explain(self, error: SQLiteError) -> str:
        """Say on one line what an error of SQLite means and what to do."""
        where = self.path or "memory"
        if isinstance(error, apsw.NotADBError):
            return f"{where} is not a database; name another file with --engine sqlite:PATH"
        if isinstance(error, apsw.CorruptError):
            return f"{where} is damaged ({error}); restore it from a copy, or name another with --engine sqlite:PATH"
        if isinstance(error, (apsw.FullError, apsw.IOError)):
            return f"cannot write {where}: the disk is full or fails ({error}); make room, nothing is lost"
        if isinstance(error, (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError, apsw.AuthError)):
            return f"cannot open {where} for writing; mend its permissions, or name another with --engine sqlite:PATH"
        if isinstance(error, apsw.BusyError):
            return f"another program has kept {where} for a minute; close it and try again"
        return f"SQLite refused {where}: {error}; please report this"

    # Transactions

    def check_place(self) -> None:
        """Raise EngineError if the path names another file by now, or none: what is written here would be lost.

        Looks after LOOK seconds, for a look may cost a fifth of a call.
        """
        now = time.monotonic()
        if now < self._next_look:
            return
        if _device_and_inode(self.path) == self._file:
            self._next_look = now + LOOK
            return
        raise EngineError(
            f"{self.path} was removed or replaced while it was open, so nothing more is written; "
            "stop everything that uses it, restore it from a copy, and start again"
        )

    def lock(self) -> None:
        """Wait for this process's turn to write."""
        if self._turns is not None:
            self._turns.take()

    def unlock(self) -> None:
        if self._turns is not None:
            self._turns.leave()

    def transaction(self, durable: bool) -> _Transaction:
        """A writing transaction; rolled back if its block raises."""
        full = durable or self._always_full
        if full != self._full and self.path is not None:
            self.connection.execute("PRAGMA synchronous = FULL" if full else "PRAGMA synchronous = NORMAL")
            self._full = full
        return self._transaction

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """A reading transaction: everything in its block is seen at one instant."""
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.execute("ROLLBACK")

    def version(self) -> int:
        """A number that differs once another process has committed."""
        found: int = self.connection.execute("PRAGMA data_version").get
        return found

    # Statements

    def one(self, query: str, *bindings: Any) -> Any:
        """The first row as a tuple (the value itself if it has one column), or None."""
        return self._execute(QUERIES[query], bindings).get

    def row(self, query: str, *bindings: Any) -> tuple[Any, ...] | None:
        """The first row of several columns as a tuple, or None."""
        found: tuple[Any, ...] | None = self._execute(QUERIES[query], bindings).get
        return found

    def all(self, query: str, *bindings: Any) -> list[tuple[Any, ...]]:
        """All rows."""
        return self._execute(QUERIES[query], bindings).fetchall()

    def each(self, query: str, *bindings: Any) -> Iterator[tuple[Any, ...]]:
        """Row after row, as they are asked for: for many that are large."""
        yield from self._execute(QUERIES[query], bindings)

    def select(self, statement: str, bindings: Iterable[Any]) -> list[tuple[Any, ...]]:
        """All rows of a statement that was put together for its filters."""
        return self._execute(statement, tuple(bindings)).fetchall()

    def do(self, query: str, *bindings: Any) -> None:
        """Carry a statement out."""
        self._execute(QUERIES[query], bindings)

    def changes(self, query: str, *bindings: Any) -> int:
        """Carry a statement out; how many rows it changed."""
        self._execute(QUERIES[query], bindings)
        return self.connection.changes()

    def many(self, query: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Carry a statement out for each of the rows."""
        self.connection.executemany(QUERIES[query], rows)

    # Turns

    def load(self, run: OpenExecution, now: int, limits: Limits) -> Turn:
        """A turn of an open execution, at its history's end."""
        key, time = self.one("last_event", key_of(run.id + 1, 0))
        return Turn(
            run, max(now, time), key & EVENT_MASK, limits, before=_mutable(run), now=now if now < time else None
        )

    def run(self, execution: int) -> OpenExecution | None:
        """The hot state of an execution, or None if it is not open."""
        row = self.row("open_execution", execution)
        return None if row is None else OpenExecution(*row)

    def task(self, key: int) -> Task | None:
        """An open task, or None."""
        row = self.row("task", key)
        return None if row is None else Task._make(row)

    def open(self, turn: Turn) -> None:
        """Write a new execution."""
        run = turn.run
        self._place(run)
        columns = (run.id, run.domain, run.child_policy, run.original_list, run.task_list, run.sticky)
        fixed = (run.task_timeout, run.task_priority, run.expires)
        self.do("insert_open_execution", *columns, *fixed, *_mutable(run)[2:])
        self.many("insert_event", map(_event_row, turn.events))

    def save(self, turn: Turn) -> bool:
        """Write what a turn did. Whether there is something to tell others."""
        if turn.events:
            self.many("insert_event", map(_event_row, turn.events))
        for key in turn.closed:
            self.do("delete_task", key)
        for task in turn.changed.values():
            self.change_task(task)
        if turn.opened:
            self.many("insert_task", self._placed(turn.opened.values()))
        if turn.cancel_requested:
            self.do("request_cancel", turn.run.id)
        if turn.messages:
            self.many("insert_message", turn.messages)
        if turn.status is not None:
            return self._close(turn) or bool(turn.messages)
        self._update(turn)
        return bool(turn.messages)

    def change_task(self, task: Task) -> None:
        """Write the new state of one open task."""
        self.do("update_task", *_changed_row(task))

    def _placed(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """The tasks with their places at the ends of their lists."""
        ends: dict[tuple[int, str | None, int], int] = {}
        for task in tasks:
            if task.arrival != LAST:
                yield task
                continue
            place = (task.domain, task.list, task.priority)
            if place not in ends:
                ends[place] = self.one("last_task_arrival", *place) or 0
            ends[place] += 1
            yield task._replace(arrival=ends[place])

    def _update(self, turn: Turn) -> None:
        """Write the execution's row, if it has changed: a page that stays clean is not written."""
        run = turn.run
        self._place(run)
        values = _mutable(run)
        if values != turn.before:
            self.do("update_open_execution", *values, run.id)

    def _place(self, run: OpenExecution) -> None:
        """Give the decision task that is to be had its place at the end of its list."""
        if run.arrival == LAST:
            run.arrival = (self.one("last_decision_arrival", run.domain, run.list, run.priority) or 0) + 1

    def _close(self, turn: Turn) -> bool:
        """Close the execution: what is open vanishes, what a description still tells is kept, kin is told.

        Whether somebody is.
        """
        run = turn.run
        low, high = task_range(run.id)
        final: dict[str, Any] = {
            "open": dict(self.all("count_open", low, high)),
            "decisions": int(bool(run.queued or run.started)),
            "context": run.context,
            "latestActivity": run.latest_activity,
        }
        parent = self.one("close_execution", run.id, turn.time, turn.status, _json(final))
        message = _CHILD_POLICIES.get(turn.child_policy or "")
        children = message is not None and final["open"].get(TaskKind.CHILD, 0)
        if children:
            self.do("tell_children", low, high, TaskKind.CHILD, message)
        if parent is not None and turn.status != "CONTINUED_AS_NEW":
            self.do("insert_message", key_of(run.id, turn.last_id), Message.CLOSED)
        self.do("delete_tasks", low, high)
        self.do("delete_open_execution", run.id)
        return bool(children or parent is not None)


def task_range(execution: int) -> tuple[int, int]:
    """The least and the greatest key of an execution."""
    return execution << EVENT_BITS, execution << EVENT_BITS | EVENT_MASK


def _mutable(run: OpenExecution) -> tuple[Any, ...]:
    """The columns that an execution's turns change, in the order of the statement that writes them."""
    return (
        run.task_list,
        run.sticky,
        run.queued,
        run.scheduled,
        run.started,
        run.previous,
        run.context,
        run.latest_activity,
        run.due,
        run.list,
        run.priority,
        run.arrival,
    )


def _event_row(event: Event) -> tuple[Any, ...]:
    return event.key, event.time, CODES[event.type], orjson.dumps(event.attributes), event.began


def _changed_row(task: Task) -> tuple[Any, ...]:
    return (
        task.key,
        task.started,
        task.cancel,
        task.due,
        task.timeout,
        task.close_due,
        task.close_timeout,
        task.heartbeat,
        task.details,
        task.arrival,
    )


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
