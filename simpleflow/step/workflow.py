"""What a workflow derives from to have steps: which are forced or skipped, and where it is kept what is done.

    class Nightly(WorkflowStepMixin, Workflow):
        def run(self, force=()):
            self.add_forced_steps(force, "asked for")
            self.submit(self.step("load", Group(*[(load, shard) for shard in range(8)]))).result
            self.submit(self.step("report", (report, "all"))).result
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

from simpleflow import config
from simpleflow.activity import Activity
from simpleflow.futures import Future
from simpleflow.step.constants import STEP_ACTIVITY_PARAMS_DEFAULT
from simpleflow.step.submittable import Step
from simpleflow.step.tasks import GetStepsDoneTask, MarkStepDoneTask
from simpleflow.step.utils import add_patterns
from simpleflow.storage import is_name
from simpleflow.task import ActivityTask


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The patterns of steps of one run, each with its reasons."""

    forced: dict[str, list[str]] = field(default_factory=dict)
    skipped: dict[str, list[str]] = field(default_factory=dict)


_CHOSEN: Final[WeakKeyDictionary[Any, _Chosen]] = WeakKeyDictionary()


class WorkflowStepMixin:
    """To derive a workflow from, beside `Workflow` and in either order: parts of it run once, and not again in later
    runs that look at the same place. `get_step_bucket`, `get_step_path_prefix` and `get_step_activity_params` are there
    to be overridden; they must say the same again when the run is read again."""

    def get_step_bucket(self) -> str:
        """Where it is kept which steps are done (`simpleflow.storage`): STEP_BUCKET, as ``host/name`` where that is a
        bucket of Amazon S3; by default a directory of the user's."""
        settings = config.load()
        named = settings.step_bucket
        return f"{settings.simpleflow_s3_host}/{named}" if named and is_name(named) else settings.steps

    def get_step_path_prefix(self) -> str:
        """What the keys in the bucket begin with: ``<workflow id>/steps/``. Runs that have it in common share steps."""
        workflow: Any = self
        return f"{workflow.get_run_context().get('workflow_id') or 'default'}/steps/"

    def get_step_activity_params(self) -> dict[str, Any]:
        """Options (of `simpleflow.Activity`) for the activities that read and write which steps are done. They go
        before STEP_ACTIVITY_PARAMS_DEFAULT and the workflow's task list."""
        return {}

    def add_forced_steps(self, steps: str | Iterable[str] | None, reason: str | None = None) -> None:
        """Have these steps run even if they are done. ``a`` stands for ``a.b`` and ``a.b.c``, too, and ``*`` for all.

        It holds for steps that are decided on afterwards: one that comes later, or one whose turn has not come.
        """
        add_patterns(self._chosen_steps.forced, steps or (), reason)

    def get_forced_steps(self) -> list[str]:
        """The steps that were forced, as they were named."""
        return list(self._chosen_steps.forced)

    def add_skipped_steps(self, steps: str | Iterable[str] | None, reason: str | None = None) -> None:
        """Have these steps left out even if they are not done, unless they are forced. They are named as for
        `add_forced_steps`, and it holds for the same steps."""
        add_patterns(self._chosen_steps.skipped, steps or (), reason)

    def get_skipped_steps(self) -> list[str]:
        """The steps that were skipped, as they were named."""
        return list(self._chosen_steps.skipped)

    def step(self, *args: Any, **kwargs: Any) -> Step:
        """A step to submit, alone or in a canvas: ``self.step(name, activities, ...)``, as `Step` takes them."""
        return Step(*args, **kwargs)

    def get_steps_done_activity(self) -> ActivityTask:
        """What to submit to read which steps are done; within a run that is done once."""
        return self._step_task(GetStepsDoneTask)

    def get_steps_done(self) -> Future[list[str]]:
        """The names of the steps that were done when this run first asked, sorted: a future."""
        workflow: Any = self
        done: Future[list[str]] = workflow.submit(self.get_steps_done_activity())
        return done

    @property
    def _chosen_steps(self) -> _Chosen:
        # They are the run's: one that raises ExecutionBlocked itself goes on in another instance.
        return _CHOSEN.setdefault(getattr(self, "executor", None) or self, _Chosen())

    def _mark_step_done(self, step_name: str) -> ActivityTask:
        return self._step_task(MarkStepDoneTask, step_name)

    def _step_task(self, task: type[Any], *args: str) -> ActivityTask:
        options = {**STEP_ACTIVITY_PARAMS_DEFAULT, "task_list": getattr(self, "task_list", None)}
        activity: Activity[..., Any] = Activity(task, **(options | self.get_step_activity_params()))
        return ActivityTask(activity, self.get_step_bucket(), self.get_step_path_prefix(), *args)
