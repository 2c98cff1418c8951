"""What a live view of a run shows: lines of styled pieces that fit a terminal. Pure: it is told the time and the room.

It must not know how lines are drawn, or where the run is read from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from textwrap import wrap
from typing import Any, Final

from simpleflow.protocol.parsed import CHILD, OPEN, TIMER
from simpleflow.runtime.telling import in_words
from simpleflow.runtime.watching import RETRYING, RUNNING, Item, Tally, Watch
from simpleflow.swf.measure import Line, clock, cut, fitting, width_of

BAR: Final = 24
"""Characters of a bar, at most; it takes an eighth of the terminal."""
DIM: Final = "bright_black"
WAITS: Final = "waits: "
LEAST_DONE: Final = 5
"""Tasks that are done before it is told how long the others may take."""


def compact(watch: Watch, columns: int, seconds: float, told: str = "") -> Line:
    """All in one line: how much is done, and what the newest attempts tell."""
    line = [*_bar(watch, min(BAR, (columns + 1) // 8)), ("  ", ""), (_numbers(watch), ""), (f", {clock(seconds)}", "")]
    return cut([*line, (f"  {told}" if told else "", "")], columns)


def view(watch: Watch, notes: Mapping[int, dict[str, Any]], now: datetime, columns: int, rows: int) -> list[Line]:
    """At most so many lines of so many columns: the run, the types of its tasks, and whatever is open.

    `notes` are what attempts tell of themselves, by the ids of the events that began them.
    """
    elapsed = (now - (watch.began or now)).total_seconds()
    if rows <= 1:
        return [compact(watch, columns, elapsed)]
    lines = [cut(line, columns) for line in _head(watch, elapsed, columns, rows)]
    tallies = sorted(watch.tallies.values(), key=lambda tally: (not tally.running, not tally.waiting))
    names = max((width_of(tally.name) for tally in tallies), default=0)
    names = min(names, columns // 3)
    types = [_type(tally, names, now, columns) for tally in tallies]
    running = [item for item in watch.open if item.state in RUNNING and item.kind not in (CHILD.type, TIMER.type)]
    others = [item for item in watch.open if item.kind in (CHILD.type, TIMER.type) or item.state == RETRYING]
    ids = min(max((width_of(item.label) for item in (*running, *others)), default=0), columns // 3)
    parts = [
        types,
        [_running(item, notes.get(item.begun, {}), ids, now, columns) for item in reversed(running)],
        [_other(item, ids, now) for item in reversed(others)],
    ]
    for part, share in zip(parts, _shares([len(part) for part in parts], rows - len(lines)), strict=True):
        if share < len(part):
            part[max(0, share - 1) :] = [[(f"… {len(part) - share + 1:,} more", DIM)]] if share else []
        lines += [cut(line, columns) for line in part]
    return lines


def of_task(watch: Watch, item: Item, note: dict[str, Any], now: datetime, columns: int, rows: int) -> list[Line]:
    """The same of one task alone."""
    ids = width_of(item.label)
    if item.state in RUNNING and item.kind != CHILD.type:
        line = _running(item, note, ids, now, columns)
    elif item.state in OPEN - RUNNING:
        line = [*_named(item, ids), (f"  {item.state.replace('_', ' ')} {clock(_seconds(item, now))}", DIM)]
    else:
        line = _other(item, ids, now)
    return [cut(each, columns) for each in (line, *_parked(watch, columns, rows))][:rows]


def _head(watch: Watch, elapsed: float, columns: int, rows: int) -> list[Line]:
    style = "red" if watch.parked else "cyan"
    state = "PARKED" if watch.parked else "OPEN"
    turn = f", run {watch.round}" if watch.round > 1 else ""
    told = f"  {watch.name}{turn}  " if watch.name else "  "
    id = fitting(watch.run.workflow_id, max(12, columns - width_of(told) - 20))
    first: Line = [(id, "bold"), (told, ""), (state, style), (f"  {clock(elapsed)}", "")]
    second: Line = [*_bar(watch, min(BAR, (columns + 1) // 8)), (f"  {_numbers(watch)}", "")]
    if watch.failed:
        second.append((f", {watch.failed:,} failed", "red"))
    if watch.waiting:
        second.append((f", {watch.waiting:,} waiting", ""))
    lines = [first, second]
    lines += _parked(watch, columns, rows)
    if rows > 16:
        lines.append([])
    return lines[:rows]


def _parked(watch: Watch, columns: int, rows: int) -> list[Line]:
    """Why its last decision could not be made, in as many lines as there is room for."""
    text, blank = " ".join((watch.parked or "").split()), " " * len(WAITS)
    parked = wrap(text, max(12, columns - len(WAITS)), max_lines=max(1, rows // 5), placeholder=" …")
    return [[(blank if number else WAITS, "bold"), (each, "red")] for number, each in enumerate(parked)]


def _numbers(watch: Watch) -> str:
    return f"{watch.done:,} of {watch.known:,} tasks done, {watch.running:,} running"


def _bar(of: Watch | Tally, size: int) -> Line:
    """What is done, what has failed, what runs, and the rest."""
    parts: list[tuple[int, str, str]] = [(of.done, "━", "green"), (of.failed, "━", "red")]
    line: Line = []
    full = 0
    for count, character, style in parts:
        cells = size * count // of.known if of.known else 0
        cells = min(cells, size - full)
        full += cells
        line.append((character * cells, style))
    running = min(size - full, -(-size * of.running // of.known)) if of.known else 0
    return [*line, ("╌" * running, "cyan"), ("╌" * (size - full - running), DIM)]


def _type(tally: Tally, names: int, now: datetime, columns: int) -> Line:
    name = fitting(tally.name, names)
    done = f"{tally.done:,}/{tally.known:,}"
    line: Line = [(name + " " * (names - width_of(name)), "red" if tally.failed else ""), (" ", "")]
    line += [*_bar(tally, min(BAR, columns // 6)), (f" {done:>9}", "green" if tally.done == tally.known else "")]
    told = [(tally.running, "running", "cyan"), (tally.failed, "failed", "red"), (tally.waiting, "waiting", DIM)]
    line += [(f"  {count:,} {word}", style) for count, word, style in told if count]
    rate = tally.rate(now)
    left = tally.running + tally.waiting
    if rate and left:
        line.append((f"  {rate:.1f}/s" if rate >= 1 else f"  {rate * 60:.1f}/min", DIM))
        if tally.done >= LEAST_DONE:
            line.append((f"  {clock(left / rate)} left", DIM))
    return line


def _running(item: Item, note: dict[str, Any], ids: int, now: datetime, columns: int) -> Line:
    line: Line = [*_named(item, ids), (f"  {'running':8} {clock(_seconds(item, now)):>7}", "cyan")]
    if item.state == "cancel_requested":
        line.append(("  is to end", "yellow"))
    if item.attempt > 1:
        line.append((f"  attempt {item.attempt}", "yellow"))
    done, total = note.get("done"), note.get("total")
    if isinstance(done, int | float) and isinstance(total, int | float) and total > 0:
        size = min(BAR // 2, columns // 12)
        full = min(size, max(0, int(size * done / total)))
        line += [("  ", ""), ("━" * full, "green"), ("╌" * (size - full), DIM)]
    told = in_words(note)
    return [*line, (f"  {told}" if told else "", "")]


def _other(item: Item, ids: int, now: datetime) -> Line:
    if item.until is not None and (item.kind == TIMER.type or item.state == RETRYING):
        left = max(0.0, (item.until - now).total_seconds())
        word, style = ("retry", "yellow") if item.state == RETRYING else ("timer", "blue")
        line: Line = [*_named(item, ids), (f"  {word + ' in':8} {clock(left):>7}", style)]
        if item.state == RETRYING:
            line.append((f"  attempt {item.attempt} failed", "red"))
        return line
    return [*_named(item, ids), (f"  {'child':8} {clock(_seconds(item, now)):>7}", "magenta")]


def _named(item: Item, ids: int) -> Line:
    label = fitting(item.label, ids)
    return [(label + " " * (ids - width_of(label)), "")]


def _seconds(item: Item, now: datetime) -> float:
    return max(0.0, (now - item.since).total_seconds())


def _shares(wanted: Sequence[int], room: int) -> list[int]:
    """How many lines each part gets: one each as long as there is room, then by turns."""
    got = [0] * len(wanted)
    while room > 0 and (short := [part for part in range(len(wanted)) if got[part] < wanted[part]]):
        for part in short[:room]:
            got[part] += 1
        room -= len(short[:room])
    return got
