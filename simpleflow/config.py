"""Every environment variable that simpleflow reads, read once, in one frozen value."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simpleflow.workflow import Workflow


class ConfigError(ValueError):
    """An environment variable holds what it cannot. The message is one line and names it."""


def _text(value: str) -> str:
    return value


def _seconds(value: str) -> str:
    if value != "NONE" and not (value.isascii() and value.isdigit() and len(value) <= 8):
        raise ValueError('takes whole seconds (at most 8 digits) or "NONE"')
    return value


def _days(value: str) -> str:
    if value != "NONE" and not (value.isascii() and value.isdigit() and int(value) <= 90):
        raise ValueError('takes whole days from 0 to 90, or "NONE"')
    return value


def _number(value: str) -> int:
    try:
        number = int(value)
    except ValueError:
        number = 0
    if number < 1:
        raise ValueError("takes a whole number from 1")
    return number


def _level(value: str) -> str:
    if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise ValueError("takes DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return value.upper()


def lambda_functions(texts: Iterable[str]) -> dict[str, str]:
    """Names of Lambda functions and the callables they stand for, from texts in the form NAME=MODULE:FUNCTION.

    Raises ValueError.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, _, function = text.strip().partition("=")
        parts = function.split(":")
        if not 1 <= len(name) <= 64 or name != name.strip() or len(parts) != 2 or not all(map(_is_dotted, parts)):
            raise ValueError(f"takes NAME=MODULE:FUNCTION, such as resize=images.handlers:resize, and not {text!r}")
        if name in found:
            raise ValueError(f"names {name} twice")
        found[name] = function
    return found


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _lambdas(value: str) -> dict[str, str]:
    return lambda_functions(text for text in value.split(",") if text.strip())


@dataclass(frozen=True, slots=True)
class Config:
    """The settings. Timeouts are texts of whole seconds, or "NONE", as Amazon SWF takes them. `lambdas` maps names of
    Lambda functions to callables, for engines that are opened here.

    The variable of a setting is its name in capitals; that of `engine`, `format`, `disable_setproctitle`, `access_keys`
    and `lambdas` has SIMPLEFLOW_ before it, that of `domain` is SWF_DOMAIN.
    """

    engine: str = ""
    domain: str = ""
    format: str = ""
    log_level: str = "INFO"
    disable_setproctitle: str = ""
    access_keys: str = ""
    lambdas: Mapping[str, str] = field(default_factory=dict)
    aws_endpoint_url_swf: str = ""
    swf_connection_retries: int = 5
    swf_max_open_activity_count: int = 1000
    workflow_default_task_list: str = "default"
    workflow_default_version: str = "default"
    workflow_default_execution_time: str = "31536000"
    workflow_default_decision_task_timeout: str = "30"
    activity_default_task_list: str = "default"
    activity_default_version: str = "default"
    activity_start_to_close_timeout: str = "300"
    activity_schedule_to_close_timeout: str = "NONE"
    activity_schedule_to_start_timeout: str = "NONE"
    activity_heartbeat_timeout: str = "60"
    domain_retention: str = "90"

    @property
    def engine_url(self) -> str:
        """The engine that is configured: by default AWS_ENDPOINT_URL_SWF's, else a file of the user's."""
        elsewhere = self.aws_endpoint_url_swf
        if elsewhere.startswith("https:"):  # Amazon's own, which is never called unless it is named
            elsewhere = ""
        return self.engine or elsewhere or f"sqlite:{default_database()}"


_READERS: dict[str, Callable[[str], Any]] = {
    "lambdas": _lambdas,
    "log_level": _level,
    "swf_connection_retries": _number,
    "swf_max_open_activity_count": _number,
    "workflow_default_execution_time": _seconds,
    "workflow_default_decision_task_timeout": _seconds,
    "activity_start_to_close_timeout": _seconds,
    "activity_schedule_to_close_timeout": _seconds,
    "activity_schedule_to_start_timeout": _seconds,
    "activity_heartbeat_timeout": _seconds,
    "domain_retention": _days,
}
_VARIABLES = {
    "engine": "SIMPLEFLOW_ENGINE",
    "domain": "SWF_DOMAIN",
    "access_keys": "SIMPLEFLOW_ACCESS_KEYS",
    "format": "SIMPLEFLOW_FORMAT",
    "lambdas": "SIMPLEFLOW_LAMBDAS",
    "disable_setproctitle": "SIMPLEFLOW_DISABLE_SETPROCTITLE",
}


def read(environ: Mapping[str, str]) -> Config:
    """The settings of an environment. Raises ConfigError. An empty variable counts as not set."""
    found: dict[str, Any] = {}
    for setting in fields(Config):
        variable = _VARIABLES.get(setting.name, setting.name.upper())
        value = environ.get(variable, "")
        if value:
            try:
                found[setting.name] = _READERS.get(setting.name, _text)(value)
            except ValueError as error:
                raise ConfigError(f"the environment variable {variable}={value!r} {error}") from None
    return Config(**found)


@cache
def load() -> Config:
    """The settings of this process, read at the first call. Raises ConfigError."""
    return read(os.environ)


def workflow_type(workflow: type[Workflow], settings: Config) -> dict[str, str]:
    """The workflow type of a class, as requests name it; what the class leaves open is filled from the settings."""
    return {
        "name": workflow.name or workflow.__name__,
        "version": workflow.version or settings.workflow_default_version,
    }


def default_database() -> Path:
    """The file of the default engine, in the user's data directory (XDG_DATA_HOME on Linux)."""
    from platformdirs import user_data_path  # 15 ms, and only needed here

    return user_data_path("simpleflow", appauthor=False) / "engine.sqlite"
