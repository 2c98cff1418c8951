"""A row of the catalogue: a program, what it is given, what others do to it meanwhile, and what comes of it everywhere.

It knows of no place where programs run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from simpleflow import Workflow, activity

VERSION: Final = "1"
LIST: Final = "features"
READY: Final = "ready"
"""The marker by which a program says that others may act."""

task = activity.with_attributes(version=VERSION, task_list=LIST)

Events = list[dict[str, Any]]


class Flow(Workflow):
    """What programs of the catalogue derive from."""

    version, task_list = VERSION, LIST

    def ready(self) -> None:
        self.submit(self.record_marker(READY))

    @property
    def id(self) -> str:
        found: str = self.get_run_context()["workflow_id"]
        return found


@dataclass(frozen=True, slots=True)
class Fails:
    """The run does not complete: its status, and what its reason has in it."""

    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Outside:
    """What others do to a run. `client` is the engine's."""

    client: Any
    domain: str
    workflow_id: str

    def signal(self, name: str, *args: Any) -> None:
        """As another program of ours sends it."""
        self.foreign(name, json.dumps({"args": args, "kwargs": {}, "__propagate": False}))

    def foreign(self, name: str, input: str | None) -> None:
        """As somebody else's program may."""
        given = {} if input is None else {"input": input}
        who = {"domain": self.domain, "workflowId": self.workflow_id}
        self.client.signal_workflow_execution(**who, signalName=name, **given)

    def cancel(self, suffix: str = "") -> None:
        self.client.request_cancel_workflow_execution(domain=self.domain, workflowId=self.workflow_id + suffix)

    def terminate(self, suffix: str = "") -> None:
        self.client.terminate_workflow_execution(domain=self.domain, workflowId=self.workflow_id + suffix)


@dataclass(frozen=True, slots=True)
class Feature:
    """`outside` happens once the run has recorded READY. `history` is asked of the events of its first run, and gives
    True. `lacking` names what moto would need."""

    workflow: type[Workflow]
    result: Any
    args: tuple[Any, ...] = ()
    outside: Callable[[Outside], None] | None = None
    history: Callable[[Events], bool] | None = None
    lacking: str = ""

    @property
    def name(self) -> str:
        return self.workflow.__name__


def of(events: Events, type: str) -> list[dict[str, Any]]:
    """The attributes of the events of this type."""
    member = f"{type[0].lower()}{type[1:]}EventAttributes"
    return [event[member] for event in events if event["eventType"] == type]
