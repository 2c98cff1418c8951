"""Random canvases, and what their rules say of them: written apart from the program, and as straight as can be.

The reference keeps nothing but what has ended and what was cancelled. What runs, and how a canvas ends, it finds anew
from its top each time - as slow as that is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from simpleflow import activity
from simpleflow.canvas import Chain, ChainFuture, FuncGroup, Group, GroupFuture
from simpleflow.exceptions import AggregateException, TaskCanceled
from simpleflow.task import TimerTask


@dataclass(eq=False)
class Leaf:
    number: int
    raises: bool | None
    fails: bool
    id: str = ""
    timer: bool = False


@dataclass(eq=False)
class Many:
    chain: bool
    items: list[Item]
    raises: bool | None
    bubbles: bool | None  # None: not given
    parallel: int | None = None
    breaks: bool = True
    sends: bool = False
    own: str = ""  # its future "wraps" its result, or "swallows" its exception


@dataclass(eq=False)
class Made:
    """A FuncGroup: what it returns, or "none", "wrong", "error"."""

    number: int
    inner: Item | str
    raises: bool | None


Item = Leaf | Many | Made


def random_canvas(seed: int) -> Many:
    """A canvas of up to some twenty tasks. The seed is chosen by hypothesis, as in `programs`."""
    chance = Random(seed)
    count = iter(range(1, 1000))
    left = [chance.randint(1, 20)]

    def flag() -> bool | None:
        return chance.choice((None, None, True, False))

    def item(depth: int) -> Item:
        left[0] -= 1
        kind = chance.random()
        if depth >= 5 or left[0] <= 0 or kind < 0.5:
            if chance.random() < 0.15:
                return Leaf(next(count), None, False, timer=True)
            return Leaf(next(count), flag(), chance.random() < 0.25)
        if kind < 0.65:
            odd = chance.choice(("none", "wrong", "error")) if chance.random() < 0.2 else None
            return Made(next(count), odd or item(depth + 1), flag())
        return many(depth)

    def many(depth: int) -> Many:
        items = [item(depth + 1) for _ in range(chance.choice((0, 1, 2, 2, 3, 3, 4, 6)))]
        own = chance.choice(("", "", "", "wraps", "swallows"))
        if chance.random() < 0.5:
            return Many(False, items, flag(), chance.choice((True, False)), chance.choice((None, 1, 2, 3)), own=own)
        breaks = chance.random() < 0.7
        return Many(True, items, flag(), flag(), 1, breaks, breaks and chance.random() < 0.5, own)

    canvas = many(0)
    canvas.own = ""
    number(canvas)
    return canvas


def number(top: Item) -> None:
    """Give each task the id that it has by its place in the program."""

    def walk(item: Item, scope: str, numbers: Counter[str]) -> None:
        def name(kind: str) -> str:
            numbers[kind] += 1
            return f"{numbers[kind]}"

        if isinstance(item, Leaf):
            item.id = (
                f"timer-{item.number}" if item.timer else f"activity-t{item.raises}-{scope}{name(f't{item.raises}')}"
            )
        elif isinstance(item, Many):
            for each in item.items:
                walk(each, scope, numbers)
        else:
            inner = f"{scope}f{name('f')}."
            if not isinstance(item.inner, str):
                walk(item.inner, inner, Counter())

    walk(top, "", Counter())


def leaves(item: Item) -> Iterator[Leaf]:
    if isinstance(item, Leaf):
        yield item
    elif isinstance(item, Many):
        for each in item.items:
            yield from leaves(each)
    elif not isinstance(item.inner, str):
        yield from leaves(item.inner)


# -- the canvas itself ---------------------------------------------------------------------------------------------


def _plain(*args: Any) -> Any:
    raise AssertionError("activities of these tests are never run")


TASKS = {
    raises: activity.Activity(_plain, name=f"t{raises}", raises_on_failure=raises) for raises in (None, True, False)
}


class Wrapping(GroupFuture):
    @property
    def result(self) -> Any:
        return ["own", super().result]


class Swallowing(GroupFuture):
    @property
    def exception(self) -> None:
        assert super().exception is None or self.done
        return None


class WrappingChain(Wrapping, ChainFuture):
    pass


class SwallowingChain(Swallowing, ChainFuture):
    pass


OWN: dict[tuple[str, bool], Any] = {
    ("wraps", False): Wrapping,
    ("wraps", True): WrappingChain,
    ("swallows", False): Swallowing,
    ("swallows", True): SwallowingChain,
}


def built(item: Item, called: list[Any]) -> Any:
    """What is submitted; FuncGroups tell `called` that they were, and with what."""
    if isinstance(item, Leaf):
        return TimerTask(item.id, 5) if item.timer else (TASKS[item.raises], item.number)
    if isinstance(item, Made):

        def make(*sent: Any) -> Any:
            called.append([item.number, *sent])
            if item.inner == "error":
                raise ValueError(f"of {item.number}")
            if isinstance(item.inner, str):
                return None if item.inner == "none" else 3
            (made,) = Group(built(item.inner, called)).activities
            return made

        return FuncGroup(make, raises_on_failure=item.raises, _allow_none=item.inner == "none")
    items = [built(each, called) for each in item.items]
    given: dict[str, Any] = {"raises_on_failure": item.raises, "max_parallel": item.parallel}
    if item.bubbles is not None:
        given["bubbles_exception_on_failure"] = item.bubbles
    if item.own:
        given["future_class"] = OWN[item.own, item.chain]
    if item.chain:
        return Chain(*items, break_on_failure=item.breaks, send_result=item.sends, **given)
    return Group(*items, **given)


def worded(error: BaseException | None) -> Any:
    """An exception as the reference tells it."""
    if isinstance(error, AggregateException):
        return [worded(each) for each in error.by_position]
    if isinstance(error, TaskCanceled):
        return "cancelled"
    return None if error is None else str(error).partition(", got")[0]


WRONG = "FuncGroup submission should return a Group or Submittable"


# -- the reference -------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """Of what is done: its state, what it gives, its exception in words, and whether to read it raises that."""

    cancelled: bool = False
    value: Any = None
    failure: Any = None
    raises: bool = False


@dataclass
class Reference:
    """What the rules say. `asked` has the arguments of each task that runs or ran."""

    top: Many
    ended: dict[Leaf, str] = field(default_factory=dict)
    struck: set[Item] = field(default_factory=set)  # cancelled before their turn
    begun: set[Item] = field(default_factory=set)
    asked: dict[str, list[Any]] = field(default_factory=dict)
    called: list[Any] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)  # at once, in the workflow
    outcomes: dict[Item, Outcome | None] = field(default_factory=dict)

    def look(self) -> Outcome | None:
        """How the whole ends, if it does, by what is known now."""
        return self.of(self.top, None, ())

    def of(self, item: Item, raises: bool | None, sent: Sequence[Any]) -> Outcome | None:
        """The outcome of an item whose turn has come."""
        raises = item.raises if raises is None else raises
        if isinstance(item, Many):
            self.begun.add(item)
            found = self.of_many(item, raises, sent)
        elif item in self.struck:
            found = Outcome(True, None, "cancelled", raises is not False)
        elif isinstance(item, Leaf):
            found = self.of_leaf(item, raises, sent)
        else:
            found = self.of_made(item, raises, sent)
        self.outcomes[item] = found
        return found

    def of_leaf(self, leaf: Leaf, raises: bool | None, sent: Sequence[Any]) -> Outcome | None:
        self.asked[leaf.id] = [] if leaf.timer else [leaf.number, *sent]
        end = self.ended.get(leaf)
        if end is None:
            return None
        if end == "ok":
            return Outcome(value=None if leaf.timer else leaf.number * 10)
        if end == "cancelled":
            return Outcome(True, None, "cancelled", raises is not False)
        failure = f"{leaf.id}: ValueError: no"
        if raises and leaf not in self.begun:
            self.raised.append(failure)
        self.begun.add(leaf)
        return Outcome(False, None, failure, raises is not False)

    def of_made(self, made: Made, raises: bool | None, sent: Sequence[Any]) -> Outcome | None:
        first = made not in self.begun
        self.begun.add(made)
        if first:
            self.called.append([made.number, *sent])
        if made.inner == "none":
            return Outcome()
        if isinstance(made.inner, str):
            failure = f"of {made.number}" if made.inner == "error" else WRONG
            if first:
                self.raised.append(failure)
            return Outcome(False, None, failure, True)
        return self.of(made.inner, raises, ())

    def of_many(self, many: Many, raises: bool | None, sent: Sequence[Any]) -> Outcome | None:
        done: list[Outcome] = []
        running = 0
        for index, item in enumerate(many.items):
            if many.parallel is not None and running == many.parallel:
                return None
            given = sent if index == 0 or not many.chain else [done[-1].value] if many.sends else ()
            found = self.of(item, raises, given)
            if found is None:
                running += 1
                continue
            done.append(found)
            if many.chain and many.breaks and found.failure is not None:
                break
        return None if running else self.together(many, done)

    def together(self, many: Many, done: list[Outcome]) -> Outcome:
        bubbles = many.bubbles
        if bubbles is None:
            bubbles = not many.chain or many.raises is not False
        failures = [each.failure for each in done]
        failure = failures if bubbles and any(each is not None for each in failures) else None
        cancelled = any(each.cancelled for each in done) or many in self.struck
        whole = Outcome(cancelled, [each.value for each in done], failure)
        whole.raises = failure is not None and any(each.raises for each in done)
        if many.own == "swallows":
            whole.failure, whole.raises = None, False
        if many.own == "wraps":
            whole.value = None if whole.raises else ["own", whole.value]
        return whole

    def cancel(self, item: Item) -> list[str]:
        """Cancel what is not done; the ids of the tasks that the world is asked to cancel."""
        if self.outcomes.get(item) is not None:
            return []
        if isinstance(item, Many):
            if item not in self.begun:
                self.struck.add(item)
            return [id for each in item.items for id in self.cancel(each)]
        if isinstance(item, Leaf) and item.id in self.asked:
            if item.timer:  # it is the program's own to end
                self.ended[item] = "cancelled"
            return [item.id]
        if isinstance(item, Made) and item in self.begun:
            assert not isinstance(item.inner, str)
            return self.cancel(item.inner)
        self.struck.add(item)
        return []
