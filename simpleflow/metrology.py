"""Measuring what activities do: how long their steps take, how many bytes and records they read and write.

    class Crunch(MetrologyTask):
        def execute(self):
            with self.step("load") as step:
                step.read.records += 1000

When the activity has succeeded its measurements are written to METROLOGY_BUCKET (`simpleflow.storage`: a directory by
default), and when a `MetrologyWorkflow` has ended they are gathered beside them in one file.
"""

from __future__ import annotations

import json
import time
from abc import ABC
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import quote_plus

from simpleflow import config, storage
from simpleflow.log import logger
from simpleflow.protocol.parsed import History
from simpleflow.workflow import Workflow


@dataclass(slots=True)
class StepIO:
    """What a step read, or wrote: `bytes` and `records` are counts; `sampled`: only a part was counted."""

    bytes: int = 0
    records: int = 0
    sampled: bool = False

    def stats(self, seconds: float) -> dict[str, Any]:
        """The counts, and what they are a second (MB and records); None where no time passed."""
        return {
            "bytes": self.bytes,
            "records": self.records,
            "mb_s": self.bytes / 1024 / 1024 / seconds if seconds > 0 else None,
            "rec_s": self.records / seconds if seconds > 0 else None,
            "sampled": self.sampled,
        }


@dataclass(slots=True)
class Step:
    """A part of an activity that is measured, from its `with` to its end. Times are seconds since the epoch."""

    name: str
    read: StepIO = field(default_factory=StepIO)
    write: StepIO = field(default_factory=StepIO)
    metadata: dict[str, Any] = field(default_factory=dict)
    time_started: float | None = None
    time_finished: float | None = None
    clock: Callable[[], float] = field(default=time.time, repr=False)

    def __enter__(self) -> Step:
        self.time_started, self.time_finished = self.clock(), None
        return self

    def __exit__(self, *error: object) -> None:
        self.time_finished = self.clock()

    @property
    def time_total(self) -> float | None:
        """Seconds, or None before the step has ended."""
        if self.time_started is None or self.time_finished is None:
            return None
        return self.time_finished - self.time_started

    def stats(self) -> dict[str, Any]:
        """The measurements, as they are written."""
        total = self.time_total
        return {
            "name": self.name,
            "metadata": self.metadata,
            "time_started": self.time_started,
            "time_finished": self.time_finished,
            "time_total": total,
            "read": self.read.stats(total or 0.0),
            "write": self.write.stats(total or 0.0),
        }


class MetrologyTask:
    """To derive an activity's class from. `meta` is kept with the measurements."""

    context: dict[str, Any] | None = None

    @property
    def steps(self) -> list[Step]:
        """The steps so far."""
        found: list[Step] = self.__dict__.setdefault("_steps", [])
        return found

    @property
    def meta(self) -> dict[str, Any]:
        """Anything with a JSON form that is to be kept with the measurements."""
        found: dict[str, Any] = self.__dict__.setdefault("_meta", {})
        return found

    @meta.setter
    def meta(self, value: dict[str, Any]) -> None:
        self.__dict__["_meta"] = value

    def step(self, name: str) -> Step:
        """A new step, to be used by ``with``."""
        made = Step(name)
        self.steps.append(made)
        return made

    @property
    def stats(self) -> list[dict[str, Any]]:
        """The measurements of all steps."""
        return [step.stats() for step in self.steps]

    @property
    def metrology_path(self) -> str | None:
        """The key of the measurements, or None outside of a worker."""
        told = self.context or {}
        if not all(told.get(name) for name in ("workflow_id", "run_id", "activity_id")):
            return None
        return f"{_folder(told['workflow_id'], told['run_id'])}activity.{told['activity_id']}.json"

    def post_execute(self) -> None:
        """Write the measurements. Called by the worker when `execute` has returned; whatever hinders it is logged,
        for the activity has done its work."""
        path = self.metrology_path
        if path is None:
            return
        try:
            content = json.dumps({"steps": self.stats, "meta": self.meta}, indent=2)
            storage.push_content(config.load().metrology, path, content, content_type="application/json")
        except Exception:
            logger.exception("the measurements of %s are lost", path)


class MetrologyWorkflow(Workflow, ABC):
    """To derive a workflow from whose activities are measured: when it has ended, their measurements are gathered in
    ``metrology.json``, a list of ``[task id, {..., "metrology": measurements or None}]``."""

    @property
    def metrology_path(self) -> str:
        """The key of the run's measurements."""
        told = self.get_run_context()
        return f"{_folder(told['workflow_id'], told['run_id'])}metrology.json"

    def after_closed(self, history: History) -> None:
        """Gather the measurements of the run's activities. Called when the run has ended; whatever hinders it is
        logged."""
        super().after_closed(history)
        try:
            self.push_metrology(history)
        except Exception:
            logger.exception("the measurements of %s are not gathered", self.metrology_path)

    def push_metrology(self, history: History) -> None:
        """Write the tasks of the history, each with its measurements."""
        bucket, path = config.load().metrology, self.metrology_path
        folder = path.rpartition("/")[0] + "/"
        measured = {found.key for found in storage.list_keys(bucket, f"{folder}activity.")}
        tasks = []
        for task in history.tasks:
            key = f"{folder}activity.{task.get('id')}.json"
            found = json.loads(storage.pull_content(bucket, key)) if key in measured else None
            tasks.append([task.get("id") or task["name"], {**task, "metrology": found}])
        storage.push_content(bucket, path, json.dumps(tasks, default=_plain), content_type="application/json")


def _folder(workflow_id: str, run_id: str) -> str:
    """Where the measurements of a run lie."""
    prefix = (config.load().metrology_path_prefix or "").strip("/")
    return f"{prefix}/{workflow_id}/{quote_plus(run_id)}/".lstrip("/")


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
