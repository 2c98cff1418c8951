"""AggregateException: a list of what became of members, and an ExceptionGroup."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest

from simpleflow import canvas
from simpleflow.exceptions import AggregateException, TaskFailed, fresh

ONE, TWO = ValueError("one"), TaskFailed("two", "no")


def test_positions_and_failures() -> None:
    error = AggregateException([None, ONE, None, TWO])
    assert canvas.AggregateException is AggregateException and isinstance(error, Exception)
    assert error.by_position == [None, ONE, None, TWO] and error.exceptions == (ONE, TWO)
    assert repr(error) == "<AggregateException [None, ValueError('one'), None, TaskFailed (two, \"no\")]>"
    assert str(error) == "AggregateException([None, ValueError('one'), None, TaskFailed (two, \"no\")])"
    for empty in (AggregateException(), AggregateException([]), AggregateException([None])):
        assert empty.exceptions == () and empty.flatten() == AggregateException()
    assert str(AggregateException()) == "AggregateException([])"


def test_equal_lists_are_equal() -> None:
    """BUG 40: it could not be hashed, and comparing it with anything else failed."""
    assert AggregateException([None, ONE]) == AggregateException([None, ValueError("one")])
    assert hash(AggregateException([ONE])) == hash(AggregateException([ValueError("one")]))
    nested = AggregateException([AggregateException([TWO])])
    assert nested == AggregateException([AggregateException([TaskFailed("two", "no")])])
    for other in (AggregateException([ONE]), AggregateException([None, TWO]), [None, ONE], 3, None, ONE):
        assert AggregateException([None, ONE]) != other
    assert nested != AggregateException([AggregateException([ONE])])


def test_append_is_seen_by_everybody() -> None:
    error = AggregateException([None])
    error.append(ONE)
    error.append(None)
    error.append(TWO)
    assert error.by_position == [None, ONE, None, TWO] and error.exceptions == (ONE, TWO)
    assert [repr(part) for part in error.split(ValueError)] == [
        "<AggregateException [ValueError('one')]>",
        '<AggregateException [TaskFailed (two, "no")]>',
    ]
    assert error.subgroup(TaskFailed).exceptions == (TWO,)


def test_handle_raises_what_was_not_handled() -> None:
    error = AggregateException([None, ONE, TWO])
    seen: list[Exception] = []

    def handled(each: Exception, kind: type, *, note: str) -> bool:
        seen.append(each)
        return note == "all" or isinstance(each, kind)

    error.handle(handled, ValueError, note="all")
    assert seen == [ONE, TWO]
    with pytest.raises(AggregateException) as left:
        error.handle(handled, ValueError, note="")
    assert left.value.by_position == [TWO]


def test_flatten_goes_as_deep_as_there_is_something() -> None:
    error = AggregateException([None, ONE, AggregateException([TWO, None, AggregateException([ONE])]), TWO])
    assert error.flatten().by_position == [ONE, TWO, ONE, TWO]
    assert error.by_position[0] is None
    for _ in range(5000):
        error = AggregateException([error])
    assert error.flatten().by_position == [ONE, TWO, ONE, TWO]


@pytest.mark.parametrize("appended", [False, True])
def test_except_star(appended: bool) -> None:
    error = AggregateException([None, ONE] if appended else [None, ONE, TWO, AggregateException([ONE])])
    if appended:
        error.append(TWO)
        error.append(AggregateException([ONE]))
    error.add_note("noted")
    said = []
    try:
        try:
            raise error
        except* ValueError as found:
            said.append(repr(found))
    except* TaskFailed as found:
        said.append(repr(found))
        assert found.__notes__ == ["noted"]
    assert said == [
        "<AggregateException [ValueError('one'), <AggregateException [ValueError('one')]>]>",
        '<AggregateException [TaskFailed (two, "no")]>',
    ]


def test_nobody_loses_what_was_appended_when_some_is_handled() -> None:
    error = AggregateException([ONE])
    error.append(TWO)
    with pytest.raises(ExceptionGroup) as left:
        try:
            raise error
        except* ValueError:
            pass
    assert left.group_contains(TaskFailed)


def test_an_empty_one_can_be_raised() -> None:
    with pytest.raises(AggregateException):
        try:
            raise AggregateException()
        except* ValueError:
            raise AssertionError from None


def test_it_can_be_printed_copied_and_sent() -> None:
    error = AggregateException([None, ONE])
    error.add_note("noted")
    text = "".join(traceback.format_exception(error))
    assert "AggregateException([None, ValueError('one')])" in text and "1 ----" in text and "ValueError: one" in text
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error)), fresh(error)):
        assert twin == error and twin is not error and twin.__notes__ == ["noted"]
        twin.append(None)
        assert len(error.by_position) == 2 and len(twin.by_position) == 3
    assert copy.copy(error).by_position[1] is not ONE
