"""The decider's process: poll for decision tasks, decide them on this thread, respond."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from simpleflow import log as logs
from simpleflow.config import Config
from simpleflow.decider import Decider, load_workflow
from simpleflow.decider.mute import mute_replays
from simpleflow.payload.store import Payloads
from simpleflow.runtime.poll import Call, Stop, identity, serve
from simpleflow.runtime.titles import Tell, untitled

log = logging.getLogger("simpleflow.runtime")


def decide_forever(
    client: Any,
    domain: str,
    task_list: str,
    workflows: Iterable[str],
    stop: Stop,
    *,
    config: Config,
    stores: Sequence[str] = (),
    cache_size: int = 1000,
    tell: Tell = untitled,
) -> None:
    """Decide the runs whose decision tasks come to `task_list`, until told to stop.

    `workflows` are dotted names of classes; more are loaded by the names that their runs carry. `stores` are the URLs
    of where large values lie; `tell` is told what it does. Raises LoadError for one of `workflows`, and what the
    engine says of an unknown domain.
    """
    mute_replays()
    classes = [load_workflow(name) for name in workflows]
    decider = Decider(client, domain, classes, config=config, payloads=Payloads(stores), cache_size=cache_size)
    poll = {
        "domain": domain,
        "taskList": {"name": task_list},
        "identity": identity(),
        "startAtPreviousStartedEvent": True,
    }

    last: dict[str, Any] = {}

    def handle(task: dict[str, Any]) -> Call:
        nonlocal last
        last = task
        tell("deciding")
        logs.running.what = "decision", task["workflowExecution"]["workflowId"], task["startedEventId"]
        answer = decider.decide(task, poll)
        logs.running.what = logs.NOTHING
        sys.stdout.flush()
        return "respond_decision_task_completed", answer

    def refused(response: Call, error: Exception) -> Call:
        return "respond_decision_task_completed", decider.park(last, error)

    log.info("deciding on %s of the domain %s", task_list, domain)
    try:
        serve(client, ("poll_for_decision_task", poll), handle, stop, refused, tell)
    finally:
        decider.close()
