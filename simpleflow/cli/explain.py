"""The command `workflow.explain`: why a run failed, or why it waits."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import click

from simpleflow import config
from simpleflow.cli import options, output
from simpleflow.cli.app import Globals
from simpleflow.cli.finding import Named, run_arguments
from simpleflow.cli.many import Many, OneOrMany, each, many_shown, show
from simpleflow.cli.reading import history as read_history
from simpleflow.cli.table import COLOURS
from simpleflow.clients import SWFClient
from simpleflow.exceptions import PayloadUnreachable
from simpleflow.payload.codec import Codec
from simpleflow.payload.notes import Notes
from simpleflow.protocol.history import close_status
from simpleflow.runtime import runs
from simpleflow.runtime.start import codec_of
from simpleflow.runtime.telling import in_words, output_name, progress_name, read_note
from simpleflow.swf import explanation
from simpleflow.swf.explanation import Reason
from simpleflow.swf.models.history import History

DEPTH: Final = 3
"""So many levels of children are explained."""


@dataclass(frozen=True, slots=True)
class Looking:
    """What is asked of the engine, and of the notes beside it. See `simpleflow.swf.explanation.Look`."""

    client: SWFClient
    domain: str
    notes: Notes
    codec: Codec
    depth: int = DEPTH

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def waiting(self, kind: str, task_list: str) -> int | None:
        ask = getattr(self.client, f"count_pending_{kind}_tasks")
        try:
            return int(ask(domain=self.domain, taskList={"name": task_list})["count"])
        except Exception:  # who may read a history may not be allowed to count
            return None

    def progress(self, run_id: str, started: int) -> str:
        return in_words(read_note(self.notes, run_id, progress_name(started)))

    def printed(self, run_id: str, started: int) -> str:
        told = read_note(self.notes, run_id, output_name(started))
        return str(told.get("stderr") or told.get("stdout") or "")

    def text(self, text: str | None) -> str | None:
        try:
            return self.codec.text(text)
        except PayloadUnreachable:
            return None

    def child(self, workflow_id: str, run_id: str) -> Sequence[Reason]:
        if not self.depth:
            return ()
        run = runs.Run(self.domain, workflow_id, run_id)
        try:
            history = read_history(self.client, run)
        except Exception:  # it is past its retention
            return ()
        less = Looking(self.client, self.domain, self.notes, self.codec, self.depth - 1)
        return explanation.explain(history, explanation.Named(self.domain, workflow_id, run_id), less)


@click.command("workflow.explain", cls=OneOrMany)
@run_arguments
@many_shown
@click.pass_obj
def workflow_explain(common: Globals, named: Named, many: Many) -> None:
    """Say why a run has failed, or what an open one waits for; and what to type about it."""
    url = options.engine_url(common)
    client = options.open_engine(url, reading=True)
    look = Looking(client, named.domain, Notes(config.load().payload_stores(url)), codec_of(url))
    told = (_explained(common, client, run, look) for run in each(client, named, many))
    if common.format in ("json", "jsonl", "prettyjson"):
        output.write_records(str(common.format), (one.as_record() for one in told))
    elif common.format:
        columns = ("Depth", "What", "Reason", "Next")
        show(common, ((one.run, columns, one.rows()) for one in told), many)
    else:
        for one in told:
            _print(common, one)


@dataclass(frozen=True, slots=True)
class _Explained:
    """A run, and what is to be said of it."""

    run: runs.Run
    type: str
    status: str
    reasons: Sequence[Reason]

    def as_record(self) -> dict[str, Any]:
        told = {"workflow_id": self.run.workflow_id, "run_id": self.run.run_id, "type": self.type}
        return {**told, "status": self.status, "reasons": [reason.as_record() for reason in self.reasons]}

    def rows(self) -> list[tuple[Any, ...]]:
        return [(depth, reason.what, reason.text, reason.next) for depth, reason in _flat(self.reasons)]


def _explained(common: Globals, client: SWFClient, run: runs.Run, look: Looking) -> _Explained:
    history = read_history(client, run)
    reasons = explanation.explain(history, explanation.Named(run.domain, run.workflow_id, run.run_id), look)
    typed = _for_engine(common, reasons)
    return _Explained(run, str(history.parsed.workflow.get("name")), _status(history), typed)


def _status(history: History) -> str:
    last = history.last
    return (close_status(dict(last.raw)) if last.closes else None) or "OPEN"


def _flat(reasons: Sequence[Reason], depth: int = 0) -> Iterator[tuple[int, Reason]]:
    """All reasons, those of a child behind the child's."""
    for reason in reasons:
        yield depth, reason
        yield from _flat(reason.reasons, depth + 1)


def _print(common: Globals, one: _Explained) -> None:
    from rich.text import Text

    status = one.status
    lines = [Text.assemble((f"{one.run.workflow_id} ({one.type})", "bold"), ": ", (status, COLOURS.get(status, "")))]
    for depth, reason in _flat(one.reasons):
        indent = "  " * (depth + 1)
        lines.append(Text(f"{indent}{_plain(reason.text)}"))
        if reason.next:
            lines.append(Text.assemble(f"{indent}  $ ", (_plain(reason.next), "cyan")))
    console = output.console(common)
    for line in lines:
        console.print(line, soft_wrap=True)


def _for_engine(common: Globals, reasons: Sequence[Reason]) -> Sequence[Reason]:
    """The reasons, with commands for the engine that this one was typed for."""
    if common.engine is None:
        return reasons
    words = shlex.join(("simpleflow", "--engine", common.engine))
    return [
        replace(
            reason,
            next=reason.next and reason.next.replace("simpleflow", words, 1),
            reasons=_for_engine(common, reason.reasons),
        )
        for reason in reasons
    ]


def _plain(text: Any) -> str:
    """The text in a line, without what would move a terminal's cursor."""
    return "".join(character if character.isprintable() else " " for character in str(text))
