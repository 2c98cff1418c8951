"""What can be submitted, in general: what a task says of itself, and what it is given.

A task says itself what the core must know of it: how it is numbered and encoded, which command asks the world for it
(`simpleflow.command`), how it is cancelled. Each kind of task is a name space of its own: a timer that is called like
an activity collides with nothing. It knows no kind of task (`simpleflow.task`), and no more of values than that there
are rules for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Generic, Protocol, Self, TypeVar

from simpleflow.command import Command, Names
from simpleflow.futures import Future, Program
from simpleflow.retry import Retry

F_co = TypeVar("F_co", bound=Future[Any], covariant=True)

PROGRAM: Final = "program"
"""The kind of what the program ends itself."""


class Template(Protocol):
    """A frozen value with holes where futures stood."""

    @property
    def futures(self) -> Sequence[Future[Any]]: ...

    def fill(self, results: Sequence[Any]) -> Any:
        """The frozen value with these frozen results in the holes, None for the value None."""


class Values(Protocol):
    """How values are encoded; the core is given it, and never looks inside of what it makes.

    A result is thawed for the `task` that it is of, and a call for the `function` that it is to be a call of: by their
    type hints. An error is revived as what was raised where the task ran, new for each who is to see it.
    """

    def template(self, value: Any, what: str) -> Template: ...
    def template_call(self, args: tuple[Any, ...], kwargs: dict[str, Any], what: str, beside: Any) -> Template: ...
    def quoted(self, frozen: Any) -> Any: ...
    def thaw(self, frozen: Any, task: Any = None) -> Any: ...
    def thaw_call(self, frozen: Any, function: Any) -> tuple[list[Any], dict[str, Any]]: ...
    def revive(self, error: BaseException, task: Any) -> BaseException: ...
    def fingerprint(self, frozen: Any) -> str: ...


class Asked(Protocol):
    """A task in the graph that is ready: attempt `attempt` (from 1) of `id`, with frozen input."""

    @property
    def id(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def input(self) -> Any: ...
    @property
    def where(self) -> str: ...
    @property
    def origins(self) -> tuple[Names, Names | str]: ...


class Task:
    """What can be submitted.

    Attributes:
        kind: the name space of its id.
        name: what it is called; its number is counted by it.
        idempotent: equal tasks of a run are one; the id is made of a hash of the arguments.
        names_itself: its id is the user's own (`own_id`): two tasks of one id are one, or an error.
        ours: its end is the program's to decide: a cancel settles it at once, and the world is only told.
        at_once: it is true as soon as it is asked for, and needs no end.
        attempts: what fails is an attempt of it, after which it may be tried again.
        waits_for_signal: its end is the signal of its name.
        retry: how often, when and after what it is tried again.
        raises_on_failure: True, False or None, as for activities.
        options: what must be the same in two tasks that are to be one.
    """

    __slots__ = ()
    kind: ClassVar[str]
    ours: ClassVar[bool] = False
    at_once: ClassVar[bool] = False
    attempts: ClassVar[bool] = False
    waits_for_signal: ClassVar[bool] = False

    @property
    def name(self) -> str:
        raise NotImplementedError

    @property
    def idempotent(self) -> bool:
        return False

    @property
    def names_itself(self) -> bool:
        return False

    @property
    def retry(self) -> int | Retry:
        return 0

    @property
    def raises_on_failure(self) -> bool | None:
        return None

    @property
    def options(self) -> tuple[Any, ...]:
        return ()

    @property
    def origins(self) -> Sequence[Any]:
        """What it stands for, where the world knows nothing of it: nodes, and `simpleflow.dataflow.origins.Origins`."""
        return ()

    def template(self, values: Values) -> Template | None:
        """The task's arguments, encoded. Raises PayloadError."""
        return None

    def identify(self, suffix: str, context: Mapping[str, Any]) -> str:
        """The id: `suffix` is the task's number or its hash, `context` who the run is."""
        return f"{self.name}-{suffix}"

    def own_id(self, input: Any, values: Values, workflow: Any) -> str | None:
        """The id that the user gives it in a run of this `workflow`, if any, where it `names_itself`.

        Raises TaskFailed.
        """
        return None

    def command(self, asked: Asked, values: Values) -> Command | None:
        """What to ask of the world; None where it is the program's own business. Raises TaskFailed."""
        return None

    def cancel(self, asked: Asked) -> Command | None:
        """What to ask of the world for its end; None where the world cannot be asked."""
        return None

    def result(self, input: Any, values: Values) -> Any:
        """The frozen result of what is true `at_once`."""
        return None

    def call(self, input: Any, values: Values) -> tuple[list[Any], dict[str, Any]]:
        """The arguments in its frozen input, where it has some: its `args` and `kwargs`, with futures resolved."""
        return [], {}

    def with_argument(self, argument: Any) -> Self:
        """The same task with one more positional argument; itself, where it takes none."""
        return self


class SubmittableContainer(Generic[F_co]):
    """What is submitted as several tasks: a canvas."""

    def submit(self, executor: Program) -> F_co:
        """Submit it to the running program (`Workflow.executor`); its future."""
        raise NotImplementedError

    def with_argument(self, argument: Any) -> Self:
        """The same with one more positional argument for the tasks that it begins with."""
        return self
