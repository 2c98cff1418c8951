"""Runs that cannot be decided now: what is answered for them, and which of them are decided apart from all others.

What is known of such a run stands in its history, in the executionContext of its last decision and in decisions that
timed out, so that any decider knows it.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Sequence
from typing import Any, Final

from simpleflow.command import OURS, PARKED
from simpleflow.decider import decisions
from simpleflow.decider.load import LoadError
from simpleflow.exceptions import one_line
from simpleflow.payload.codec import read_object
from simpleflow.payload.failures import clean, cut, shrinking
from simpleflow.protocol.history import attributes

log = logging.getLogger("simpleflow.decider")

PARK_FIRST: Final = 5  # seconds until a parked run is tried again; doubled each time
PARK_MOST: Final = 600

Events = Sequence[dict[str, Any]]


class Parked(Exception):
    """The run cannot go on until somebody mends something; it is not failed for it.

    `times` counts from 1. `apart` is whether the run is a danger to who decides it; `trace` is where its code was.
    """

    def __init__(self, message: str, times: int = 0, *, apart: bool = False, trace: str = "") -> None:
        super().__init__(message)
        self.times = times
        self.apart = apart
        self.trace = trace


class Postponed(Parked):
    """It is not its turn to be tried again."""


def parked(task: dict[str, Any], error: Exception, events: Events) -> dict[str, Any]:
    """The answer for a run that cannot be decided now: a timer that calls again later, and why.

    `events` are those of the decision task, from the decision before on.
    """
    who = task["workflowExecution"]["workflowId"]
    last = _last_parked(events)
    times = max(int(last.get("times", 0)) + 1, getattr(error, "times", 0))
    pause = min(PARK_FIRST * 2 ** min(times - 1, 10), PARK_MOST)
    reason = cut(clean(str(error) if isinstance(error, Parked) else one_line(error)), 4000)
    trace = _trace(error)
    if isinstance(error, Postponed) and last:  # what is known of it goes on being shown
        reason, trace = last["error"], last["traceback"]
    log.error("%s is parked, to be tried again in %d s: %s", who, pause, reason)
    log.debug("why", exc_info=error)
    said = {
        "error": reason,
        "since": last.get("since") or int(time.time()),
        "times": times,
        "traceback": trace,
        **({"apart": True} if getattr(error, "apart", False) or last.get("apart") else {}),
    }
    timers = [decisions.timer(f"{PARKED}{task['startedEventId']}", pause)]
    if _timer_refused(events):
        log.error("%s cannot have a timer either: signal it once that is mended", who)
        timers = []
    return {
        "taskToken": task["taskToken"],
        "decisions": timers,
        "executionContext": '{"parked":' + shrinking(said, "traceback") + "}",
    }


def _trace(error: Exception) -> str:
    if isinstance(error, Parked) and error.trace:
        return error.trace
    cause = error.__cause__ if isinstance(error, LoadError | Parked) else error
    return "".join(traceback.format_exception(cause)) if cause is not None else ""


def ends_deciders(events: Events) -> bool:
    """Whether who decided this run last may have died of it, or would not have come to an end.

    Its last decision timed out, or it was parked for that. Who was killed meanwhile for another reason looks the same.
    """
    for event in reversed(events):
        if event["eventType"] == "DecisionTaskTimedOut" and attributes(event).get("timeoutType") == "START_TO_CLOSE":
            return True
        if event["eventType"] == "DecisionTaskCompleted":
            return bool(_last_parked([event]).get("apart"))
    return False


def lost_by(events: Events) -> str | None:
    """Who had the last decision, as it calls itself, where that has timed out; None where it has not."""
    lost = False
    for event in reversed(events):
        kind = event["eventType"]
        if kind == "DecisionTaskCompleted":
            break
        if kind == "DecisionTaskTimedOut":
            lost = attributes(event).get("timeoutType") == "START_TO_CLOSE"
        elif kind == "DecisionTaskStarted" and lost:
            return str(attributes(event).get("identity"))
    return None


def decision_timeout(events: Events) -> float | None:
    """The seconds that a decision of this run may take; None where there is no limit."""
    for event in reversed(events):
        if event["eventType"] == "DecisionTaskScheduled":
            given = attributes(event).get("startToCloseTimeout") or "NONE"
            return None if given == "NONE" else float(given)
    return None


def _last_parked(events: Events) -> dict[str, Any]:
    """What the last completed decision says of being parked; empty if it was not."""
    for event in reversed(events):
        if event["eventType"] == "DecisionTaskCompleted":
            context = attributes(event).get("executionContext") or ""
            found = read_object(context).get("parked") if '"parked"' in context else None  # it is seldom there
            return found if isinstance(found, dict) else {}
    return {}


def _timer_refused(events: Events) -> bool:
    """Whether the last completed decision was refused a timer of ours: another one would be refused, too, and at
    once."""
    for event in reversed(events):
        if event["eventType"] == "DecisionTaskCompleted":
            return False
        if event["eventType"] == "StartTimerFailed" and attributes(event)["timerId"].startswith(OURS):
            return True
    return False
