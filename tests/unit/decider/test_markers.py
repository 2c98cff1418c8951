"""Markers: kept in the history, true at once."""

from __future__ import annotations

from typing import Any

from test_determinism import decide, decider, parked
from town import Town

from simpleflow import Workflow, activity
from simpleflow.exceptions import PayloadError
from simpleflow.marker import Marker
from world import World


@activity.with_attributes()
def touch(x: Any = None) -> Any:
    return x


def test_a_marker_is_there_on_the_next_line(town: Town) -> None:
    class Marks(Workflow):
        def run(self) -> Any:
            first = self.submit(self.record_marker("a", {"x": [1]}))
            seen = [first.result, first.done, self.submit(self.record_marker("b")).result]
            self.submit(self.record_marker("a", "last"))
            self.submit(self.record_marker("a", {"x": [1]}))  # again
            assert self.list_markers(all=True) == [Marker("a", {"x": [1]}), Marker("b"), Marker("a", "last")]
            assert [repr(marker) for marker in self.list_markers()] == [
                "<Marker 'b' details=None>",
                "<Marker 'a' details='last'>",
            ]
            seen.append(self.get_event_details("marker", "a"))
            seen.append(self.get_event_details("marker", "c"))
            return seen

    execution = town.start(Marks)
    details = {"type": "marker", "name": "a", "state": "recorded", "details": "last"}
    assert town.run(execution) == ['{"x":[1]}', True, None, details, None]
    recorded = [(given["markerName"], given.get("details")) for given in town.of(execution, "MarkerRecorded")]
    assert recorded == [("a", '{"x":[1]}'), ("b", None), ("a", '"last"')]
    assert len(town.of(execution, "DecisionTaskCompleted")) == 2, "the run ends when the engine has all of them"


def test_a_marker_asks_for_no_decision_of_its_own(town: Town) -> None:
    class Marks(Workflow):
        def run(self) -> Any:
            self.submit(self.record_marker("a"))
            return self.submit(touch, 1).result

    execution = town.start(Marks)
    assert town.run(execution) == 1
    assert len(town.of(execution, "DecisionTaskCompleted")) == 2, "one before the activity and one after it"


def test_details_may_hold_futures(town: Town) -> None:
    class Marks(Workflow):
        def run(self) -> Any:
            marker = self.submit(self.record_marker("a", [self.submit(touch, 5)]))
            return [marker.state, marker.result, [each.details for each in self.list_markers()]]

    assert town.run(town.start(Marks)) == ["PENDING", "[5]", [[5]]]


def test_details_that_cannot_be_encoded_fail_at_submit(town: Town) -> None:
    class Marks(Workflow):
        def run(self) -> Any:
            try:
                self.submit(self.record_marker("a", {"x": object()}))
            except PayloadError as error:
                return str(error)

    assert "the details of the marker a" in town.run(town.start(Marks))


def test_details_that_fit_fit_as_a_result_too(town: Town) -> None:
    """Their text has a backslash before each quote there, and travels nowhere."""

    class Marks(Workflow):
        def run(self) -> Any:
            return len(self.submit(self.record_marker("m", ["a"] * 6000)).result)

    assert town.run(town.start(Marks)) == 24_001


def test_three_hundred_markers_go_out_in_hundreds(town: Town) -> None:
    class Marks(Workflow):
        def run(self) -> Any:
            for number in range(300):
                self.submit(self.record_marker("m", number))
            return len(self.list_markers(all=True))

    execution = town.start(Marks)
    assert town.run(execution) == 300
    assert [int(given["details"]) for given in town.of(execution, "MarkerRecorded")] == list(range(300))


def marks(self: Workflow) -> Any:
    self.submit(self.record_marker("m", {"a": 1, "b": 2}))
    return self.submit(touch).result


def begun() -> World:
    world = World(None)
    decide(world, decider(world, marks))
    world.finish("activity-test_markers.touch-1", "Completed", result="1")
    return world


def test_edited_markers_park_the_run() -> None:
    def renamed(self: Workflow) -> Any:
        self.submit(self.record_marker("n", {"a": 1, "b": 2}))
        return self.submit(touch).result

    def other(self: Workflow) -> Any:
        self.submit(self.record_marker("m", {"a": 1, "b": 3}))
        return self.submit(touch).result

    def removed(self: Workflow) -> Any:
        return self.submit(touch).result

    def added(self: Workflow) -> Any:
        self.submit(self.record_marker("x"))
        return marks(self)

    for run in (renamed, other, removed, added):
        world = begun()
        assert "NonDeterministic" in parked(decide(world, decider(world, run)))


def test_the_order_of_keys_does_not_count() -> None:
    def same(self: Workflow) -> Any:
        self.submit(self.record_marker("m", {"b": 2, "a": 1}))
        return self.submit(touch).result

    world = begun()
    decide(world, decider(world, same))
    assert world.closed == "Completed"


def test_a_refused_marker_is_shown_and_not_recorded_in_a_loop() -> None:
    town = Town(deny=["RecordMarker"])

    class Marks(Workflow):
        def run(self) -> Any:
            self.submit(self.record_marker("a", 1))
            self.submit(self.record_marker("a", 2))
            return self.submit(self.wait_signal("never")).result

    execution = town.start(Marks)
    town.decide()
    task = town.engine.poll_for_decision_task(domain="D", taskList={"name": "default"})
    answer = town.decider.decide(task, {})
    assert "is refused: OPERATION_NOT_PERMITTED" in parked(answer)
    assert len(town.of(execution, "RecordMarkerFailed")) == 2
    town.close()
