"""`Retry`: from the attempt and its error to a delay or None."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from simpleflow.activity import Activity
from simpleflow.exceptions import NonRetryable, RetryAfter, TaskCanceled, TaskFailed, TimeoutError
from simpleflow.payload.failures import describe
from simpleflow.retry import MAX_DELAY, Retry, is_kind, retry_after


class Odd(LookupError, NonRetryable):
    pass


class Busy(RetryAfter):
    def __init__(self, header: str) -> None:
        super().__init__(int(header), "too many requests")


class Hasty(RetryAfter):
    def __init__(self) -> None:
        pass


class Ours(ConnectionResetError):
    pass


class Touchy(RetryAfter):
    seconds = property(lambda self: 1 / 0)  # type: ignore[assignment]

    def __init__(self) -> None:
        Exception.__init__(self)


def failed(error: BaseException) -> TaskFailed:
    """What a decider has of an error: its description."""
    reason, details = describe(error)
    return TaskFailed("activity-a-1", reason, details)


no = failed(ValueError("no"))


def delays(retry: Retry, attempts: int = 6, error: BaseException = no, **given: Any) -> list[int | None]:
    return [retry(attempt, error, **given) for attempt in range(1, attempts + 1)]


def test_delays_grow_up_to_the_longest_and_attempts_are_counted() -> None:
    assert delays(Retry()) == [1, 2, None, None, None, None]
    assert delays(Retry(6, 10, 3, 200)) == [10, 30, 90, 200, 200, None]
    assert delays(Retry(None, timedelta(minutes=1), 1)) == [60] * 6
    assert delays(Retry(max_attempts=1)) == [None] * 6
    assert delays(Retry(None, 0)) == [0] * 6
    assert delays(Retry(None, 1800), 3) == [1800, 3600, 3600]
    assert delays(Retry(None, 7200), 3) == [7200, 7200, 7200], "what is longer than an hour was asked for"
    assert delays(Retry(None, 7200, 2, 60), 2) == [60, 60]


def test_a_number_is_that_of_further_attempts_each_at_once() -> None:
    assert delays(Retry.of(0), 2) == [None, None]
    assert delays(Retry.of(2), 4) == [0, 0, None, None]
    mine = Retry(5)
    assert Retry.of(mine) is mine


def test_delays_are_whole_seconds_rounded_up() -> None:
    assert delays(Retry(None, 0.2, 10), 3) == [1, 2, 20]


def test_a_delay_never_outgrows_what_a_timer_takes() -> None:
    assert Retry(None, 1, 2.0, MAX_DELAY)(5000, no) == MAX_DELAY
    assert Retry(None, 1, 2, MAX_DELAY)(5000, no) == MAX_DELAY
    assert Retry(None, 0, 2.0)(5000, no) == 0
    assert Retry()(1, failed(RetryAfter(1e12))) == MAX_DELAY


def test_jitter_makes_a_delay_shorter_or_longer_by_its_share() -> None:
    retry = Retry(None, 100, 1, jitter=0.25)
    assert [retry(1, no, chance=chance) for chance in (0.0, 0.5, 1.0)] == [75, 100, 125]
    assert Retry(None, 100, 1)(1, no, chance=1.0) == 100


def test_no_attempt_begins_after_the_deadline() -> None:
    retry = Retry(None, 60, 1, deadline=timedelta(minutes=3))
    assert [retry(1, no, elapsed=elapsed) for elapsed in (0, 119, 120, 121, 1e9)] == [60, 60, 60, None, None]


def test_which_failures_are_tried_again() -> None:
    late, ended = TimeoutError("START_TO_CLOSE", "5"), TaskCanceled()
    assert Retry()(1, late) == 1 and Retry()(1, no) == 1
    assert Retry()(1, ended) is None and Retry(on=TaskCanceled)(1, ended) == 1
    assert Retry(on=TimeoutError)(1, late) == 1 and Retry(on=TimeoutError)(1, no) is None
    assert Retry(on=(KeyError, ValueError))(1, no) == 1 and Retry(on=[KeyError])(1, no) is None
    assert Retry(never=ValueError)(1, no) is None and Retry(never="KeyError")(1, no) == 1
    assert Retry(on=Exception, never=(TimeoutError,))(1, late) is None


@pytest.mark.parametrize("kind", [Ours, ConnectionError, OSError, Exception, BaseException, "Ours", "OSError"])
def test_a_failure_is_known_by_its_class_and_by_those_that_it_derives_from(kind: Any) -> None:
    assert is_kind(failed(Ours()), kind) and is_kind(Ours(), kind)


def test_a_failure_is_known_by_names_with_and_without_their_module() -> None:
    assert is_kind(failed(Ours()), f"{Ours.__module__}.Ours")
    assert not is_kind(failed(Ours()), "elsewhere.Ours") and not is_kind(failed(Ours()), "urs")


def test_one_timeout_is_not_the_other() -> None:
    import builtins

    theirs, ours = failed(builtins.TimeoutError()), TimeoutError("HEARTBEAT")
    assert is_kind(theirs, builtins.TimeoutError) and not is_kind(theirs, TimeoutError)
    assert is_kind(ours, TimeoutError) and not is_kind(ours, builtins.TimeoutError)
    assert is_kind(theirs, "TimeoutError") and is_kind(ours, "TimeoutError")


def test_classes_of_the_program_itself_have_the_name_of_its_file_elsewhere() -> None:
    kind = type("Mine", (Exception,), {"__module__": "__main__"})
    assert is_kind(TaskFailed("t", "Mine", json.dumps({"error_type": "flows.Mine"})), kind)
    assert not is_kind(TaskFailed("t", "Mine", json.dumps({"error_type": "flows.Other"})), kind)


def test_what_is_loaded_here_decides_nothing() -> None:
    """The same failure, of a class that this process does and another does not know."""
    told = json.loads(describe(Ours())[1])
    elsewhere = json.dumps(told).replace(Ours.__module__, "gone.module")
    assert is_kind(TaskFailed("t", "Ours", elsewhere), OSError)
    told.pop("bases")
    foreign = TaskFailed("t", "Ours", json.dumps(told))
    assert not is_kind(foreign, OSError), "its bases are not looked up here"
    assert is_kind(TaskFailed("t", "r", '{"error_type":"ConnectionResetError"}'), OSError), "builtins are the same"


@pytest.mark.parametrize("details", [None, "", "no JSON", "[]", '{"error_type":1,"bases":2}', '{"bases":[3]}'])
def test_whatever_a_foreign_worker_says_is_a_failure(details: str | None) -> None:
    error = TaskFailed("t", "r", details)
    assert is_kind(error, TaskFailed, "x") and not is_kind(error, ValueError) and Retry()(1, error) == 1


def test_what_says_that_it_is_not_to_be_tried_again_is_not() -> None:
    for error in (NonRetryable("no"), Odd("no")):
        assert Retry(on=Exception)(1, failed(error)) is None
        assert Retry.of(5)(1, failed(error)) is None


def test_what_says_when_it_is_to_be_tried_again_is_tried_then() -> None:
    assert Retry.of(1)(1, failed(RetryAfter(90))) == 90
    assert Retry(3, 1)(1, failed(RetryAfter(timedelta(minutes=5), "busy"))) == 300
    assert Retry(max_interval=10)(1, failed(Busy("7200"))) == 7200
    assert Retry.of(0)(1, failed(Busy("5"))) is None, "how often is the retry's to say"
    assert Retry(deadline=60)(1, failed(Busy("61"))) is None
    assert Retry(on=ValueError)(1, failed(Busy("5"))) == 5, "it has asked for it"
    assert Retry(never=Busy)(1, failed(Busy("5"))) is None


def test_what_asks_for_no_number_of_seconds_is_a_failure_like_any_other() -> None:
    assert Retry(initial=7)(1, failed(Hasty())) == 0, "it asks for none"
    assert Retry(initial=7)(1, failed(Touchy())) == 7
    for seconds in ('"soon"', "true", "null", "1e999"):
        details = f'{{"error_type":"simpleflow.exceptions.RetryAfter","retry_after":{seconds}}}'
        assert Retry(initial=7)(1, TaskFailed("t", "r", details)) == 7
    assert retry_after(failed(RetryAfter(-5))) == 0


def test_it_says_so_in_one_line() -> None:
    assert failed(Busy("90")).reason == "Busy: too many requests (after 90 s)"
    assert failed(RetryAfter(1.5)).reason == "RetryAfter: try again (after 1.5 s)"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_attempts": 0}, "max_attempts takes a whole number from 1, or None for no limit, not 0"),
        ({"max_attempts": True}, "max_attempts"),
        ({"initial": -1}, "initial takes seconds from 0 to 99,999,999 or a timedelta, not -1"),
        ({"initial": "5"}, "initial"),
        ({"initial": float("nan")}, "initial"),
        ({"factor": 0.5}, "factor takes a number from 1, not 0.5"),
        ({"max_interval": timedelta(days=10_000)}, "max_interval"),
        ({"jitter": 2}, "jitter takes a number from 0 to 1, not 2"),
        ({"deadline": -1}, "deadline"),
        ({"on": 5}, "on takes classes of exceptions or their names, not 5"),
        ({"never": [int]}, "never takes classes of exceptions or their names"),
    ],
)
def test_what_is_no_retry(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Retry(**given)


@pytest.mark.parametrize("retry", [-1, True, "3", 1.5, None])
def test_an_activity_takes_a_number_or_a_retry(retry: Any) -> None:
    with pytest.raises(ValueError, match="retry takes a whole number from 0 or a Retry, not"):
        Activity(lambda: None, retry=retry)
    assert Activity(lambda: None, retry=Retry(5)).retry == Retry(5)
