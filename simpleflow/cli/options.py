"""Options and arguments that several commands share, and what is made of them."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from click.core import ParameterSource

from simpleflow import config
from simpleflow.cli.app import Globals
from simpleflow.clients import SWFClient
from simpleflow.payload.failures import cut
from simpleflow.runtime import start
from simpleflow.runtime.board import LATE
from simpleflow.runtime.spec import Deciding, Work
from simpleflow.runtime.stop import GRACE
from simpleflow.workflow import Workflow

F = TypeVar("F", bound=Callable[..., Any])


class Comma(click.ParamType[list[str]]):
    """Texts with commas between them."""

    name = "a,b,c"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        return [part.strip() for part in str(value).split(",") if part.strip()]


class AtLeast(click.FloatRange):
    """A number that is not less than another one. "nan" is none, though click compares it with nothing."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        return self.fail(f"{value} is no number.", param, ctx) if math.isnan(found) else found


class DomainFirst(click.Command):
    """A command with the arguments DOMAIN WORKFLOW_ID ...: SWF_DOMAIN gives the domain where the last one that is
    required is left out."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        domain = config.load().domain
        required = [each.name for each in self.get_params(ctx) if isinstance(each, click.Argument) and each.required]
        if domain and required[:1] == ["domain"]:
            given, _, _ = self.make_parser(ctx).parse_args(list(args))
            if [isinstance(given.get(name), str) for name in required] == [True] * (len(required) - 1) + [False]:
                args = [domain, *args]
        return super().parse_args(ctx, args)


class WithTruth(click.Command):
    """A command whose flags may have true or false behind them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = (param for param in self.params if isinstance(param, click.Option))
        flags = {name for option in options if option.is_flag for name in option.opts}
        kept: list[str] = []
        for word in args:
            if kept and kept[-1] in flags and word.lower() in ("true", "false"):
                kept[-1:] = kept[-1:] if word.lower() == "true" else []
            else:
                kept.append(word)
        return super().parse_args(ctx, kept)


