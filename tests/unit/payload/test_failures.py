"""Errors on their way from process to process, and what they are on the other side."""

from __future__ import annotations

import copy
import json
import pickle
import sys
import traceback
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from simpleflow.exceptions import (
    AggregateException,
    RemoteException,
    TaskCanceled,
    TaskException,
    TaskFailed,
    WorkflowFailed,
    fresh,
)
from simpleflow.payload import failures
from simpleflow.payload.codec import Codec
from simpleflow.payload.revival import attach, home_of, revived
from simpleflow.payload.store import Payloads


class Coded(Exception):
    """Its arguments are not those of its constructor."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Slotted(ValueError):
    __slots__ = ("line",)


class Named(Exception):
    @property
    def name(self) -> str:
        raise RuntimeError("not yet")


class Renamed(Exception):
    name = property(lambda self: "another", lambda self, value: None)


class Refusing(Exception):
    def __init_subclass__(cls, **options: Any) -> None:
        raise TypeError("no subclasses")


@dataclass(frozen=True)
class Frozen(Exception):
    code: int


class Silent(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")

    def __reduce__(self) -> Any:
        raise RuntimeError("no pickle")


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:
        return caught


def through(error: BaseException, **options: Any) -> TaskFailed:
    reason, details = failures.describe(error)
    return revived("activity-f-1", reason, details, **options)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("nope", 3, None, ["x"]),
        KeyError("why"),
        FileNotFoundError(2, "gone"),
        ZeroDivisionError(),
        Coded(7, "seven"),
        Slotted("in slots"),
        RecursionError("deep"),
        AssertionError(),
        json.JSONDecodeError("bad", "doc", 0),
        ImportError("no module"),
    ],
    ids=repr,
)
def test_an_error_is_of_its_own_class_and_a_task_failed(error: Exception) -> None:
    found = through(raised(error))
    assert isinstance(found, type(error)) and isinstance(found, TaskFailed) and isinstance(found, TaskException)
    assert found.args == error.args
    assert found.name == "activity-f-1" and (found.reason or "").startswith(type(error).__name__)
    assert json.loads(found.details or "")["error"] == type(error).__name__
    assert str(found) == f"activity-f-1: {found.reason}"
    with pytest.raises(type(error)):
        raise found


def test_attributes_come_along() -> None:
    found: Any = through(raised(Coded(7, "seven")))
    assert found.code == 7 and found.args == ("seven",)
    found = through(raised(OSError(2, "gone", "f.txt")))
    assert isinstance(found, FileNotFoundError)
    assert (found.errno, found.strerror, found.filename) == (2, "gone", "f.txt")


@pytest.mark.parametrize(
    "error",
    [
        Named("a property where our attribute is"),
        Renamed("a property that takes what it does not give"),
        Refusing("cannot be derived from"),
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
        StopIteration(4),
        TaskFailed("activity-g-1", "ValueError: inner"),
    ],
    ids=repr,
)
def test_what_cannot_be_joined_is_a_task_failed(error: BaseException) -> None:
    found = through(error)
    assert type(found) is TaskFailed and found.name == "activity-f-1"


@pytest.mark.parametrize("error", [Frozen(3), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "odd")], ids=repr)
def test_what_is_hard_to_make_is_made(error: Exception) -> None:
    assert isinstance(through(error), type(error))


def test_nothing_is_imported_and_nothing_called_because_a_message_says_so() -> None:
    called: list[str] = []
    trap = ModuleType("trap")
    trap.__getattr__ = lambda name: called.append(name)  # type: ignore[method-assign]
    trap.function = lambda *args: called.append("function")  # type: ignore[attr-defined]
    sys.modules["trap"] = trap
    try:
        names = ("wave.Error", "trap.Error", "trap.function", "os.system", "", "os", "os..path", "builtins", None, 5)
        for name in names:
            found = revived("t", "r", json.dumps({"error_type": name, "message": "m", "args": ["true"]}))
            assert type(found) is TaskFailed
    finally:
        del sys.modules["trap"]
    assert not called and "wave" not in sys.modules


def test_of_a_class_that_is_not_loaded_the_nearest_loaded_base_is_taken() -> None:
    """Else it would depend on what else a process has loaded whether ``except OSError`` takes a failure."""
    bases = ["elsewhere.Base", "ConnectionError", "OSError"]
    told = {"error": "Gone", "error_type": "elsewhere.Gone", "bases": bases, "message": "m", "args": [104, "gone"]}
    found = revived("t", "Gone: m", json.dumps(told))
    assert isinstance(found, ConnectionError) and found.errno == 104 and str(found) == "t: Gone: m"
    others = ["simpleflow.exceptions.TaskException", "Exception", "elsewhere.Base", None]
    assert type(revived("t", "r", json.dumps({**told, "bases": others}))) is TaskFailed


def test_the_class_of_a_module_that_runs_as_the_program_is_found_by_its_home(monkeypatch: pytest.MonkeyPatch) -> None:
    main = ModuleType("__main__")
    main.Coded = Coded  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "__main__", main)
    details = json.dumps({"error_type": "flows.Coded", "message": "seven"})
    assert type(revived("t", "r", details)) is TaskFailed
    assert isinstance(revived("t", "r", details, home=("flows", "__main__")), Coded)
    assert home_of(raised) == (__name__, __name__) and home_of(5) is None


def test_the_chain_comes_along() -> None:
    found = through(raised(ValueError("top"), raised(KeyError("middle"), raised(Coded(1, "root")))))
    middle = found.__cause__
    assert type(middle) is KeyError and middle.args == ("middle",)
    root = middle.__cause__
    assert type(root) is Coded and root.code == 1 and root.__cause__ is None


def test_what_was_being_handled_is_the_context() -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError:
            raise ValueError("second")  # noqa: B904
    except ValueError as error:
        found = through(error)
    assert found.__cause__ is None and type(found.__context__) is KeyError
    try:
        try:
            raise KeyError("first")
        except KeyError:
            raise ValueError("second") from None
    except ValueError as error:
        assert through(error).__context__ is None


def test_a_cause_whose_class_is_not_loaded_is_named() -> None:
    link = {"link": "cause", "error_type": "elsewhere.Gone", "message": "it is"}
    found = revived("t", "r", json.dumps({"error_type": "ValueError", "message": "m", "chain": [link]}))
    assert isinstance(found, ValueError) and isinstance(found.__cause__, RemoteException)
    assert str(found.__cause__) == "elsewhere.Gone: it is"


def test_groups_come_with_their_children() -> None:
    inner = ExceptionGroup("inner", [KeyError("k")])
    found = through(raised(ExceptionGroup("many", [raised(ValueError("v"), OSError("why")), inner])))
    assert isinstance(found, ExceptionGroup) and found.message == "many"
    first, second = found.exceptions
    assert type(first) is ValueError and type(first.__cause__) is OSError
    assert isinstance(second, ExceptionGroup) and second.message == "inner" and second.exceptions[0].args == ("k",)
    caught: list[BaseException] = []
    try:
        raise found
    except* KeyError as group:
        caught += group.exceptions
    except* ValueError:
        pass
    assert len(caught) == 1


def test_canvases_come_with_their_places() -> None:
    gone = through(ValueError("v"))
    error = AggregateException([None, gone, AggregateException([KeyError("k"), None])])
    found = through(raised(error))
    assert isinstance(found, AggregateException)
    assert [each is None for each in found.by_position] == [True, False, False]
    first, inner = found.exceptions
    assert isinstance(first, TaskFailed) and isinstance(first, ValueError)
    assert (first.name, first.args) == (gone.name, ("v",))
    assert inner == AggregateException([KeyError("k"), None])
    twin = copy.copy(found)
    assert type(twin) is type(found) and twin.by_position == found.by_position and twin.name == found.name
    many = through(AggregateException([None, *(ValueError(n) for n in range(300))]))
    assert isinstance(many, AggregateException) and None not in many.by_position  # they are not all told
    for of, places in ((5, (0, 7)), (2, (0, -1)), (10**9, (0, 1)), ("2", (0, 1)), (2, (0, None))):
        children = [{"error_type": "ValueError", "place": place} for place in places]
        told = {"error_type": "simpleflow.exceptions.AggregateException", "of": of, "children": children}
        assert len(revived("t", "r", json.dumps(told)).by_position) == 2  # type: ignore[attr-defined]


def test_what_is_printed_shows_the_remote_traceback_and_the_notes() -> None:
    error = ValueError("nope")
    error.add_note("a note of the activity")
    text = "".join(traceback.format_exception(through(raised(error, KeyError("before")))))
    assert "a note of the activity" in text and "TaskFailed: activity-f-1: ValueError: nope" in text
    assert 'test_failures.py", line' in text and "in raised" in text and "KeyError: 'before'" in text


def test_copies_and_pickles_are_the_same() -> None:
    found: Any = through(raised(Coded(7, "seven"), KeyError("before")))
    for twin in (fresh(found), copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert type(twin) is type(found) and twin is not found
        assert (twin.name, twin.reason, twin.details, twin.args, twin.code) == (
            found.name,
            found.reason,
            found.details,
            found.args,
            7,
        )
        assert type(twin.__cause__) is KeyError and twin.__notes__ == found.__notes__


def test_arguments_that_are_no_plain_json_do_not_travel_as_something_else() -> None:
    found = through(ValueError(("a", "tuple"), {1, 2}))
    assert found.args == ("(('a', 'tuple'), {1, 2})",)


def test_cycles_end() -> None:
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__cause__ = second, first
    found = through(first)
    assert type(found.__cause__) is KeyError and found.__cause__.__cause__ is None
    first.__cause__ = first
    assert through(first).__cause__ is None


def test_long_chains_and_wide_groups_are_bounded() -> None:
    error: BaseException = ValueError("root")
    for number in range(5_000):
        above = ValueError(f"{number}")
        above.__cause__ = error
        error = above
    assert isinstance(through(error), ValueError)
    nested: Exception = ValueError("leaf")
    for _ in range(200):
        nested = ExceptionGroup("level", [nested, *(KeyError(n) for n in range(50))])
    reason, details = failures.describe(nested)
    assert len(details) <= 32_768 and isinstance(revived("t", reason, details), TaskFailed)


def test_errors_that_refuse_everything_are_told() -> None:
    found = through(raised(Silent("hidden")))
    assert isinstance(found, Silent) and "cannot be shown" in (found.reason or "")

    class Broken(Exception):
        @property
        def args(self) -> Any:
            raise RuntimeError

        @property
        def __notes__(self) -> Any:
            raise RuntimeError

    reason, details = failures.describe(Broken("x"))
    assert isinstance(revived("t", reason, details), TaskFailed)


def test_huge_ones_are_cut_without_a_store_and_whole_with_one() -> None:
    error = raised(ValueError("x" * 200_000), raised(KeyError("y" * 50_000)))
    found = through(error)
    assert isinstance(found, ValueError) and type(found.__cause__) is KeyError and len(found.args[0]) <= 4_000
    codec = Codec(payloads=Payloads(["memory:"]))
    reason, details = failures.describe(error, codec.keep)
    assert details.startswith("simpleflow+memory://")
    whole: Any = codec.revive(TaskFailed("t", reason, details))
    assert isinstance(whole, ValueError) and whole.args == error.args
    assert whole.__cause__ is not None and whole.__cause__.args == ("y" * 50_000,)


def test_what_grows_by_escapes_and_by_numbers_fits_all_the_same() -> None:
    error = ValueError("\x00" * 100_000)
    for _ in range(100):
        error.add_note("\x01" * 2_000)
    reason, details = failures.describe(error)
    assert len(details) <= 32_768 and isinstance(revived("t", reason, details), ValueError)


def test_a_store_that_is_lost_does_not_keep_an_error_from_being_told() -> None:
    def lost(text: str) -> str:
        raise OSError("no disk")

    _, details = failures.describe(ValueError("x" * 200_000), lost)
    assert json.loads(details)["error"] == "ValueError"
    assert len(failures.fitting("x" * 200_000, lost) or "") == 32_768


@pytest.mark.parametrize(
    "details",
    [None, "", "words", "5", "[]", "{}", '{"chain": 5, "notes": {}}', '{"error_type": "ValueError", "args": 5}'],
)
def test_details_of_others_are_taken_as_they_are(details: str | None) -> None:
    found = revived("t", "some reason", details)
    assert isinstance(found, TaskFailed) and found.details == details and found.reason == "some reason"


def test_details_of_other_failures_are_read_too() -> None:
    codec = Codec(payloads=Payloads(["memory:"]))
    reference = codec.keep("x" * 50_000)
    cancelled: Any = codec.revive(TaskCanceled(reference, "activity-f-1"))
    assert type(cancelled) is TaskCanceled and cancelled.details == "x" * 50_000 and cancelled.name == "activity-f-1"
    _, details = failures.describe(raised(ValueError("y" * 50_000), KeyError("k")), codec.keep)
    failed = codec.explained(WorkflowFailed("w", "r", "FAILED", "why", details))
    assert type(failed.__cause__) is KeyError and "y" * 50_000 in (failed.details or "")


def test_causes_can_be_hung_on_any_error() -> None:
    _, details = failures.describe(raised(ValueError("v"), KeyError("k")))
    error = RuntimeError("of ours")
    attach(error, details)
    assert type(error.__cause__) is KeyError and "The traceback of the process" in error.__notes__[0]
