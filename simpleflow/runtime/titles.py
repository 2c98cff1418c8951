"""What `ps` and `top` show of our processes: ``simpleflow DeciderPoller(task_list=orders)[polling]``."""

from __future__ import annotations

from collections.abc import Callable

from simpleflow import config

Tell = Callable[[str], None]
"""Shows a state of this process, such as "polling"."""


def untitled(state: str) -> None:
    """Where the command line stays as it is."""


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
