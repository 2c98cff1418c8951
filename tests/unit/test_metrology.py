"""What is measured, and where it is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import memory_bucket
import pytest

from simpleflow import config, metrology, settings, storage
from simpleflow.activity import Activity
from simpleflow.protocol.parsed import History

CONTEXT = {"workflow_id": "flow/1", "run_id": "r+=/", "activity_id": "activity-a-1"}


class Work(metrology.MetrologyTask):
    def __init__(self, fails: bool = False) -> None:
        self.fails = fails

    def execute(self) -> str:
        times = iter([100.0, 104.0])
        measured = self.step("load")
        measured.clock = lambda: next(times)
        with measured as step:
            step.read.bytes += 8 * 1024 * 1024
            step.read.records += 2
            step.write.sampled = True
            step.metadata["table"] = "t"
        self.meta["size"] = 3
        if self.fails:
            raise ValueError("nope")
        return "done"


class Measured(metrology.MetrologyWorkflow):
    name = "measured"

    def get_run_context(self) -> dict[str, Any]:
        return CONTEXT


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A bucket in memory."""
    kept = memory_bucket.installed(monkeypatch)
    settings.put_setting("METROLOGY_BUCKET", "m")
    yield kept
    config._put.clear()
    config.load.cache_clear()


def test_steps_are_measured() -> None:
    work = Work()
    work.execute()
    assert work.stats == [
        {
            "name": "load",
            "metadata": {"table": "t"},
            "time_started": 100.0,
            "time_finished": 104.0,
            "time_total": 4.0,
            "read": {"bytes": 8 * 1024 * 1024, "records": 2, "mb_s": 2.0, "rec_s": 0.5, "sampled": False},
            "write": {"bytes": 0, "records": 0, "mb_s": 0.0, "rec_s": 0.0, "sampled": True},
        }
    ]


def test_a_step_that_has_not_ended_has_no_rates() -> None:
    step = metrology.Step("s")
    assert step.time_total is None
    with step:
        assert step.time_total is None
        assert step.stats()["read"] == {"bytes": 0, "records": 0, "mb_s": None, "rec_s": None, "sampled": False}
    assert step.time_total is not None and step.time_total >= 0


def test_each_activity_has_its_own_steps() -> None:
    one, other = Work(), Work()
    one.step("a")
    one.meta = {"x": 1}
    assert other.steps == [] and other.meta == {}


def test_measurements_are_written_when_the_activity_has_succeeded(bucket: dict[str, str]) -> None:
    assert Activity(Work).work([], {}, CONTEXT) == "done"
    assert list(bucket) == ["m:flow/1/r%2B%3D%2F/activity.activity-a-1.json"]
    found = json.loads(next(iter(bucket.values())))
    assert (found["meta"], [step["name"] for step in found["steps"]]) == ({"size": 3}, ["load"])
    assert '\n  "steps": [' in next(iter(bucket.values()))
    bucket.clear()
    with pytest.raises(ValueError, match="nope"):
        Activity(Work).work([], {"fails": True}, CONTEXT)
    assert not bucket


def test_nothing_is_written_outside_of_a_worker(bucket: dict[str, str]) -> None:
    assert Activity(Work).execute() == "done"
    assert Activity(Work).work([], {}, {**CONTEXT, "run_id": None}) == "done"
    assert not bucket


def test_a_prefix(bucket: dict[str, str]) -> None:
    settings.put_setting("METROLOGY_PATH_PREFIX", "/measured/here/")
    Activity(Work).work([], {}, CONTEXT)
    assert list(bucket) == ["m:measured/here/flow/1/r%2B%3D%2F/activity.activity-a-1.json"]


def test_measurements_that_cannot_be_written_fail_no_activity(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*where: Any, **how: Any) -> None:
        raise OSError("no space")

    monkeypatch.setattr(storage, "push_content", broken)
    assert Activity(Work).work([], {}, CONTEXT) == "done"
    assert "the measurements of flow/1/r%2B%3D%2F/activity.activity-a-1.json are lost" in caplog.text
    executor: Any = None
    Measured(executor).after_closed(History([]))
    assert "the measurements of flow/1/r%2B%3D%2F/metrology.json are not gathered" in caplog.text


def test_the_old_name_of_the_hook_is_called_too(bucket: dict[str, str]) -> None:
    told: list[Any] = []

    class Old(Measured):
        def after_run(self, history: Any) -> None:
            told.append(history)

    executor: Any = None
    history = History([])
    Old(executor).after_closed(history)
    assert told == [history] and list(bucket) == ["m:flow/1/r%2B%3D%2F/metrology.json"]


def test_a_runs_measurements_are_gathered(bucket: dict[str, str]) -> None:
    Activity(Work).work([], {}, CONTEXT)
    bucket["m:flow/1/r%2B%3D%2F/metrology.json"] = "an older one"

    def scheduled(event_id: int, id: str) -> dict[str, Any]:
        values = {
            "activityId": id,
            "activityType": {"name": "a", "version": "1"},
            "taskList": {"name": "l"},
            "decisionTaskCompletedEventId": 4,
        }
        stamp = datetime(2026, 1, 5, 3, 41, tzinfo=UTC)
        kind = "ActivityTaskScheduled"
        return {
            "eventId": event_id,
            "eventTimestamp": stamp,
            "eventType": kind,
            "activityTaskScheduledEventAttributes": values,
        }

    executor: Any = None
    Measured(executor).after_closed(History([scheduled(5, "activity-a-1"), scheduled(6, "activity-a-2")]))
    first, second = json.loads(bucket["m:flow/1/r%2B%3D%2F/metrology.json"])
    assert (first[0], second[0]) == ("activity-a-1", "activity-a-2")
    assert first[1]["metrology"]["meta"] == {"size": 3} and second[1]["metrology"] is None
    assert (first[1]["state"], first[1]["scheduled_timestamp"]) == ("scheduled", "2026-01-05T03:41:00+00:00")
