"""What an open run waits for."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from simpleflow.command import OURS
from simpleflow.payload.codec import extra, read_object
from simpleflow.protocol.parsed import Record
from simpleflow.swf.explanation.closed import error_of
from simpleflow.swf.explanation.reasons import Look, Named, Reason, clock, listed, said_last
from simpleflow.swf.measure import short
from simpleflow.swf.models.history import History
from simpleflow.swf.stats import instant, timing

PATIENT: Final = 5.0
"""Seconds after which a task that nobody has polled wants a worker."""
FEW: Final = 3
"""So many tasks of a kind are told one by one."""

_WAIT: Final = f"_{OURS}wait-"
_RECEIVE: Final = f"_{OURS}receive-"
_REST: Final = f"{OURS}rest"
_PAUSE: Final = f"_{OURS}task_"


def reasons(history: History, run: Named, look: Look) -> Iterator[Reason]:
    """Everything that an open run waits for, most urgent first."""
    found = [*_Waits(history, run, look).found()]
    if found:
        yield from found
    else:
        yield Reason(
            "nothing", "nothing that it asked for is open, and no decision waits", run.command("workflow.history")
        )


class _Waits:
    def __init__(self, history: History, run: Named, look: Look) -> None:
        self._history = history
        self._told = history.parsed
        self._run = run
        self._look = look
        last = instant(history.last.timestamp) if len(history) else None
        self._now = max(look.now, last) if last is not None else look.now
        self._said = said_last(history)

    def found(self) -> Iterator[Reason]:
        yield from self._parked()
        yield from self._decision()
        yield from self._asked_to_cancel()
        yield from self._refused_close()
        yield from self._stuck()
        yield from self._retries()
        yield from self._activities()
        yield from self._lambdas()
        yield from self._children()
        yield from self._signals()
        yield from self._timers()
        yield from self._held()

    # -- decisions -------------------------------------------------------------------------------------------------

    def _parked(self) -> Iterator[Reason]:
        parked = self._said.get("parked")
        if not isinstance(parked, dict):
            return
        times, begun = int(parked.get("times", 1)), parked.get("since")
        since = datetime.fromtimestamp(begun, UTC) if begun else None
        again = next((t for t in self._open_timers() if t["id"].startswith(f"{OURS}parked-")), None)
        when = f"tried again at {clock(self._due(again))}" if again is not None else "signal it once that is mended"
        count = f" ({times} times since {clock(since)})" if times > 1 else f" (since {clock(since)})"
        yield Reason(
            "parked",
            f"its decision cannot be made{count}: {parked.get('error')}; mend that, it is {when}"
            if again is not None
            else f"its decision cannot be made{count}: {parked.get('error')}; {when}",
            None if again is not None else self._run.command("workflow.signal", "go-on"),
            {"error": parked.get("error"), "since": since, "times": times, "until": self._due(again)},
        )

    def _decision(self) -> Iterator[Reason]:
        tasks = list(self._told.decision_tasks.values())
        if not tasks or "completed_id" in tasks[-1]:
            return
        lost = 0
        for task in reversed(tasks):
            if task["state"] == "completed":
                break
            lost += task["state"] == "timed_out" and task.get("timeout_type") == "START_TO_CLOSE"
        task = tasks[-1]
        name = str(task.get("task_list") or self._told.workflow.get("task_list"))
        if task["state"] == "started":
            since = instant(task["started_timestamp"])
            who = f" by {task['identity']}" if task.get("identity") else ""
            limit = task.get("start_to_close_timeout") or "NONE"
            yield Reason(
                "being-decided",
                f"its decision is being made{who} since {self._ago(since)}"
                + (f"; if that takes {limit} s, it is made again" if limit != "NONE" else ""),
                None,
                {"since": since, "task_list": name, "identity": task.get("identity")},
            )
        elif task["state"] == "scheduled":
            yield self._nobody("decision", name, instant(task["scheduled_timestamp"]), "its decision waits")
        if lost:
            yield Reason(
                "decisions-lost",
                f"{'its last decision' if lost == 1 else f'its last {lost} decisions'} timed out: "
                "the decider died of it, hangs, or takes longer than it may",
                None,
                {"count": lost},
            )

    def _nobody(self, kind: str, task_list: str, since: datetime | None, what: str, **facts: Any) -> Reason:
        """Something waits in a list for somebody to poll it."""
        waiting = self._look.waiting(kind, task_list)
        role = "decider" if kind == "decision" else "worker"
        many = f", where {waiting:,} wait" if waiting and waiting > 1 else ""
        aged = since is not None and (self._now - since).total_seconds() >= PATIENT
        why = f": no {role} polls that list, or all are busy" if aged else ""
        start = None
        if aged:
            words = ("simpleflow", f"{role}.start", "--domain", self._run.domain, "--task-list", task_list)
            start = shlex.join((*words, self._class) if role == "decider" else words)
        told = {"task_list": task_list, "since": since, "waiting": waiting, **facts}
        text = f"{what} in the list {task_list} since {self._ago(since)}{many}{why}"
        return Reason(f"no-{role}" if aged else f"{kind}-waits", text, start, told)

    @property
    def _class(self) -> str:
        """The class of the run, as deciders are told it."""
        return str(extra(self._told.workflow.get("raw_input")).get("class") or "MODULE.CLASS")

    def _asked_to_cancel(self) -> Iterator[Reason]:
        asked = self._told.cancel_requested
        if asked is not None:
            when = instant(asked["timestamp"])
            text = f"it was asked to cancel itself at {clock(when)}, and its program has not done so"
            yield Reason("cancel-asked", text, self._run.command("workflow.terminate"), {"since": when})

    def _refused_close(self) -> Iterator[Reason]:
        run = self._told.workflow
        for how in ("complete", "fail", "cancel", "continue_as_new"):
            when = instant(run.get(f"{how}_failed_timestamp"))
            if when is not None:
                cause = run.get("cause")
                text = f"it tried to {how.replace('_', ' ')} at {clock(when)}, and the engine refused: {cause}"
                yield Reason("close-refused", text, None, {"cause": cause, "since": when})

    def _stuck(self) -> Iterator[Reason]:
        stuck = self._said.get("stuck")
        if stuck:
            waits = ", ".join(map(str, stuck))
            text = f"it is stuck: nothing that it asked for is open, and it waits for {waits}"
            yield Reason("stuck", text, self._run.command("workflow.terminate"), {"waits_for": stuck})

    def _held(self) -> Iterator[Reason]:
        for timer in self._open_timers(_REST):
            what, due = timer["id"].removeprefix(_REST).rpartition("-")[0].lstrip("_") or "activity", self._due(timer)
            text = f"the engine takes no more of it ({what}) for now: it is asked again at {self._till(due)}"
            yield Reason("throttled", text, None, {"kind": what, "until": due})
        held = self._said.get("held")
        if isinstance(held, int) and held > 0 and "parked" not in self._said:
            text = f"{held:,} more tasks are held back until there is room: so many may be open, or asked for at once"
            yield Reason("held-back", text, None, {"held": held})

    # -- tasks -----------------------------------------------------------------------------------------------------

    def _retries(self) -> Iterator[Reason]:
        for timer in self._open_timers():
            told = timer.get("control")
            if not timer["id"].startswith(_PAUSE) or not isinstance(told, dict) or "task" not in told:
                continue
            id, due = told["task"], self._due(timer)
            record = self._told.activities.get(id) or self._told.child_workflows.get(id)
            error = error_of(record, self._look)[0] if record else told.get("reason")
            text = f"{id} waits for its attempt {told.get('attempt')} until {self._till(due)}: {error}"
            facts = {"task": id, "attempt": told.get("attempt"), "until": due, "error": error}
            yield Reason("retry", text, None, facts)

    def _activities(self) -> Iterator[Reason]:
        waiting: dict[tuple[str, str], list[Record]] = {}
        running: dict[str, list[Record]] = {}
        for record in self._told.activities.values():
            if record["state"] not in ("scheduled", "started", "cancel_requested"):
                continue
            begun = record.get("started_id", 0) > record["scheduled_id"]
            if begun:
                running.setdefault(str(record.get("name")), []).append(record)
            else:
                waiting.setdefault((str(record.get("name")), str(record.get("task_list"))), []).append(record)
        for (name, task_list), records in waiting.items():
            ids = [record["id"] for record in records]
            what = f"{_called(records[0])} waits" if len(ids) == 1 else f"{len(ids):,} tasks {name} wait"
            yield self._nobody("activity", task_list, instant(records[0]["scheduled_timestamp"]), what, tasks=ids)
        for name, records in running.items():
            yield from map(self._running, records[:FEW])
            if len(records) > FEW:
                ids = [record["id"] for record in records[FEW:]]
                yield Reason("running", f"{len(ids):,} other tasks {name} run", None, {"tasks": ids})

    def _running(self, record: Record) -> Reason:
        id, begun = record["id"], instant(record["started_timestamp"])
        attempt = timing(record).attempts - (1 if "retry" in record else 0) or 1
        told = [f"{_called(record)} runs since {self._ago(begun)}"]
        if attempt > 1:
            told.append(f"attempt {attempt}")
        if record.get("identity"):
            told.append(f"on {record['identity']}")
        if how_far := self._look.progress(self._run.run_id, record["started_id"]):
            told.append(how_far)
        limit, beat = record.get("start_to_close_timeout"), record.get("heartbeat_timeout")
        due = begun + timedelta(seconds=int(limit)) if begun and limit and limit != "NONE" else None
        if due is not None:
            told.append(f"times out at {clock(due)}")
        if beat and beat != "NONE":
            told.append(f"a lost worker is noticed within {beat} s")
        text = ", ".join(told)
        next = None
        if not beat or beat == "NONE":
            text += "; it may have left its end to others (CompleteLater): who has its token types"
            next = "simpleflow activity.complete TOKEN --result JSON"
        if record["state"] == "cancel_requested":
            text = f"{text}; it was asked to cancel itself"
        return Reason("running", text, next, {"task": id, "attempt": attempt, "since": begun, "until": due})

    def _lambdas(self) -> Iterator[Reason]:
        for record in self._told.lambda_functions.values():
            if record["state"] in ("scheduled", "started"):
                since = instant(record["scheduled_timestamp"])
                text = f"the Lambda function {record['id']} is called since {self._ago(since)}"
                yield Reason("lambda", text, None, {"task": record["id"], "since": since})

    def _children(self) -> Iterator[Reason]:
        open = [c for c in self._told.child_workflows.values() if c["state"] in ("start_initiated", "started")]
        for child in open[:FEW]:
            since = instant(child.get("started_timestamp") or child.get("initiated_event_timestamp"))
            inner = self._look.child(child["id"], child["run_id"]) if child.get("run_id") else ()
            verb = "runs" if child["state"] == "started" else "is to be started"
            text = f"its child {child['id']} {verb} since {self._ago(since)}"
            facts = {"child": child["id"], "run_id": child.get("run_id"), "since": since}
            yield Reason("child", text, None, facts, inner)
        if len(open) > FEW:
            ids = [child["id"] for child in open[FEW:]]
            yield Reason("children", f"{len(ids):,} other children run: {listed(ids)}", None, {"children": ids})

    # -- signals and timers ----------------------------------------------------------------------------------------

    def _signals(self) -> Iterator[Reason]:
        limits = {t["id"].removeprefix(_RECEIVE).rpartition("-")[0]: t for t in self._open_timers(_RECEIVE)}
        for name in map(str, self._said.get("waiting_signals") or ()):
            since, due = self._awaited_since(name), self._due(limits.get(name))
            at = self._waits_at()
            text = f"it waits for the signal {name} since {self._ago(since)}"
            text += f", until {self._till(due)} at most" if due is not None else ""
            facts = {"signal": name, "since": since, "until": due, "line": at}
            yield Reason("signal", text + (f" ({at})" if at else ""), self._run.command("workflow.signal", name), facts)

    def _awaited_since(self, name: str) -> datetime | None:
        """When the first of the last decisions was made that all said so."""
        since = None
        for task in reversed(list(self._told.decision_tasks.values())):
            said = read_object(task.get("execution_context")) if "completed_id" in task else {}
            if "completed_id" in task and "parked" not in said:
                if name not in (said.get("waiting_signals") or ()):
                    break
                since = instant(task["completed_timestamp"])
        return since

    def _waits_at(self) -> str | None:
        line = self._said.get("waits_at")
        return str(line) if line else None

    def _timers(self) -> Iterator[Reason]:
        for timer in self._open_timers():
            id = timer["id"]
            if id.startswith((OURS, _PAUSE, _RECEIVE)):
                continue
            due = self._due(timer)
            what = "a sleep, or a time to wait at most," if id.startswith(_WAIT) else f"the timer {id}"
            yield Reason("timer", f"{what} ends at {self._till(due)}", None, {"timer": id, "until": due})

    def _open_timers(self, prefix: str = "") -> list[Record]:
        timers = self._told.timers.values()
        return [timer for timer in timers if timer["state"] == "started" and timer["id"].startswith(prefix)]

    # -- words -----------------------------------------------------------------------------------------------------

    @staticmethod
    def _due(timer: Record | None) -> datetime | None:
        begun = instant(timer["started_event_timestamp"]) if timer is not None else None
        return begun + timedelta(seconds=timer["start_to_fire_timeout"]) if begun and timer else None

    def _ago(self, time: datetime | None) -> str:
        return clock(time) if time is None else f"{clock(time)} ({short((self._now - time).total_seconds())})"

    def _till(self, time: datetime | None) -> str:
        left = (time - self._now).total_seconds() if time is not None else 0
        return f"{clock(time)} (in {short(left)})" if left > 0 else clock(time)


def _called(record: Record) -> str:
    """An activity's id; of one that another decider has asked for, with its name, for its id may be any."""
    id, name = str(record["id"]), str(record.get("name"))
    return id if name in id else f"the activity {id} ({name})"
