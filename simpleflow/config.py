"""Every setting of simpleflow, read once, in one frozen value.

A setting is what the program put (`simpleflow.settings.configure`), else what its environment variable holds, else
what the module named by SIMPLEFLOW_SETTINGS_MODULE says, else its default. `simpleflow.settings` is the users' view.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from simpleflow.activity import is_seconds
from simpleflow.exceptions import one_line

if TYPE_CHECKING:
    from simpleflow.workflow import Workflow


MODULE = "SIMPLEFLOW_SETTINGS_MODULE"


class ConfigError(ValueError):
    """A setting holds what it cannot. The message is one line and names it, and where it stands."""


def _text(value: Any) -> str:
    if not isinstance(value, str | int | float | os.PathLike) or isinstance(value, bool):
        raise ValueError("takes a text")
    return str(value)


def _seconds(value: Any) -> str:
    text = _text(value)
    if text != "NONE" and not is_seconds(text):
        raise ValueError('takes whole seconds (at most 8 digits) or "NONE"')
    return text


def _days(value: Any) -> str:
    text = _text(value)
    if text != "NONE" and not (text.isascii() and text.isdigit() and int(text) <= 90):
        raise ValueError('takes whole days from 0 to 90, or "NONE"')
    return text


def _number(value: Any) -> int:
    text = _text(value)
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError("takes a whole number from 1")
    return int(text)


def _duration(value: Any) -> float:
    try:
        seconds = float(_text(value))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e8:
        raise ValueError("takes seconds from 0, such as 2.5")
    return seconds


def _truth(value: Any) -> bool:
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    found = known.get(str(value).strip().lower())
    if found is None:
        raise ValueError("takes true or false")
    return found


def _level(value: Any) -> str:
    level = str(value).upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise ValueError("takes DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return level


def _store(value: Any) -> str:
    text = _text(value)
    kind, _, rest = text.partition(":")
    if not (text == "none" or (kind == "file" and rest) or (kind == "s3" and rest.strip("/") and rest[:2] == "//")):
        raise ValueError("takes file:DIRECTORY, s3://BUCKET[/DIRECTORY] or none")
    return text


def _address(value: Any) -> str:
    host, _, port = _text(value).rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError("takes HOST:PORT")
    return f"{host}:{port}"


def _identity(value: Any) -> dict[str, Any]:
    try:
        found = value if isinstance(value, Mapping) else json.loads(_text(value))
    except ValueError:
        found = None
    if not isinstance(found, Mapping):
        raise ValueError("""takes a JSON object, such as '{"pod": "crawler-7"}'""")
    return dict(found)


def _logging(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("takes a dict, as logging.config.dictConfig does: say it in a settings module")
    return dict(value)


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


def _lambdas(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return lambda_functions(f"{name}={function}" for name, function in value.items())
    return lambda_functions(text for text in _text(value).split(",") if text.strip())


@dataclass(frozen=True, slots=True)
class Config:
    """The settings. Timeouts are texts of whole seconds, or "NONE", as Amazon SWF takes them. `lambdas` maps names of
    Lambda functions to callables, for engines that are opened here.

    The variable of a setting is its name in capitals; that of `engine`, `format`, `disable_setproctitle`,
    `access_keys`, `lambdas`, `payload_store` and `jumbo_fields_bucket` has SIMPLEFLOW_ before it, that of `domain` is
    SWF_DOMAIN.

    Buckets are names in Amazon S3, ``host/name``, or directories: a ``file://`` URL or a path (`simpleflow.storage`);
    by default they are directories of the user's. `activity_default_timeout` is what `activity_start_to_close_timeout`
    is where that is not set. `activity_sigterm_wait_sec` are the seconds between the soft and the hard signal to an
    activity. `logging` is a dict for logging.config.dictConfig, or None for lines on standard error.
    """

    #: `sqlite:PATH`, `memory`, `http://HOST:PORT` or `aws[:REGION]`. By default a file in the user's data directory.
    engine: str = ""
    #: The domain where a command names none.
    domain: str = ""
    #: The form of the commands' output: csv, tsv, tabular, human, json, jsonl or prettyjson.
    format: str = ""
    #: From which level on lines are logged: DEBUG, INFO, WARNING, ERROR or CRITICAL.
    log_level: str = "INFO"
    #: Anything: processes keep their titles.
    disable_setproctitle: str = ""
    #: The file of access keys of `simpleflow server`.
    access_keys: str = ""
    #: `NAME=MODULE:FUNCTION,...`, in a settings module a dict: Lambda functions of engines that are opened here.
    lambdas: Mapping[str, str] = field(default_factory=dict)
    #: `file:DIRECTORY`, `s3://BUCKET[/DIRECTORY]` or `none`: where large values lie. By default beside the
    #: engine's file, or at its server.
    payload_store: str = ""
    #: `BUCKET[/DIRECTORY]` of S3: the same as an s3:// store, where that is not set.
    jumbo_fields_bucket: str = ""
    #: An http:// address of a server, where no engine is named, and for the engine `aws`.
    aws_endpoint_url_swf: str = ""
    #: How often a call of Amazon SWF is tried.
    swf_connection_retries: int = 5
    #: How many activities of a run may be open at once.
    swf_max_open_activity_count: int = 1000
    #: The task list of a workflow that names none.
    workflow_default_task_list: str = "default"
    #: The version of a workflow that names none.
    workflow_default_version: str = "default"
    #: Seconds that a run may take: a year.
    workflow_default_execution_time: str = "31536000"
    #: Seconds that a decider has for one decision.
    workflow_default_decision_task_timeout: str = "30"
    #: The task list of an activity that names none.
    activity_default_task_list: str = "default"
    #: The version of an activity that names none.
    activity_default_version: str = "default"
    #: What ACTIVITY_START_TO_CLOSE_TIMEOUT is where that is not set.
    activity_default_timeout: str = "300"
    #: Seconds that an activity may run, or NONE.
    activity_start_to_close_timeout: str = "300"
    #: Seconds that an activity may wait and run in all, or NONE.
    activity_schedule_to_close_timeout: str = "NONE"
    #: Seconds that an activity may wait for a worker, or NONE.
    activity_schedule_to_start_timeout: str = "NONE"
    #: Seconds without a heartbeat after which a worker is taken for lost, or NONE.
    activity_heartbeat_timeout: str = "60"
    #: Seconds between the soft and the hard end of an activity.
    activity_sigterm_wait_sec: float = 3.0
    #: Days that closed runs are kept in domains that are registered, at most 90.
    domain_retention: str = "90"
    #: A dict for logging.config.dictConfig, in a settings module. By default lines on standard error.
    logging: dict[str, Any] | None = None
    #: `HOST:PORT`: log there too, by UDP.
    simpleflow_syslog_target: str | None = None
    #: The host of STEP_BUCKET, and of buckets whose region may not be asked for.
    simpleflow_s3_host: str = "s3.amazonaws.com"
    #: Encrypt what is written to S3 (AES256).
    simpleflow_s3_sse: bool = False
    #: What answers in the place of Amazon's services, for S3 where AWS_ENDPOINT_URL_S3 is not set.
    aws_endpoint_url: str = ""
    #: What answers in the place of Amazon S3.
    aws_endpoint_url_s3: str = ""
    #: Where it is kept which steps are done. By default a directory in the user's data directory.
    step_bucket: str = ""
    #: Where measurements are written. By default a directory in the user's data directory.
    metrology_bucket: str = ""
    #: What keys of measurements begin with.
    metrology_path_prefix: str | None = None
    #: Has no effect; settings modules of simpleflow 0.x name it.
    simpleflow_enable_disk_cache: bool = False
    #: Where downloaded programs are kept. By default in the user's cache directory.
    simpleflow_binaries_directory: str = ""
    #: A JSON object: what deciders and workers say of themselves in histories, beside or instead of user, hostname, pid
    #: and exe; null takes one away.
    simpleflow_identity: Mapping[str, Any] = field(default_factory=dict)
    #: Seconds that the engine has to answer when a shell completes an id; Amazon SWF may need 2.
    simpleflow_completion_seconds: float = 0.3

    @property
    def engine_url(self) -> str:
        """The engine that is configured: by default AWS_ENDPOINT_URL_SWF's, else a file of the user's."""
        elsewhere = self.aws_endpoint_url_swf
        if elsewhere.startswith("https:"):  # Amazon's own, which is never called unless it is named
            elsewhere = ""
        return self.engine or elsewhere or f"sqlite:{default_database()}"

    @property
    def steps(self) -> str:
        """The bucket of steps that are done: by default a directory of the user's."""
        return self.step_bucket or str(_of_user("data") / "steps")

    @property
    def metrology(self) -> str:
        """The bucket of measurements: by default a directory of the user's."""
        return self.metrology_bucket or str(_of_user("data") / "metrology")

    @property
    def binaries(self) -> str:
        """The directory of downloaded programs: by default one of the user's."""
        if self.simpleflow_binaries_directory:
            return self.simpleflow_binaries_directory
        return str(_of_user("cache") / "binaries")

    @property
    def s3_encryption(self) -> dict[str, str]:
        """What S3 is told with all that is written there."""
        return {"ServerSideEncryption": "AES256"} if self.simpleflow_s3_sse else {}

    def payload_stores(self, engine: str) -> tuple[str, ...]:
        """The URLs of where large values lie for the engine of this URL: the first for those to come, or "none".

        What is configured, else the directory beside the engine's file, or the server of an engine that is reached by
        HTTP; that one is read in any case.
        """
        elsewhere = self.aws_endpoint_url_swf
        if engine.partition(":")[0] == "aws" and elsewhere.startswith("http://"):
            engine = elsewhere
        scheme, _, rest = engine.partition(":")
        own: tuple[str, ...] = ()
        if engine == "memory":
            own = ("memory:",)
        elif scheme == "sqlite":
            own = (f"file:{payload_directory(rest.partition('?')[0])}",)
        elif scheme in ("http", "https"):
            own = (engine,)
        bucket = self.jumbo_fields_bucket
        configured = self.payload_store or (f"s3://{bucket}" if bucket else "")
        if configured.startswith("file:"):
            configured = f"file:{Path(configured.removeprefix('file:')).expanduser().resolve()}"
        return (configured, *own) if configured else own


