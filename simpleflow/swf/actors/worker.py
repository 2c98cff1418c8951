"""What an activity worker asks of the engine."""

from __future__ import annotations

from typing import Any

from simpleflow.exceptions import PayloadError
from simpleflow.payload.failures import describe
from simpleflow.swf import format
from simpleflow.swf.actors.core import Actor
from simpleflow.swf.exceptions import translated
from simpleflow.swf.models.activity import ActivityTask
from simpleflow.swf.responses import Response


class PolledTask(Response):
    """What a worker's poll gives."""

    task_token: str
    activity_task: ActivityTask
    raw_response: dict[str, Any]


class ActivityWorker(Actor):
    """An activity worker in a style of one's own. simpleflow's is `simpleflow.runtime.working`.

    The loop is yours:

        class MyWorker(ActivityWorker):
            def start(self):
                while not self.stopped:
                    try:
                        task = self.poll()
                    except PollTimeout:
                        continue
                    try:
                        self.complete(task.task_token, work(task.activity_task.arguments))
                    except Exception as error:
                        self.fail_with(task.task_token, error)
    """

    def poll(self, task_list: str | None = None, identity: str | None = None) -> PolledTask:
        """Wait for an activity task, a minute at most.

        The response has `task_token`, `activity_task` (an `ActivityTask`) and `raw_response`. Raises PollTimeout where
        there is no task, DomainDoesNotExist, ResponseError.
        """
        task = self._poll(self.poll_for_activity_task, task_list, identity)
        return PolledTask(
            task_token=task["taskToken"],
            activity_task=ActivityTask.from_poll(self.domain, task_list or self.task_list, task, self.connection),
            raw_response=task,
        )

    def heartbeat(self, token: str, details: str | None = None) -> dict[str, Any]:
        """Say that a task is worked on. The answer's `cancelRequested` tells whether it is to be cancelled.

        Raises DoesNotExistError where the task is not there any more, so that there is nothing left to do for it;
        RateLimitExceededError where it is too early to say so again; ResponseError.
        """
        with translated("cannot send a heartbeat"):
            return self.record_activity_task_heartbeat(token, format.heartbeat_details(details))

    def complete(self, token: str, result: Any = None) -> None:
        """Answer with a result, a value. One that has no JSON form, or too long a one, fails the task instead.

        Raises DoesNotExistError where the task is not there any more, and ResponseError.
        """
        try:
            text = format.result(result)
        except PayloadError as error:
            self.fail_with(token, error)
            return
        with translated("cannot complete the activity task"):
            self.respond_activity_task_completed(token, text)

    def fail(self, token: str, details: str | None = None, reason: str | None = None) -> None:
        """Answer with an error, in texts; what is too long is cut in the middle.

        Raises DoesNotExistError where the task is not there any more, and ResponseError.
        """
        with translated("cannot fail the activity task"):
            self.respond_activity_task_failed(token, format.details(details), format.reason(reason))

    def fail_with(self, token: str, error: BaseException) -> None:
        """Answer with an exception, as simpleflow's workers do: its type, message and traceback.

        Raises DoesNotExistError where the task is not there any more, and ResponseError.
        """
        reason, details = describe(error)
        self.fail(token, details, reason)

    def cancel(self, token: str, details: str | None = None) -> None:
        """Answer that the task was cancelled.

        Raises DoesNotExistError where the task is not there any more, and ResponseError.
        """
        with translated("cannot cancel the activity task"):
            self.respond_activity_task_canceled(token, format.details(details))
