"""Who is told what a process does; `ps` and `top` show it: ``simpleflow DeciderPoller(task_list=orders)[polling]``."""

from __future__ import annotations

from collections.abc import Callable

from simpleflow import config

Tell = Callable[[str], None]
"""Is told a state of this process, or of one of its loops, such as "polling", to show it."""


def untitled(state: str) -> None:
    """Where nobody is told."""


def described(name: str, **properties: object) -> str:
    """``DeciderPoller(task_list=orders)``"""
    return f"{name}({', '.join(f'{key}={value}' for key, value in properties.items())})"


def titled(what: str) -> Tell:
    """Give this process a title for what it is, whose state is "initializing", and what shows its next states.

    Nothing is shown where SIMPLEFLOW_DISABLE_SETPROCTITLE is set, to anything but "".
    """
    if config.load().disable_setproctitle:
        return untitled
    from setproctitle import setproctitle

    def tell(state: str) -> None:
        setproctitle(f"simpleflow {what}[{state}]")

    tell("initializing")
    return tell


def both(first: Tell, second: Tell) -> Tell:
    """Tells two at once; costs nothing where one of them is nobody."""
    if first is untitled or second is untitled:
        return second if first is untitled else first

    def tell(state: str) -> None:
        first(state)
        second(state)

    return tell
