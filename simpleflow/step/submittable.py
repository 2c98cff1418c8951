"""Step: a part of a workflow that runs once. It is a canvas of what there is already: it reads which steps are done,
then runs its activities and marks itself as done, or leaves them out; markers tell which, and why."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Self

from simpleflow.canvas import Chain, FuncGroup, GroupFuture, Submittable
from simpleflow.futures import Program
from simpleflow.step import utils
from simpleflow.task import MarkerTask, SubmittableContainer, checked_name

if TYPE_CHECKING:
    from simpleflow.step.workflow import WorkflowStepMixin

MARKER: Final = "log.step"
SIGNAL: Final = "step."
MAX_NAME: Final = 250  # a file's name has room for 255


class Step(SubmittableContainer[GroupFuture]):
    """``Step("load", Group((load, 1), (load, 2)))``: the group runs unless an earlier run of the step has completed.

    It takes part in canvases as any other does, and in steps. Its result is that of a chain: the names of the steps
    that are done, and then a list with the details of the marker, the result of the activities, None, and the details
    of the marker again, as JSON texts; of a step that is left out, a list of what it ran instead and the marker's.

    Args:
        step_name: its name, which is a key in the bucket; a dot makes it one of a group: ``load.users``.
        activities: whatever can be an item of a canvas: an activity or a workflow class, alone or in a tuple with its
            arguments, a task, or a canvas for several.
        force: it runs even if it is done.
        activities_if_step_already_done: what runs where the step is left out, if anything.
        emit_signal: when it is over, whether it ran or not, this run gets the signal ``step.<name>``.
        force_steps_if_executed: steps that run, whether they are done or not, if this one does.
        bubbles_exception_on_failure: whether the step has failed if its activities have. It is not marked as done then
            in any case; where False, what comes after it runs.

    Raises ValueError for a name that is none, and for activities that cannot be submitted.
    """

    def __init__(
        self,
        step_name: str,
        activities: Any,
        force: bool = False,
        activities_if_step_already_done: Any = None,
        emit_signal: bool = False,
        force_steps_if_executed: str | Iterable[str] | None = None,
        bubbles_exception_on_failure: bool | None = False,
    ) -> None:
        self.step_name = _checked(step_name)
        self.activities = _item(activities)
        self.force = force
        instead = activities_if_step_already_done
        self.activities_if_step_already_done = None if instead is None else _item(instead)
        self.emit_signal = emit_signal
        forces = force_steps_if_executed or ()
        self.force_steps_if_executed = [forces] if isinstance(forces, str) else list(forces)
        self.bubbles_exception_on_failure = bubbles_exception_on_failure

    def submit(self, executor: Program) -> GroupFuture:
        """Submit it to the running program (`Workflow.executor`); its future.

        Raises TypeError where the workflow has no steps.
        """
        workflow = executor.workflow
        if not hasattr(workflow, "get_steps_done_activity"):
            kind = type(workflow).__name__
            raise TypeError(f"{kind} has no steps: derive it from simpleflow.step.workflow.WorkflowStepMixin, too")
        return self._chain(
            workflow.get_steps_done_activity(), FuncGroup(self._decided, workflow), send_result=True
        ).submit(executor)

    def with_argument(self, argument: Any) -> Self:
        """The same step, with one more positional argument for what it begins with."""
        twin = copy.copy(self)
        twin.activities = self.activities.with_argument(argument)
        if twin.activities_if_step_already_done is not None:
            twin.activities_if_step_already_done = twin.activities_if_step_already_done.with_argument(argument)
        return twin

    def _decided(self, workflow: WorkflowStepMixin, done: list[str]) -> Chain:
        """What is to run, once its turn has come."""
        chosen = workflow._chosen_steps
        if utils.step_will_run(self.step_name, done, chosen.forced, chosen.skipped, self.force):
            forced = utils.step_is_forced(self.step_name, chosen.forced, self.force)
            items = self._running(workflow, forced, utils.get_step_force_reasons(self.step_name, chosen.forced))
            workflow.add_forced_steps(self.force_steps_if_executed, f"Dep of {self.step_name}")
        else:
            items = self._left_out(
                utils.step_is_skipped_by_force(self.step_name, chosen.skipped, chosen.forced),
                utils.get_step_skip_reasons(self.step_name, chosen.skipped),
            )
        if self.emit_signal:
            signaling: Any = workflow
            items.append(signaling.signal(f"{SIGNAL}{self.step_name}", propagate=False))
        return self._chain(*items)

    def _running(self, workflow: WorkflowStepMixin, forced: bool, reasons: list[str]) -> list[Submittable]:
        return [
            self._marker("scheduled", forced, reasons),
            self.activities,
            workflow._mark_step_done(self.step_name),
            self._marker("completed", forced, reasons),
        ]

    def _left_out(self, forced: bool, reasons: list[str]) -> list[Submittable]:
        marker = self._marker("skipped", forced, reasons if forced else ["Step was already played"])
        instead = self.activities_if_step_already_done
        return [marker] if instead is None else [instead, marker]

    def _marker(self, status: str, forced: bool, reasons: list[str]) -> MarkerTask:
        details = {"forced": forced, "reasons": reasons, "status": status, "step": self.step_name}
        return MarkerTask(MARKER, details)

    def _chain(self, *items: Any, send_result: bool = False) -> Chain:
        bubbles = self.bubbles_exception_on_failure
        return Chain(*items, send_result=send_result, bubbles_exception_on_failure=bubbles)


def _item(activities: Any) -> Submittable:
    """Whatever can be an item of a canvas, as what can be submitted. Raises ValueError."""
    return Chain(activities).activities[0]


def _checked(step_name: Any) -> str:
    name = checked_name("a step", step_name)
    if len(name) > MAX_NAME or any(part in ("", ".", "..") for part in name.split("/")):
        raise ValueError(f"a step's name is a key of at most {MAX_NAME} characters, such as load.users, not {name!r}")
    return name