_READERS: dict[str, Callable[[Any], Any]] = {
    "lambdas": _lambdas,
    "log_level": _level,
    "swf_connection_retries": _number,
    "swf_max_open_activity_count": _number,
    "workflow_default_execution_time": _seconds,
    "workflow_default_decision_task_timeout": _seconds,
    "activity_default_timeout": _seconds,
    "activity_start_to_close_timeout": _seconds,
    "activity_schedule_to_close_timeout": _seconds,
    "activity_schedule_to_start_timeout": _seconds,
    "activity_heartbeat_timeout": _seconds,
    "activity_sigterm_wait_sec": _duration,
    "simpleflow_completion_seconds": _duration,
    "domain_retention": _days,
    "logging": _logging,
    "simpleflow_identity": _identity,
    "simpleflow_syslog_target": _address,
    "simpleflow_s3_sse": _truth,
    "simpleflow_enable_disk_cache": _truth,
    "payload_store": _store,
}
_VARIABLES = {
    "engine": "SIMPLEFLOW_ENGINE",
    "domain": "SWF_DOMAIN",
    "access_keys": "SIMPLEFLOW_ACCESS_KEYS",
    "payload_store": "SIMPLEFLOW_PAYLOAD_STORE",
    "jumbo_fields_bucket": "SIMPLEFLOW_JUMBO_FIELDS_BUCKET",
    "format": "SIMPLEFLOW_FORMAT",
    "lambdas": "SIMPLEFLOW_LAMBDAS",
    "disable_setproctitle": "SIMPLEFLOW_DISABLE_SETPROCTITLE",
}


