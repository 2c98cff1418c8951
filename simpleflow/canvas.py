"""Canvases: compositions of what can be submitted, which can be submitted themselves.

A `Group` runs its activities side by side, a `Chain` one after the other, a `FuncGroup` is made when its turn comes.
Who may run when, and how a canvas ends, is the running program's business (`simpleflow.dataflow.canvases`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Self

from simpleflow.activity import Activity
from simpleflow.exceptions import AggregateException as AggregateException
from simpleflow.futures import Future, Node, Program, Rules
from simpleflow.task import ActivityTask, ChildWorkflowTask, SubmittableContainer, Task
from simpleflow.workflow import Workflow

Submittable = Task | SubmittableContainer[Any]


class GroupFuture(Future[list[Any]]):
    """What becomes of a group.

    `result` is the list of what its activities gave, in order, lists in it for canvases, None for one that failed. If
    one has failed, or was cancelled, `exception` is an AggregateException, unless `bubbles_exception_on_failure` is
    False; and `result` raises it, unless all of them were ``raises_on_failure=False``. The state is RUNNING from its
    turn on, and once all are done FINISHED, or CANCELLED where one of them is.

    A class derived from it may have `result` and `exception` of its own: they are what tasks and canvases see that take
    this future. They are called once more for that, in a branch of their own.

    Attributes:
        activities: what it runs.
        futures: their futures, in order, also of those whose turn has not come.
        workflow: the workflow that has submitted it.
        max_parallel: how many may run at once, or None.
        bubbles_exception_on_failure: whether failures are its own.
    """

    _canvas: Future[list[Any]]

    def __init__(
        self,
        activities: Sequence[Submittable],
        workflow: Workflow,
        max_parallel: int | None = None,
        bubbles_exception_on_failure: bool | None = True,
    ) -> None:
        self.max_parallel = _checked_parallel(max_parallel)
        self.bubbles_exception_on_failure = bubbles_exception_on_failure
        bubbles = bubbles_exception_on_failure is not False
        self._submit(activities, workflow, Rules("group", max_parallel, bubbles=bubbles))

    def _submit(
        self, activities: Sequence[Submittable], workflow: Workflow, rules: Rules, send_result: bool = False
    ) -> None:
        self.activities = list(activities)
        self.workflow = workflow
        self.futures: list[Future[Any]] = []
        self._canvas = Future()
        kind, plain = type(self), GroupFuture
        reads = kind.result is not plain.result or kind.exception is not plain.exception
        workflow.executor.compose(self, self._submits(send_result), rules, reads=reads)

    def _submits(self, send_result: bool) -> Iterator[Future[Any]]:
        for item in self.activities:
            if send_result and self.futures:
                item = item.with_argument(self.futures[-1])
            future: Any = self.workflow.submit(item)
            if not isinstance(future, Future):
                raise TypeError(f"{type(self.workflow).__name__}.submit gave a {type(future).__name__}, not a future")
            self.futures.append(future)
            yield future

    def _bind(self, program: Program, node: Node, canvas: Node) -> None:
        self._program = program
        self._node = node
        self._canvas = Future(program, canvas)

    @property
    def count_finished_activities(self) -> int:
        """How many of the activities are done whose turn has come."""
        program, canvas = self._canvas._bound()
        return program.finished(canvas)

    @property
    def state(self) -> str:
        return self._canvas.state

    @property
    def result(self) -> list[Any]:
        self.wait()
        try:
            return self._canvas.result
        except AggregateException:
            if type(self).exception is GroupFuture.exception:
                raise
        error = self.exception
        if error is None:
            return self._known
        raise error

    @property
    def exception(self) -> BaseException | None:
        return self._canvas.exception

    def wait(self) -> None:
        self._canvas.wait()

    def cancel(self) -> bool:
        """Cancel all activities: at once those whose turn has not come. False if it is done already."""
        return self._canvas.cancel()

    @property
    def _known(self) -> list[Any]:
        if not self._canvas.done:
            return [future._known for future in self.futures]
        program, canvas = self._canvas._bound()
        known: list[Any] = program.value(canvas)
        return known


class ChainFuture(GroupFuture):
    """What becomes of a chain; as of a group, but the list ends with the activity that broke it.

    Those after it have never run: their futures are cancelled.
    """

    def __init__(
        self,
        activities: Sequence[Submittable],
        workflow: Workflow,
        bubbles_exception_on_failure: bool | None = True,
        send_result: bool = False,
        break_on_failure: bool = True,
    ) -> None:
        self.max_parallel = 1
        self.bubbles_exception_on_failure = bubbles_exception_on_failure
        self.send_result = send_result
        self.break_on_failure = break_on_failure
        rules = Rules("chain", 1, break_on_failure, bubbles_exception_on_failure is not False)
        self._submit(activities, workflow, rules, send_result)


class Group(SubmittableContainer[GroupFuture]):
    """Activities side by side: ``Group((resize, "a.png"), (resize, "b.png"), max_parallel=10)``.

    An item is an activity or a workflow class, alone or in a tuple with its arguments, a task, a signal, a marker, a
    timer or a canvas. It is not changed by being in a group, and the group not by being submitted.

    Args:
        max_parallel: how many items may run at once; they begin in order.
        raises_on_failure: what holds for all items, also those inside of canvases, whatever they say themselves: True:
            a failure is raised in ``run`` at once. False: the result of a failed one is None. None: as they say. It is
            fixed here: to change it later has no effect.
        bubbles_exception_on_failure: whether the group has failed if an item has.
        future_class: the class of its future; called as `GroupFuture` is.
    """

    default_future_class: ClassVar[Callable[..., Any]] = GroupFuture
    _sent: tuple[Any, ...] = ()

    def __init__(
        self,
        *activities: Any,
        max_parallel: int | None = None,
        raises_on_failure: bool | None = None,
        bubbles_exception_on_failure: bool | None = True,
        future_class: Callable[..., Any] | None = None,
    ) -> None:
        self.max_parallel = _checked_parallel(max_parallel)
        self.raises_on_failure = self._raises = raises_on_failure
        self.bubbles_exception_on_failure = bubbles_exception_on_failure
        self.future_class = future_class or type(self).default_future_class
        self.activities: list[Submittable] = []
        self.extend(activities)

    def append(self, submittable: Any, *args: Any, **kwargs: Any) -> None:
        """Add an item; of an activity or a workflow class, with its arguments.

        Raises ValueError for what cannot be submitted, and for arguments of what has them already.
        """
        if isinstance(submittable, tuple) and submittable and not (args or kwargs):
            submittable, args = submittable[0], submittable[1:]
        if isinstance(submittable, Activity):
            self.activities.append(ActivityTask(submittable, *args, **kwargs))
        elif isinstance(submittable, type) and issubclass(submittable, Workflow):
            self.activities.append(ChildWorkflowTask(submittable, *args, **kwargs))
        elif not isinstance(submittable, Task | SubmittableContainer):
            raise ValueError(f"{submittable!r} should be a Submittable, Group, or Activity")
        elif args or kwargs:
            raise ValueError(f"this {type(submittable).__name__} has its arguments already: give none beside it")
        else:
            self.activities.append(submittable)

    def extend(self, iterable: Iterable[Any]) -> None:
        """Add several items."""
        for item in iterable:
            self.append(item)

    def __iadd__(self, iterable: Iterable[Any]) -> Self:
        self.extend(iterable)
        return self

    def submit(self, executor: Program) -> GroupFuture:
        """Submit it to the running program (`Workflow.executor`); its future."""
        future: GroupFuture = executor.overriding(self._raises, lambda _: self._future(executor.workflow))
        return future

    def with_argument(self, argument: Any) -> Self:
        """The same canvas, with one more positional argument for each item of a group, or the first one of a chain."""
        twin = copy.copy(self)
        twin._sent = (*self._sent, argument)
        return twin

    def _items(self) -> list[Submittable]:
        """The items as they are submitted: what was sent to them comes to canvases among them when they are."""
        items = self.activities
        for argument in self._sent:
            items = self._sent_to(items, argument)
        return items

    def _sent_to(self, items: list[Submittable], argument: Any) -> list[Submittable]:
        return [item.with_argument(argument) for item in items]

    def _future(self, workflow: Any) -> Any:
        return self.future_class(self._items(), workflow, self.max_parallel, self.bubbles_exception_on_failure)


class Chain(Group):
    """Activities one after the other: ``Chain((load, "a.csv"), clean, store, send_result=True)``.

    Items and arguments are those of `Group`; `max_parallel` changes nothing, and ``raises_on_failure=False`` means
    ``bubbles_exception_on_failure=False``, unless that is given.

    Args:
        send_result: each item has the result of the one before as one more positional argument. In a chain its first
            item has it, in a group each item; what takes no arguments (a timer, a marker, a signal that is waited for,
            a Lambda function) runs as it is.
        break_on_failure: no item runs after one that has failed; False: they go on.
    """

    default_future_class: ClassVar[Callable[..., Any]] = ChainFuture

    def __init__(
        self,
        *activities: Any,
        send_result: bool = False,
        break_on_failure: bool = True,
        max_parallel: int | None = None,
        raises_on_failure: bool | None = None,
        bubbles_exception_on_failure: bool | None = None,
        future_class: Callable[..., Any] | None = None,
    ) -> None:
        if send_result and not break_on_failure:
            raise ValueError("Cannot combine send_result=True with break_on_failure=False")
        if bubbles_exception_on_failure is None:
            bubbles_exception_on_failure = raises_on_failure is not False
        self.send_result = send_result
        self.break_on_failure = break_on_failure
        super().__init__(
            *activities,
            max_parallel=max_parallel,
            raises_on_failure=raises_on_failure,
            bubbles_exception_on_failure=bubbles_exception_on_failure,
            future_class=future_class,
        )

    def _future(self, workflow: Any) -> Any:
        return self.future_class(
            self._items(),
            workflow,
            bubbles_exception_on_failure=self.bubbles_exception_on_failure,
            send_result=self.send_result,
            break_on_failure=self.break_on_failure,
        )

    def _sent_to(self, items: list[Submittable], argument: Any) -> list[Submittable]:
        return super()._sent_to(items[:1], argument) + items[1:]


class FuncGroup(SubmittableContainer[Future[Any]]):
    """What a function makes when its turn comes: ``Chain(count, FuncGroup(resize_all), send_result=True)``.

    ``func(*args, **kwargs)`` is called in a branch of its own, which numbers what it submits by itself; it returns a
    Group, a Chain, or whatever else can be an item, and the future is the one of that. Futures among the arguments are
    given as they are. What `func` raises is raised in the branch that has submitted the canvas, at once. It may be a
    coroutine function.

    Args:
        raises_on_failure: as for a Group, for what `func` returns.
        _allow_none: `func` may return None; the result is None then.

    Attributes:
        activities: what `func` returned last.
    """

    def __init__(
        self,
        func: Callable[..., Any],
        *args: Any,
        raises_on_failure: bool | None = None,
        _allow_none: bool = False,
        **kwargs: Any,
    ) -> None:
        self.func = func
        self.args = args
        self.kwargs = kwargs
        self.raises_on_failure = self._raises = raises_on_failure
        self.allow_none = _allow_none
        self.activities: Any = None
        self._sent: tuple[Future[Any], ...] = ()

    def submit(self, executor: Program) -> Future[Any]:
        """Submit it to the running program (`Workflow.executor`); its future."""
        name = getattr(self.func, "__qualname__", "func")

        def spawn(raises: bool | None) -> Future[Any]:
            return executor.spawn(lambda: self._call(executor, raises), "f", name, fails_fast=True)

        return executor.overriding(self._raises, spawn)

    def _call(self, executor: Program, raises: bool | None) -> Any:
        made = self.func(*self.args, *(future.result for future in self._sent), **self.kwargs)
        if isinstance(made, Coroutine):
            return self._awaited(made, executor, raises)
        return self._submitted(made, executor, raises)

    async def _awaited(self, made: Coroutine[Any, Any, Any], executor: Program, raises: bool | None) -> Any:
        return self._submitted(await made, executor, raises)

    def _submitted(self, made: Any, executor: Program, raises: bool | None) -> Future[Any] | None:
        self.activities = made
        if made is None and self.allow_none:
            return None
        if not isinstance(made, Task | SubmittableContainer | Activity) and not _is_workflow(made):
            what = f"got {type(made)} instead (func: {self.func!r})"
            raise TypeError(f"FuncGroup submission should return a Group or Submittable, {what}")
        future: Future[Any] = executor.overriding(raises, lambda _: executor.workflow.submit(made))
        return future

    def with_argument(self, argument: Any) -> Self:
        """The same, called with one more positional argument: the result of a future, not the future."""
        twin = copy.copy(self)
        twin._sent = (*self._sent, argument)
        return twin


def _is_workflow(made: Any) -> bool:
    return isinstance(made, type) and issubclass(made, Workflow)


def _checked_parallel(value: int | None) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError(f"max_parallel takes a whole number from 1, or None for no limit, not {value!r}")
    return value
