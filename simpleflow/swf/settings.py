"""Which engine the object layer talks to where no connection is given, and with whose credentials on Amazon.

By default that is the configured engine (SIMPLEFLOW_ENGINE). `set(engine="http://host:8042")` names another for this
process. `region` and credentials are for the engine `aws` only; what is not set is taken from ``~/.swf``, if that
file is there, and else from where boto3 looks for it:

    [credentials]
    aws_access_key_id = ...
    aws_secret_access_key = ...

    [defaults]
    region = eu-west-1

Amazon is never called unless the engine is `aws`, whatever that file says.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from pathlib import Path
from typing import Final, TextIO

from simpleflow import config

CREDENTIALS: Final = ("aws_access_key_id", "aws_secret_access_key")
NAMES: Final = ("engine", "region", *CREDENTIALS)

_put: dict[str, str] = {}


def set(**values: str | None) -> None:
    """Set `engine` (a URL), `region`, `aws_access_key_id` or `aws_secret_access_key`; None takes a value back.

    Models and querysets that exist already go on with the client that they have used.
    """
    for name in values:
        if name not in NAMES:
            raise ValueError(f"there is no setting {name}: there are {', '.join(NAMES)}")
    for name, value in values.items():
        if value is None:
            _put.pop(name, None)
        else:
            _put[name] = value


def clear() -> None:
    """Take back all that was set."""
    _put.clear()


def get(path: str = ".swf") -> dict[str, str]:
    """The settings that there are: those that were set, else those of the file `path` in the home directory."""
    return {**from_home(path), **_put}


def engine_url() -> str:
    """The URL of the engine that is asked where nobody names one."""
    url = _put.get("engine") or config.load().engine_url
    if url == "aws" and (region := get().get("region")):
        return f"aws:{region}"
    return url


def from_env(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The settings of an environment: AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY."""
    variables = {"region": "AWS_DEFAULT_REGION", **{name: name.upper() for name in CREDENTIALS}}
    return {name: environ[variable] for name, variable in variables.items() if environ.get(variable)}


def from_home(path: str = ".swf") -> dict[str, str]:
    """The settings of a file in the home directory; none where there is no such file."""
    file = Path("~").expanduser() / path
    return from_file(file) if file.is_file() else {}


def from_file(path: str | os.PathLike[str]) -> dict[str, str]:
    """The settings of a file. Raises ValueError, which names it, where it cannot be understood."""
    with open(path, encoding="utf-8") as stream:
        return from_stream(stream)


def from_stream(stream: TextIO) -> dict[str, str]:
    """The settings of a text in the form above. Raises ValueError where it is in another one."""
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_file(stream)
    except ConfigParserError as error:
        name = getattr(stream, "name", "the settings")
        raise ValueError(f"{name}: {' '.join(str(error).split())}") from None
    places = {"region": "defaults", **dict.fromkeys(CREDENTIALS, "credentials")}
    return {name: parser[section][name] for name, section in places.items() if parser.has_option(section, name)}