NAMES: dict[str, str] = {_VARIABLES.get(each.name, each.name.upper()): each.name for each in fields(Config)}
"""The fields of Config by the names of their variables, which are the settings' names."""

_put: dict[str, Any] = {}


def read(
    environ: Mapping[str, str], module: Mapping[str, Any] | None = None, put: Mapping[str, Any] | None = None
) -> Config:
    """The settings of an environment, of a settings module's names, and of what a program `put`. Raises ConfigError.

    The last of them goes first, then the environment. An empty variable counts as not set, and so does None.
    """
    found: dict[str, Any] = {}
    for name, setting in NAMES.items():
        if put is not None and put.get(name) is not None:
            found[setting] = _cast(name, put[name], "the setting ")
        elif environ.get(name):
            found[setting] = _cast(name, environ[name], "the environment variable ")
        elif module is not None and module.get(name) is not None:
            found[setting] = _cast(name, module[name], f"the settings module {environ[MODULE]}: ")
    if "activity_default_timeout" in found:
        found.setdefault("activity_start_to_close_timeout", found["activity_default_timeout"])
    return Config(**found)


@cache
def load() -> Config:
    """The settings of this process, read at the first call. Raises ConfigError."""
    return read(os.environ, _module(os.environ.get(MODULE)), _put)


