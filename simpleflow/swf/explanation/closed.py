"""Why a closed run has closed so."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Final

from simpleflow.payload.codec import read_object
from simpleflow.protocol.history import close_status
from simpleflow.protocol.parsed import Record
from simpleflow.swf.explanation.reasons import Look, Named, Reason, clock, listed, said_last, typed
from simpleflow.swf.models.history import History
from simpleflow.swf.stats import instant, timing

_FAILED_TASK: Final = re.compile(r'Workflow execution error in (.+?): "')
_FRAME: Final = re.compile(r'File "([^"\n]+)", line (\d+), in (\S+)')
_BY_ITSELF: Final = {
    "CHILD_POLICY_APPLIED": "because its parent has closed, by its child policy",
    "OPERATOR_INITIATED": "by a call of TerminateWorkflowExecution",
    "EVENT_LIMIT_EXCEEDED": "by the engine: its history has as many events as a run may have",
}


def reasons(history: History, run: Named, look: Look) -> Iterator[Reason]:
    """Why a closed run has closed so."""
    closing = next(event for event in history.reversed if event.closes)
    told = dict(closing.attributes)
    status = str(close_status(dict(closing.raw)))
    yield from {
        "FAILED": _failed,
        "TIMED_OUT": _timed_out,
        "CANCELED": _canceled,
        "TERMINATED": _terminated,
        "CONTINUED_AS_NEW": _continued,
        "COMPLETED": _completed,
    }[status](history, run, look, told)


def repairing(run: Named) -> str:
    """The command that goes on where a run has failed."""
    return typed("workflow.repair", (run.workflow_id, run.run_id), ("--domain", run.domain))


def _completed(history: History, run: Named, look: Look, told: Record) -> Iterator[Reason]:
    yield Reason("completed", "it has completed", run.command("workflow.result", run=True))


def _failed(history: History, run: Named, look: Look, told: Record) -> Iterator[Reason]:
    reason = str(told.get("reason") or "it did not say why")
    found = _FAILED_TASK.match(reason)
    record = _task(history, found[1]) if found else None
    line = said_last(history).get("raised_at")
    at = f"; run was at {line}" if line else ""
    if record is None:
        yield Reason(
            "failed",
            f"its run failed: {reason}{at or _place(look.text(told.get('details')))}",
            repairing(run),
            {"reason": reason, "line": line},
        )
        lost = [each["id"] for each in history.parsed.tasks if each["state"] in ("failed", "timed_out")]
        if lost:
            yield Reason("failed-tasks", f"of its tasks, these had failed: {listed(lost)}", None, {"tasks": lost})
    else:
        yield from failed_task(record, run, look)
        yield Reason("failed", f"it failed for that{at}: mend it, and repair the run", repairing(run), {"line": line})


def failed_task(record: Record, run: Named, look: Look) -> Iterator[Reason]:
    """Why a task has failed: the last attempt, its error, and what it has printed."""
    id, times = record["id"], timing(record)
    error, where = error_of(record, look)
    attempt = f" at its attempt {times.attempts}" if times.attempts > 1 else ""
    facts = {"task": id, "attempt": times.attempts, "error": error}
    if record["type"] == "child_workflow":
        inner = look.child(id, record["run_id"]) if record.get("run_id") else ()
        yield Reason("child-failed", f"its child {id} failed{attempt}: {error}", None, facts, inner)
        return
    how = {"timed_out": "timed out", "canceled": "was cancelled", "schedule_failed": "was refused"}
    state = how.get(record["state"], "failed")
    again = None
    if record["type"] == "activity":
        words = ("--workflow-id", run.workflow_id, "--run-id", run.run_id, "--activity-id", id, "--pdb")
        again = shlex.join(("simpleflow", "activity.rerun", "--domain", run.domain, *words))
    yield Reason("task-failed", f"{id} {state}{attempt}: {error}{where}", again, facts)
    printed = look.printed(run.run_id, record["started_id"]) if record.get("started_id") else ""
    if printed:
        last = printed.strip().splitlines()[-1][:200]
        next = run.command("task.info", id, "--run-id", run.run_id, "--details")
        yield Reason("printed", f"it has printed last: {last}", next, {"task": id})


def error_of(record: Record, look: Look) -> tuple[str, str]:
    """What a task failed with, in one line, and where in its code that was."""
    if record["state"] == "timed_out":
        kind, value = record.get("timeout_type"), record.get("timeout_value")
        return f"{kind} timeout{f' of {value} s' if value else ''}", ""
    details = look.text(record.get("details"))
    told = read_object(details)
    named = f"{told['error']}: {told.get('message', '')}" if told.get("error") else None
    reason = record.get("reason") or record.get("cause") or named or "it did not say why"
    return " ".join(str(reason).split()), _place(details)


def _place(details: str | None) -> str:
    """Where the traceback in a failure's details ends."""
    trace = read_object(details).get("traceback")
    frames = _FRAME.findall("".join(trace) if isinstance(trace, list) else str(trace or ""))
    return f", at {frames[-1][0]}:{frames[-1][1]} in {frames[-1][2]}" if frames else ""


def _timed_out(history: History, run: Named, look: Look, told: Record) -> Iterator[Reason]:
    limit = history.parsed.workflow.get("execution_start_to_close_timeout")
    yield Reason(
        "timed-out",
        f"it was not done within its execution timeout of {limit} s",
        repairing(run),
        {"timeout": told.get("timeoutType"), "seconds": limit},
    )
    still = [record["id"] for record in history.parsed.tasks if record["state"] in ("scheduled", "started")]
    if still:
        yield Reason("open-then", f"open then: {listed(still)}", None, {"tasks": still})
    if names := said_last(history).get("waiting_signals"):
        yield Reason("open-then", f"it waited then for the signal {' and '.join(map(str, names))}")


def _canceled(history: History, run: Named, look: Look, told: Record) -> Iterator[Reason]:
    yield Reason("canceled", f"it was cancelled{_asked(history)}", repairing(run), {"details": told.get("details")})


def _asked(history: History) -> str:
    """By whom its cancel was asked for, and when."""
    asked = history.parsed.cancel_requested
    if asked is None:
        return " by its own program"
    who = asked.get("external_workflow_id")
    by = f" by the run of {who}" if who else ""
    parent = ", because its parent has closed" if asked.get("cause") == "CHILD_POLICY_APPLIED" else ""
    return f", as was asked for{by} at {clock(instant(asked['timestamp']))}{parent}"


def _terminated(history: History, run: Named, look: Look, told: Record) -> Iterator[Reason]:
    by = _BY_ITSELF.get(told.get("cause", ""), "by somebody: the engine does not tell who")
    reason = f": {told['reason']}" if told.get("reason") else "; no reason was given"
    facts = {"cause": told.get("cause"), "reason": told.get("reason"), "details": told.get("details")}
    yield Reason("terminated", f"it was terminated {by}{reason}", repairing(run), facts)


def _continued(history: History, run: Named, look: Look, told: Record) -> Iterator[Reason]:
    next_run = told["newExecutionRunId"]
    following = Named(run.domain, run.workflow_id, next_run)
    command = following.command("workflow.explain", run=True)
    yield Reason("continued", f"it goes on as the run {next_run}", command, {"run_id": next_run})


def _task(history: History, id: str) -> Record | None:
    told = history.parsed
    groups = (told.activities, told.child_workflows, told.lambda_functions)
    return next((group[id] for group in groups if id in group), None)
