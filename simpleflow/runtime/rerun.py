"""One activity of a run, again, in this process: for a look at why it failed, with a debugger.

The engine is read and told nothing: neither the run nor its history changes.
"""

from __future__ import annotations

import difflib
import os
import pdb
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from simpleflow.activity import Activity
from simpleflow.exceptions import CompleteLater, one_line
from simpleflow.payload.codec import Codec, arguments
from simpleflow.protocol.history import Event, attributes
from simpleflow.runtime import calling
from simpleflow.runtime.attempt import Attempt
from simpleflow.runtime.runs import Run

CallOfActivity = tuple[list[Any], dict[str, Any]]
"""Positional and keyword arguments."""


class CannotRerun(Exception):
    """There is no such activity, or its function is not here. The message is one line."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """An activity as the decider has asked for it. `input` is the plain value of its input, `text` what is written."""

    name: str
    version: str
    id: str
    task_list: str
    text: str | None
    input: Any

    def __str__(self) -> str:
        args, kwargs = arguments(self.input)
        meta = self.input.get("meta") if isinstance(self.input, dict) else None
        beside = f" [+meta={meta}]" if meta else ""
        what = f"Activity(name={self.name}, version={self.version}, task_list={self.task_list})"
        return f"{what}(*{args}, **{kwargs}){beside}"

    def called(self, call: CallOfActivity, codec: Codec) -> Scheduled:
        """The same with other arguments. Raises PayloadError, PayloadUnreachable."""
        beside = self.input if isinstance(self.input, dict) else {}
        told = {**beside, "args": call[0], "kwargs": call[1]}
        return replace(self, input=told, text=codec.freeze(told, "the input"))


def find(events: Iterable[Event], codec: Codec, scheduled_id: int | None, activity_id: str | None) -> Scheduled:
    """What the event of this id scheduled, or what was scheduled last as this activity.

    Raises CannotRerun, PayloadUnreachable.
    """
    found, ids = None, dict[str, None]()
    for event in events:
        is_activity = event["eventType"] == "ActivityTaskScheduled"
        if event["eventId"] == scheduled_id and not is_activity:
            raise CannotRerun(f"the event {scheduled_id} is of type {event['eventType']}, not ActivityTaskScheduled")
        if not is_activity:
            continue
        ids[attributes(event)["activityId"]] = None
        if event["eventId"] == scheduled_id or attributes(event)["activityId"] == activity_id:
            found = attributes(event)
    if found is None:
        raise CannotRerun(_missing(scheduled_id, activity_id, list(ids)))
    kind, text = found["activityType"], found.get("input")
    where = found["activityId"], found["taskList"]["name"]
    return Scheduled(kind["name"], kind["version"], *where, text, codec.read_call(text))


def _missing(scheduled_id: int | None, activity_id: str | None, ids: list[str]) -> str:
    what = f"no event {scheduled_id}" if activity_id is None else f"no activity {activity_id}"
    near = difflib.get_close_matches(activity_id or "", ids[5:], 1)
    hint = f". Did you mean {near[0]}?" if near else ""
    some = ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
    return f"the run has {what}; its activities: {some or 'none'}{hint}"


def load(task: Scheduled) -> Activity[..., Any]:
    """The function of an activity, as it is here and now, of whatever version. Raises CannotRerun."""
    try:
        return calling.find(task.name)
    except Exception as error:
        raise CannotRerun(calling.not_found(task.name, error)) from error


def call(task: Scheduled, activity: Activity[..., Any], run: Run, codec: Codec, debug: bool = False) -> calling.Answer:
    """Call the activity. Its context is that of the task; heartbeats and progress go nowhere.

    `debug`: what it raises opens pdb, at the line that has raised it.
    """
    context = {
        "name": task.name,
        "version": task.version,
        "workflow_id": run.workflow_id,
        "run_id": run.run_id,
        "activity_id": task.id,
        "domain_name": run.domain,
        "activity_task_list": task.task_list,
    }
    me, made = os.getpid(), Examined if debug else Attempt
    answer = calling.call(activity, task.text, context, codec, attempt=made(context, task.text, "", time.time(), codec))
    if os.getpid() != me:  # the task forked, and this is what it left behind
        os._exit(0)
    return answer


class Examined(Attempt):
    """An attempt that opens pdb where its code has raised something."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        super().__exit__(kind, error, at)
        if isinstance(error, Exception) and not isinstance(error, CompleteLater):
            print(one_line(error))
            pdb.post_mortem(at)