def domain(required: bool = False) -> Callable[[F], F]:
    """The option --domain."""

    def found(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
        value = value or config.load().domain or None
        if required and value is None:
            raise click.UsageError("Missing option '-d' / '--domain' (or set SWF_DOMAIN).")
        return value

    return click.option(
        "-d",
        "--domain",
        metavar="DOMAIN",
        callback=found,
        is_eager=True,
        help="The domain, a name space for runs. [env: SWF_DOMAIN]" + (" [required]" if required else ""),
    )


def _domain_of_environment(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    found = value or config.load().domain
    if not found:
        raise click.UsageError("Missing argument 'DOMAIN' (or set SWF_DOMAIN).")
    return found


domain_argument = click.argument("domain", required=False, callback=_domain_of_environment)
"""The argument DOMAIN, where it is the only one."""


def _lambda_functions(ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    try:
        return config.lambda_functions(texts)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


follow = click.option(
    "-f", "--follow", is_flag=True, help="Show it live until it is over; ends as workflow.wait does."
)
heartbeat = click.option(
    "--heartbeat",
    type=click.IntRange(0),
    metavar="SECONDS",
    help="The most seconds between two heartbeats of a worker; 0 for none. Default: by the tasks' timeouts.",
)
grace = click.option(
    "--grace",
    type=AtLeast(0),
    metavar="SECONDS",
    default=GRACE,
    show_default=True,
    help="What tasks in hand may take once it is told to stop; then they are given back.",
)
health_port = click.option(
    "--health-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Answer GET /healthz and /readyz there, on all addresses; 0 for a free port.",
)
health_timeout = click.option(
    "--health-timeout",
    type=AtLeast(1),
    metavar="SECONDS",
    default=LATE,
    show_default=True,
    help="/healthz says no once a polling loop has not turned for so long. A poll may take 60.",
)
lambdas = click.option(
    "--lambda",
    "lambdas",
    multiple=True,
    metavar="NAME=MODULE:FUNCTION",
    callback=_lambda_functions,
    help="A Lambda function of the engine, beside those in SIMPLEFLOW_LAMBDAS; may be repeated.",
)
log_level = click.option(
    "-l",
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], case_sensitive=False),
    help="[env: LOG_LEVEL]",
)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the options of commands that start a run say."""

    workflow_id: str | None
    execution_timeout: int | None
    decision_tasks_timeout: int | None
    tags: list[str] | None
    input_file: Path | None
    input: str | None

    def start(self, url: str, domain: str, task_list: str | None = None) -> start.StartOptions:
        """The same in the words of `simpleflow.start`."""
        return start.StartOptions(
            domain=domain,
            workflow_id=self.workflow_id,
            task_list=task_list,
            execution_timeout=self.execution_timeout,
            decision_tasks_timeout=self.decision_tasks_timeout,
            tag_list=self.tags,
            engine=url,
        )

    @property
    def has_input(self) -> bool:
        return self.input is not None or self.input_file is not None

    def call_of(self, workflow: type[Workflow]) -> tuple[list[Any], dict[str, Any]]:
        return call_of(workflow, self.input, self.input_file)


def gathered(kind: type[Any], argument: str, options: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """What gives a command these options as one `argument`: a dataclass of this kind with a field for each, and
    perhaps others that have defaults."""
    names = [field.name for field in fields(kind)]

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def called(**given: Any) -> Any:
            return command(**{argument: kind(**{name: given.pop(name) for name in names if name in given})}, **given)

        decorated: Callable[..., Any] = called
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


run_options = gathered(
    RunOptions,
    "run",
    (
        click.option("--workflow-id", metavar="ID", help="Default: {name}-{time}-{random}."),
        click.option("--execution-timeout", type=click.IntRange(1), metavar="SECONDS", help="For the whole run."),
        click.option("--decision-tasks-timeout", type=click.IntRange(1), metavar="SECONDS", help="For one decision."),
        click.option("--tags", type=Comma(), help="Up to five tags of the run."),
        click.option("--input-file", type=click.Path(path_type=Path), metavar="FILE", help="A file with the input."),
        click.option("-i", "--input", metavar="JSON", help="""'[1, 2]' or '{"args": [1], "kwargs": {"t": 2}}'."""),
    ),
)
"""The options of commands that start a run."""


STICKY: Final = 10  # seconds, where one command starts several deciders


@dataclass(frozen=True, slots=True)
class DecidingOptions:
    """What the options of commands that start deciders say of how these decide."""

    sticky: int | None
    cache_size: int
    cache_memory: int

    def of(self, deciders: int) -> Deciding:
        """The same for so many deciders."""
        sticky = self.sticky if self.sticky is not None else STICKY * (deciders > 1)
        return Deciding(sticky, self.cache_size, self.cache_memory)


deciding_options = gathered(
    DecidingOptions,
    "deciding",
    (
        click.option(
            "--sticky",
            type=click.IntRange(0),
            metavar="SECONDS",
            help="A run's next decision waits so long for the decider that has it in memory. "
            f"Default: {STICKY} where there are several deciders, else 0: off.",
        ),
        click.option(
            "--cache-size",
            type=click.IntRange(0),
            metavar="N",
            default=Deciding().cache_size,
            show_default=True,
            help="Suspended runs that each decider keeps; others are read again from their history.",
        ),
        click.option(
            "--cache-memory",
            type=click.IntRange(1),
            metavar="MB",
            default=Deciding().cache_memory,
            show_default=True,
            help="The most memory that these runs take in each decider, roughly.",
        ),
    ),
)
"""The options of commands that start deciders."""


def middlewares(command: F) -> F:
    """The options that name functions to call around activities; the command is given them as `before` and `after`."""
    for dest, names, when in (("after", "post", "after"), ("before", "pre", "before")):
        command = click.option(
            f"--middleware-{names}-execution",
            dest,
            multiple=True,
            metavar="NAME",
            help=f"Call the function of this dotted name {when} each activity; may be repeated.",
        )(command)
    return command


def _of_children(ctx: click.Context, param: click.Parameter, value: int | None) -> int | None:
    if value is not None and ctx.params["isolation"] == "thread":
        raise click.UsageError(f"{param.opts[0]} is of children, and --isolation thread has none: leave it out.")
    return value


work_options = gathered(
    Work,
    "work",
    (
        click.option(
            "--concurrency",
            type=click.IntRange(1),
            metavar="N",
            default=1,
            show_default=True,
            help="So many tasks at a time in each process.",
        ),
        click.option(
            "--isolation",
            type=click.Choice(["warm", "fresh", "thread"]),
            default="warm",
            show_default=True,
            is_eager=True,
            help="Children that are kept, a fresh one for each task, or threads, which cannot be killed.",
        ),
        click.option(
            "--max-tasks-per-child",
            "max_tasks",
            type=click.IntRange(1),
            metavar="N",
            callback=_of_children,
            help="Replace a child after so many tasks.",
        ),
        click.option(
            "--max-rss",
            type=click.IntRange(1),
            metavar="MB",
            callback=_of_children,
            help="Replace a child that has more resident memory when its task is over.",
        ),
        click.option(
            "--module",
            "modules",
            multiple=True,
            metavar="MODULE",
            help="Import this module when a child starts; may be repeated.",
        ),
        click.option(
            "--allow",
            multiple=True,
            metavar="PREFIX",
            help="Import for tasks only what this dotted name names or holds; may be repeated.",
        ),
        middlewares,
    ),
)
"""The options that say how workers work."""


def retyped(ctx: click.Context, *names: str) -> list[str]:
    """Those of these options that were typed, as the words to type them again."""
    words = []
    for param in ctx.command.params:
        if param.name in names and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE:
            value = ctx.params[param.name]
            if isinstance(value, dict):
                value = [f"{key}={each}" for key, each in value.items()]
            for each in value if param.multiple else (value,):
                words += [param.opts[0], str(each)]
    return words


def engine_url(options: Globals) -> str:
    """The engine for a command that works with other processes. Refuses `memory`, which no other process sees."""
    url = options.engine_url
    if url.partition(":")[0] == "memory":
        raise click.ClickException(
            "the engine `memory` lives in one process and serves --local only: choose another with "
            "--engine sqlite:PATH, or unset SIMPLEFLOW_ENGINE for the file in your data directory"
        )
    return url


def lambdas_of(url: str, given: dict[str, str]) -> dict[str, str]:
    """The Lambda functions that an engine is told of when it is opened: those of the settings, and of --lambda."""
    if start.is_embedded(url):
        return {**config.load().lambdas, **given}
    if given and start.is_amazon(url):
        raise click.ClickException("Amazon SWF runs Lambda functions itself: leave --lambda out")
    if given:
        raise click.ClickException(
            f"the server at {url} says which Lambda functions there are: give --lambda to `simpleflow server`"
        )
    return {}


def open_engine(url: str, reading: bool = False) -> SWFClient:
    """The client of an engine. A command that only reads makes no file."""
    kind, _, path = url.partition(":")
    path = path.partition("?")[0]
    if reading and kind == "sqlite" and path and not Path(path).exists():
        raise click.ClickException(f"there is no engine at {path}: start a run there first, or name another --engine")
    try:
        return start.open_engine(url)
    except ValueError as error:
        raise click.ClickException(str(error)) from None


def call_of(workflow: type[Workflow], input: str | None, file: Path | None) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of ``run`` in --input or --input-file, checked against its signature."""
    args, kwargs = read_call(input, file)
    try:
        start.check_call(workflow, args, kwargs)
    except TypeError as error:
        raise click.ClickException(f"the input does not fit {error}") from None
    return args, kwargs


def read_call(input: str | bytes | None, file: Path | None) -> tuple[list[Any], dict[str, Any]]:
    """Arguments from JSON: an object of nothing but "args" and "kwargs" is taken as it is, an array is positional
    arguments, all else is one argument."""
    if file is not None:
        if input is not None:
            raise click.UsageError("--input and --input-file exclude each other")
        input = file.read_bytes()
    if not input:
        return [], {}
    what = f"the input in {file}" if file else "--input"
    try:
        value = json.loads(input)
    except ValueError as error:
        hint = "" if file else """: write '[1, 2]', '"text"' or '{"args": [1], "kwargs": {"t": 2}}'"""
        raise click.ClickException(f"{what} is no JSON ({error}){hint}") from None
    if not isinstance(value, dict):
        return (value if isinstance(value, list) else [value]), {}
    args, kwargs = value.get("args", []), value.get("kwargs", {})
    if not value.keys() <= {"args", "kwargs"}:
        if value.keys() & {"args", "kwargs"}:
            others = ", ".join(sorted(value.keys() - {"args", "kwargs"}))
            raise click.ClickException(f'{what} has {others} beside "args" and "kwargs": leave it out')
        return [value], {}
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise click.ClickException(f'{what}: "args" takes an array and "kwargs" an object')
    return args, kwargs


def tell(text: str) -> None:
    """Print a line on standard output; a reader that has gone, or a full disk, stops nothing that is durable."""
    try:
        click.echo(text)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def brief(value: Any) -> str:
    """A value on one line, its middle left out where it is long."""
    return cut(json.dumps(value, ensure_ascii=False), 500)
