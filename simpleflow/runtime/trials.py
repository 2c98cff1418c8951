"""Decisions that are made apart: in a process for each, since who made the last one of the run may have died of it.

Code that never comes to an end, or takes the interpreter with it, then harms its own run alone: the process is ended
once most of the decision's time is over, and its run is parked, with what ended it. What is tried so, and that it was
in vain, stands in the run's history (`simpleflow.decider.parking`). Who made the last decision, and lives on, was only
slow, or its answer was lost: a machine that has too much to do gets no more of it by that.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import IO, Any, Final

from simpleflow.decider.decide import Elsewhere
from simpleflow.decider.parking import Parked, Postponed, decision_timeout, lost_by, parked
from simpleflow.runtime import watchdog
from simpleflow.runtime.poll import Client, is_refusal, lives
from simpleflow.runtime.spec import Spec
from simpleflow.runtime.trees import exit_cause, kill_tree

log = logging.getLogger("simpleflow.runtime")

AT_ONCE: Final = 4
"""So many decisions are tried at a time; more runs of this kind are parked meanwhile."""
SHARE: Final = 0.75
"""Of a decision's timeout, that a trial may take: what is left is for the answer."""
NO_LIMIT: Final = 300.0
"""Seconds that a trial may take where decisions have no timeout."""
SLACK: Final = 0.3  # seconds for it to say where it was
ANSWERED: Final = 107
"""The exit code of a process that has answered."""
BEGUN: Final = "-- the run's code --\n"
"""What a process writes before it comes to the run's code."""
PAUSES: Final = 0.1, 0.5, 2.0
"""Seconds before an answer is tried again that an engine did not take."""
LAST: Final = 20_000  # characters of what it wrote

Task = dict[str, Any]


class Trials:
    """The trials of a decider, as its `Apart`. Each has a thread that waits for it, and answers in its stead.

    `spec` is the decider's.
    """

    def __init__(self, client: Client, spec: Spec) -> None:
        self._client = client
        self._spec = spec
        self._processes: dict[threading.Thread, subprocess.Popen[bytes]] = {}
        self._life, self._hold = os.pipe()
        self._closed = False

    def __call__(self, task: Task, events: list[dict[str, Any]]) -> None:
        """Have a decision tried. Raises Elsewhere, and Parked where it has to wait for that; returns where it need not
        be tried."""
        loser = lost_by(events)
        if loser is not None and lives(loser):
            return
        self._processes = {thread: process for thread, process in self._processes.items() if thread.is_alive()}
        if len(self._processes) >= AT_ONCE:
            raise Postponed("it may end who decides it, and waits until others of its kind were tried", apart=True)
        who = task["workflowExecution"]["workflowId"]
        log.warning("%s is decided by a process of its own: the last one that decided it may have died of it", who)
        timeout = decision_timeout(events)
        seconds = NO_LIMIT if timeout is None else timeout * SHARE
        handed = {key: task[key] for key in ("taskToken", "workflowExecution", "workflowType", "startedEventId")}
        spec = replace(
            self._spec,
            role="trial",
            task={**handed, "ends": time.monotonic() + seconds},
            life_fd=self._life,
            board=None,
        )
        output = tempfile.TemporaryFile()  # noqa: SIM115 - the thread closes it
        process = subprocess.Popen(
            [sys.executable, "-m", "simpleflow.runtime", spec.to_json()],
            stdin=subprocess.DEVNULL,
            stderr=output,
            pass_fds=(self._life,),
            start_new_session=True,
        )
        about = task, events, process, seconds, output
        thread = threading.Thread(target=self._attend, args=about, daemon=True, name=f"trial of {who}")
        self._processes[thread] = process
        thread.start()
        raise Elsewhere

    def close(self) -> None:
        """End what is being tried: others will."""
        self._closed = True
        for thread, process in self._processes.items():
            if thread.is_alive():
                kill_tree(process.pid)
                thread.join()
        os.close(self._life)
        os.close(self._hold)

    def _attend(
        self,
        task: Task,
        events: Sequence[dict[str, Any]],
        process: subprocess.Popen[bytes],
        seconds: float,
        output: IO[bytes],
    ) -> None:
        try:
            code = process.wait(seconds + SLACK)
        except subprocess.TimeoutExpired:
            kill_tree(process.pid)
            process.wait()
            code = -watchdog.LATE
        kill_tree(process.pid)  # what it may have left
        before, begun, after = _written(output).partition(BEGUN)
        said = before + after
        if said:
            sys.stderr.write(said)
            sys.stderr.flush()
        if code != ANSWERED and not self._closed:
            cause = _cause(code, seconds, said) if begun else _not_begun(code)
            self._answer(parked(task, Parked(cause, apart=bool(begun), trace=said[-LAST:]), events))

    def _answer(self, answer: dict[str, Any]) -> None:
        for pause in (*PAUSES, None):
            try:
                self._client.respond_and_poll(("respond_decision_task_completed", answer), None)
                return
            except Exception as error:
                if is_refusal(error) or pause is None or self._closed:
                    log.warning("the answer is lost, the decision will be tried again: %s", error)
                    return
                time.sleep(pause)


def _cause(code: int, seconds: float, said: str) -> str:
    line = watchdog.where(said)
    where = f", at {line}" if line else ""
    if code == -watchdog.LATE:
        return f"the run's code does not come to an end in {seconds:g} s{where}: mend it, it is tried again by itself"
    return f"the run's code ends the process that decides it ({exit_cause(code)}{where}): mend it, it is tried again"


def _not_begun(code: int) -> str:
    return f"the process that was to decide it has not come to the run's code ({exit_cause(code)}): it is tried again"


def _written(output: IO[bytes]) -> str:
    with output:
        output.seek(0)
        return output.read().decode(errors="backslashreplace")
