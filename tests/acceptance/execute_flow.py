"""Programs and functions in processes of their own, for test_execute.py."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from simpleflow import execute, logger
from simpleflow.activity import with_attributes


@execute.python()
def add(x: int, y: int = 1) -> int:
    print("printed by", os.getpid())
    return x + y


@execute.python()
def process() -> dict[str, Any]:
    return {"pid": os.getpid(), "executable": sys.executable, "tmp": os.environ.get("TMPDIR")}


@with_attributes(retry=2)
@execute.python()
def as_activity(text: str) -> str:
    return text.upper()


@execute.python()
@with_attributes()
def the_other_way(text: str) -> str:
    return text.lower()


@execute.python()
class Task:
    """A class with a context and something to do afterwards."""

    name = "task-of-its-own"
    context: Any = None

    def __init__(self, text: str) -> None:
        self.text = text

    def execute(self) -> list[Any]:
        return [self.text, self.context]

    def post_execute(self) -> None:
        print("afterwards")


@dataclass(frozen=True)
class Order:
    day: date
    amount: Decimal


@execute.python()
def typed(order: Order, by: timedelta = timedelta()) -> Order:
    assert type(order) is Order and type(by) is timedelta
    return Order(order.day + by, order.amount * 2)


@execute.python()
class Typed:
    def __init__(self, day: date) -> None:
        assert type(day) is date
        self.day = day

    def execute(self) -> date:
        return self.day


class OwnError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(f"code {code}")
        self.code = code


@execute.python()
def fails_in_its_own_way(code: int) -> None:
    try:
        int("x")
    except ValueError as error:
        raise OwnError(code) from error


@execute.python()
def told() -> Any:
    return [told.context, told.__wrapped__.context]  # type: ignore[attr-defined]


@execute.python(logger_name="own.logger")
def fails(message: str) -> None:
    raise KeyError(message)


@execute.python()
def logs() -> None:
    logger.info("said")


@execute.python()
def leaves(code: Any) -> None:
    sys.exit(code)


@execute.python()
def vanishes(code: int) -> None:
    os._exit(code)


@execute.python()
def dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@execute.python()
def gives_a_set() -> Any:
    return {"rows": [object()]}


def hold(fifo: str) -> None:
    """Hold the FIFO in this process and in one that it starts and leaves behind."""
    held = os.open(fifo, os.O_WRONLY)
    subprocess.Popen(["sleep", "600"], pass_fds=(held,))
    os.write(held, b"held\n")


def hang(fifo: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hold(fifo)
    time.sleep(600)


holds_and_is_killed = execute.python(kill_children=True)(hold)
hangs = execute.python(kill_children=True, timeout=1.5)(hang)


@execute.python(timeout=0.5)
def sleeps() -> None:
    time.sleep(600)


@execute.program()
def echo(*args: Any, **kwargs: Any) -> None:
    raise AssertionError("never called")


@execute.program(path="echo", argument_format=execute.plain_arguments)
def plain(text: str, *, option: int = 5) -> None: ...


@execute.program(path="printf")
def bytes_of(text: str) -> None: ...


@execute.program(path="false")
def fails_as_a_program() -> None: ...


@execute.program(path="no-such-program")
def missing() -> None: ...
