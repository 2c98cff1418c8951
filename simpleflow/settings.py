"""The settings, as users read and set them: ``settings.ACTIVITY_DEFAULT_TASK_LIST``, by the names of their variables.

What stands here comes from `simpleflow.config`, where the settings are listed and documented. A value that was set
here goes before the environment, that before the module named by SIMPLEFLOW_SETTINGS_MODULE, and that before the
default. Raises `simpleflow.config.ConfigError`, a ValueError of one line, where a value is none.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from simpleflow import config

__all__ = ["configure", "print_settings", "put_setting"]

_FILLED: dict[str, Callable[[config.Config], str]] = {
    "STEP_BUCKET": lambda read: read.steps,
    "METROLOGY_BUCKET": lambda read: read.metrology,
    "SIMPLEFLOW_BINARIES_DIRECTORY": lambda read: read.binaries,
    "SIMPLEFLOW_ENGINE": lambda read: read.engine_url,
}
"""Settings whose default is a place of the user's."""


def put_setting(key: str, value: Any) -> None:
    """Set one setting of this process; None takes it back. Also: ``settings.KEY = value``."""
    config.put({key: value})


def configure(values: Mapping[str, Any]) -> None:
    """Set several settings of this process; where one of them is wrong, none is set."""
    config.put(values)


def print_settings() -> None:
    """Print every setting, sorted, one ``KEY=value`` a line."""
    from pprint import pformat

    for name in sorted(config.NAMES):
        print(f"{name}={pformat(__getattr__(name))}")


def __getattr__(name: str) -> Any:
    if name not in config.NAMES:
        raise AttributeError(f"there is no setting {name}")
    read = config.load()
    if name == "LOGGING" and read.logging is None:
        from simpleflow.log import default_logging

        return default_logging(read.log_level, read.simpleflow_syslog_target)
    return _FILLED[name](read) if name in _FILLED else getattr(read, config.NAMES[name])


def __dir__() -> list[str]:
    return sorted([*__all__, *config.NAMES])


class _Settings(ModuleType):
    """A module whose settings can be assigned, and taken back by ``del``."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name.isupper() and not name.startswith("_"):
            config.put({name: value})
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in config.NAMES:
            config.put({name: None})
        else:
            super().__delattr__(name)


sys.modules[__name__].__class__ = _Settings
