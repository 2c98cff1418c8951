"""The hooks of a workflow class, called for decisions that are made now, never while a run is read again.

What a hook raises is logged and changes nothing: a run's outcome is its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from simpleflow.command import CancelRun, Close, Complete, Fail, GiveUp
from simpleflow.decider.decisions import failure
from simpleflow.workflow import Workflow

log = logging.getLogger("simpleflow.decider")

NAMES: Final = (
    *("before_replay", "after_replay", "after_closed", "on_completed", "on_failure", "on_canceled"),
    *("before_run", "after_run"),
)


def hooks_of(workflow_class: type[Workflow], history: Callable[[], Any]) -> Hooks | None:
    """The hooks of a run; None for a class that has none. `history` makes what they are given."""
    has_some = any(getattr(workflow_class, name) is not getattr(Workflow, name) for name in NAMES)
    return Hooks(history) if has_some else None


class Hooks:
    """The hooks of one run."""

    def __init__(self, history: Callable[[], Any]) -> None:
        self._history = history

    def before(self, workflow: Workflow | None) -> None:
        """New events are about to reach the run."""
        if workflow is not None:
            self._call(workflow, "before_replay")

    def after(self, workflow: Workflow | None, ended: Close | None) -> None:
        """They have; by them the run has perhaps ended."""
        if workflow is None:
            return
        if isinstance(ended, Fail | GiveUp):
            self._call(workflow, "on_failure", *failure(ended))
        elif isinstance(ended, CancelRun):
            self._call(workflow, "on_canceled")
        if not isinstance(ended, Fail):
            self._call(workflow, "after_replay")
        if isinstance(ended, Complete):
            self._call(workflow, "on_completed")
        if ended is not None and not isinstance(ended, GiveUp):
            self._call(workflow, "after_closed")

    def _call(self, workflow: Workflow, name: str, *given: Any) -> None:
        try:
            getattr(workflow, name)(self._history(), *given)
        except NotImplementedError:  # as the hooks of old did that nobody had written
            pass
        except Exception:
            log.exception("the hook %s of %s failed", name, type(workflow).__name__)
