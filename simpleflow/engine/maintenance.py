"""Looks after a file while others use it: is it whole, a copy of it, room made in it.

None of these opens the file as an engine does: they make nothing where nothing is, and raise EngineError.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from simpleflow.engine.call import Call, Memory
from simpleflow.engine.clock import SYSTEM_CLOCK, Clock
from simpleflow.engine.configuration import Configuration
from simpleflow.engine.deadlines import AT_ONCE, next_due
from simpleflow.engine.errors import EngineError
from simpleflow.engine.integrity import problems
from simpleflow.engine.rates import Buckets
from simpleflow.engine.retention import remove_expired
from simpleflow.engine.store import SQLiteError, Store

#: How many events one transaction of a vacuum removes at most: others wait for its end.
STEP = 2_000


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """What a vacuum did: how many executions it removed, and the file's size in bytes before and after."""

    executions: int
    before: int
    after: int


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Store]:
    name = os.fspath(path)
    if not Path(name).exists():
        raise EngineError(f"{name} does not exist; name the engine's file with --engine sqlite:PATH")
    store = Store(name)
    try:
        yield store
    except SQLiteError as error:
        raise EngineError(store.explain(error)) from error
    finally:
        store.close()


def check(path: str | os.PathLike[str]) -> list[str]:
    """What is wrong with a file, one line each: SQLite's own check, and its rows held against its events.

    Reads at one instant; others go on meanwhile. An empty file is left as it is.
    """
    name = os.fspath(path)
    if Path(name).is_file() and not Path(name).stat().st_size:
        raise EngineError(f"{name} is empty: there is no engine in it")
    with _opened(path) as store, store.snapshot():
        return list(problems(store.connection))


def backup(path: str | os.PathLike[str], copy: str | os.PathLike[str]) -> None:
    """Copy a file to another path as it is at one instant; others go on meanwhile.

    The copy is an engine's file of its own, and appears under its name only when it is whole.
    """
    target = Path(copy)
    part = target.with_name(f"{target.name}.part")
    if target.exists():
        raise EngineError(f"{target} exists; name a file that does not")
    if not target.parent.is_dir():
        raise EngineError(f"{target.parent} is no directory; make it first")
    part.unlink(missing_ok=True)
    with _opened(path) as store:
        try:
            store.connection.execute("VACUUM INTO ?", (str(part),))
            _sync(part)
            os.link(part, target)  # unlike a rename, it never replaces what came to be there meanwhile
        except FileExistsError:
            raise EngineError(f"{target} exists; name a file that does not") from None
        finally:
            part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def vacuum(
    path: str | os.PathLike[str],
    clock: Clock = SYSTEM_CLOCK,
    compact: bool = False,
    removed: Callable[[int], None] = lambda number: None,
) -> Vacuumed:
    """Remove the executions whose retention is over, in short transactions; others go on meanwhile.

    The room is used again; with `compact` it is also given back to the disk, for which writers wait while the file is
    rewritten. `removed` is called with the number of executions that have gone, after each transaction.
    """
    with _opened(path) as store:
        before = _size(store)
        count = 0
        for (domain,) in store.all("domain_ids"):
            for number in _remove(store, clock, domain):
                count += number
                removed(count)
        if compact:
            store.lock()
            try:
                store.connection.execute("VACUUM")
            finally:
                store.unlock()
        store.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        return Vacuumed(count, before, _size(store))


def mentions(path: str | os.PathLike[str], word: str) -> Iterator[str]:
    """The attributes, as JSON, of all events in which `word` stands, as they are at the instant of the first."""
    with _opened(path) as store, store.snapshot():
        for (attributes,) in store.each("mentions", word):
            yield attributes


def oldest_open(path: str | os.PathLike[str]) -> float | None:
    """When the oldest open execution started, in seconds since the epoch; None where none is open."""
    with _opened(path) as store:
        started = store.one("oldest_open")
    return None if started is None else started / 1000


def run_ids(path: str | os.PathLike[str]) -> list[str]:
    """The run ids of all executions that are there."""
    with _opened(path) as store, store.snapshot():
        return [run_id for (run_id,) in store.each("run_ids")]


def _remove(store: Store, clock: Clock, domain: int) -> Iterator[int]:
    """Remove what is expired of a domain, a transaction at a time; how many executions went with each."""
    while True:
        changes = store.connection.total_changes()
        with store.transaction(False):
            call = Call(store, round(clock.now() * 1000), Configuration(), Buckets({}), "", Memory())
            waiting = next_due(store) == AT_ONCE  # messages tell what events say, so those stay until the next time
            gone = 0 if waiting else remove_expired(call, domain, STEP)
        yield gone
        if store.connection.total_changes() == changes:
            return


def _size(store: Store) -> int:
    pages, size = store.connection.execute("PRAGMA page_count").get, store.connection.execute("PRAGMA page_size").get
    return int(pages) * int(size)
