"""What a worker has of its own before it takes a task."""

from __future__ import annotations

import errno
import os

import pytest

from simpleflow.config import Config
from simpleflow.runtime.stop import Stop
from simpleflow.runtime.working import ACTIVITY, InChild, Worker


class Engine:
    """Has nothing to do."""

    def respond_and_poll(self, respond: object, poll: object) -> dict[str, object]:
        return {}

    def record_activity_task_heartbeat(self, *, taskToken: str, details: str = "") -> None: ...


def test_a_worker_without_descriptors_ends_before_it_has_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would else fail where it tells its slots to stop, and leave their tasks behind."""
    worker = Worker(Engine(), "D", "list", Stop(), kind=ACTIVITY, config=Config())

    def none_left() -> tuple[int, int]:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "pipe", none_left)
    with pytest.raises(OSError, match="Too many"):
        InChild(worker, one_task=False)


def test_a_task_that_comes_after_the_request_to_stop_is_given_back() -> None:
    slot = InChild(Worker(Engine(), "D", "list", Stop(), kind=ACTIVITY, config=Config()), one_task=False)
    slot.told(1)
    given = slot._handle({"taskToken": "t", "activityId": "a"})
    assert given == ("respond_activity_task_failed", {"taskToken": "t", "reason": "worker-shutdown"})