def put(values: Mapping[str, Any]) -> None:
    """Set settings of this process, by their names; None takes back what was put. Raises ConfigError, and sets none.

    What has read its settings already, such as a decider that runs, keeps them.
    """
    for name in values:
        if name not in NAMES:
            import difflib

            near = difflib.get_close_matches(name, NAMES, 1)
            raise ConfigError(f"there is no setting {name}" + (f": did you mean {near[0]}?" if near else ""))
    read({}, put=values)
    _put.update(values)
    load.cache_clear()


def _cast(name: str, value: Any, where: str) -> Any:
    reader: Callable[[Any], Any] = _READERS.get(NAMES[name], _text)
    try:
        return reader(value)
    except ValueError as error:
        raise ConfigError(f"{where}{name}={value!r} {error}") from None


def _module(name: str | None) -> Mapping[str, Any] | None:
    """The names of the settings module, which may be any module that can be imported."""
    if not name:
        return None
    try:
        return vars(importlib.import_module(name))
    except Exception as error:
        raise ConfigError(f"the environment variable {MODULE}={name!r}: cannot import it: {one_line(error)}") from error


def workflow_type(workflow: type[Workflow], settings: Config) -> dict[str, str]:
    """The workflow type of a class, as requests name it; what the class leaves open is filled from the settings."""
    return {
        "name": workflow.name or workflow.__name__,
        "version": workflow.version or settings.workflow_default_version,
    }


def type_defaults(workflow: type[Workflow], settings: Config) -> dict[str, Any]:
    """The defaults with which a class's workflow type is registered."""
    decision = workflow.decision_tasks_timeout or settings.workflow_default_decision_task_timeout
    execution = workflow.execution_timeout or settings.workflow_default_execution_time
    return {
        "defaultTaskList": {"name": workflow.task_list or settings.workflow_default_task_list},
        "defaultExecutionStartToCloseTimeout": str(execution),
        "defaultTaskStartToCloseTimeout": str(decision),
        "defaultChildPolicy": workflow.child_policy or "TERMINATE",
    }


def payload_directory(database: str | Path) -> Path:
    """Where the large values lie of the engine with this file: one place, whatever path leads to the file."""
    found = Path(database).expanduser().resolve()
    return found.with_name(f"{found.name}.payloads")


def aws_keys() -> Any:
    """The keys with which boto3 signs, as its `Credentials`, where variables or files have some; else None.

    Nobody on the network is asked: roles and single sign-on have none.
    """
    import botocore.session

    chain = botocore.session.get_session().get_component("credential_provider").providers
    kept = ("env", "shared-credentials-file", "custom-process", "config-file")
    return next(filter(None, (each.load() for each in chain if each.METHOD in kept)), None)


def default_database() -> Path:
    """The file of the default engine, in the user's data directory (XDG_DATA_HOME on Linux)."""
    return _of_user("data") / "engine.sqlite"


def _of_user(kind: Literal["cache", "data"]) -> Path:
    """The user's directory of this kind. Raises ConfigError for a user who has none, as in many a container."""
    import platformdirs  # 15 ms, and only needed here

    find = platformdirs.user_data_path if kind == "data" else platformdirs.user_cache_path
    try:
        return find("simpleflow", appauthor=False)
    except RuntimeError as error:
        raise ConfigError(f"this user has no home directory: set HOME or XDG_{kind.upper()}_HOME") from error
