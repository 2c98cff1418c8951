"""What a shell offers when TAB is pressed: commands, options, and what there is in the engine just now.

It is quick or silent: an engine that is away, a file that is not there, a domain that is unknown offer nothing, and
nothing is made or registered. It must not know what the commands do.
"""

from __future__ import annotations

import ast
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final, NoReturn

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, get_completion_class

from simpleflow import config
from simpleflow.cli.app import COMPLETING, group

MOST: Final = 200
"""Things that are offered."""
SHELLS: Final = ("bash", "zsh", "fish")
ON_OPEN_RUNS: Final = ("workflow.cancel", "workflow.signal", "workflow.terminate", "workflow.wait")

BASH: Final = r"""
%(complete_func)s() {
    local IFS=$'\n' line="${COMP_LINE:0:COMP_POINT}" type value
    local word="${line##*[[:space:]]}" here="${COMP_WORDS[COMP_CWORD]}"
    local before="${word%%"$here"}"
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$before"}"); [[ $value == *. ]] && compopt -o nospace ;;
        esac
    done < <(COMP_WORDS="$line" %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""
"""Ids may have `=` in them, at which bash ends words; what stands before the last of them is not to be typed
again."""


class Bash(BashComplete):
    """Bash's completion, of the line as it was typed."""

    source_template = BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_WORDS"]
        words = click.shell_completion.split_arg_string(line)
        incomplete = "" if not words or line[-1:].isspace() else words.pop()
        return words[1:], incomplete


add_completion_class(Bash)


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the lines that make a shell complete commands, options and ids when TAB is pressed.

    \b
    bash:  eval "$(simpleflow completion bash)"     in ~/.bashrc
    zsh:   eval "$(simpleflow completion zsh)"      in ~/.zshrc, after compinit
    fish:  simpleflow completion fish > ~/.config/fish/completions/simpleflow.fish
    """
    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(group, {}, "simpleflow", COMPLETING).source())


def answer() -> NoReturn:
    """Answer a shell: print what may stand where the cursor is, and end at once, whatever the engine still does."""
    with suppress(Exception):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        shell, _, instruction = os.environ[COMPLETING].partition("_")
        made = get_completion_class(shell)
        if made is not None and instruction == "complete":
            print(made(group, {}, "simpleflow", COMPLETING).complete(), flush=True)
    os._exit(0)


def attach(command: click.Command) -> None:
    """Make the parameters of a command offer what there is, by their names.

    An option that waits for its value would keep click from reading the arguments, so it is left out.
    """
    make = command.make_context
    options = [each for each in command.params if isinstance(each, click.Option) and not each.is_flag]

    def make_context(
        info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        waits = bool(args) and any(args[-1] in (*each.opts, *each.secondary_opts) for each in options)
        return make(info_name, args[:-1] if waits else args, parent, **extra)

    command.make_context = make_context  # type: ignore[method-assign]
    for param in command.params:
        look = LOOKS.get(str(param.name))
        if look is not None and not isinstance(param.type, click.Choice):
            param.shell_complete = _offering(look)  # type: ignore[method-assign, assignment]


Look = Callable[["Asked"], Iterable[str]]


class Asked:
    """What is to be completed: of which command, in which domain, on which engine."""

    def __init__(self, ctx: click.Context, incomplete: str) -> None:
        self.command = ctx.info_name or ""
        self.incomplete = incomplete
        self.params = ctx.params
        common = ctx.find_root().params
        self.url = common.get("engine") or config.load().engine_url
        self.domain = ctx.params.get("domain") or config.load().domain

    @property
    def client(self) -> Any:
        """The engine. Raises what opening it raises; one that is not there is not made."""
        from simpleflow.cli import options

        return options.open_engine(self.url, reading=True)

    def runs(self, **conditions: Any) -> Iterator[Any]:
        """The runs of the domain, the open ones first, and the newest; those of --status alone, where there is one."""
        from datetime import UTC, datetime

        from simpleflow.runtime.runs import LONGEST_RETENTION

        client = self.client
        since = {"oldestDate": datetime.now(UTC) - LONGEST_RETENTION}
        reads = [client.list_open_workflow_executions, client.list_closed_workflow_executions]
        for read in reads[:1] if self.command in ON_OPEN_RUNS else reads:
            request = {"domain": self.domain, "startTimeFilter": since, "maximumPageSize": MOST, **conditions}
            while True:
                page = read(**request)
                yield from page["executionInfos"]
                if not page.get("nextPageToken"):
                    break
                request["nextPageToken"] = page["nextPageToken"]


def _offering(look: Look) -> Callable[[click.Context, str], list[CompletionItem[str]]]:
    def shell_complete(ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        return [CompletionItem(text) for text in in_time(look, Asked(ctx, incomplete))]

    return shell_complete


def in_time(look: Look, asked: Asked) -> list[str]:
    """What begins as it was begun, as far as it is found in time."""
    found: dict[str, None] = {}

    def search() -> None:
        with suppress(Exception):
            begin = (text for text in look(asked) if text.startswith(asked.incomplete))
            for text in begin:
                found[text] = None
                if len(found) >= MOST:
                    break

    thread = threading.Thread(target=search, daemon=True)
    thread.start()
    thread.join(config.load().simpleflow_completion_seconds)
    return list(found)


def _domains(asked: Asked) -> Iterator[str]:
    if asked.domain and "workflow_id" in asked.params:  # SWF_DOMAIN stands for it: the id may come at once
        yield from _workflow_ids(asked)
    yield from (info["name"] for info in asked.client.list_domains(registrationStatus="REGISTERED")["domainInfos"])


def _workflow_ids(asked: Asked) -> Iterator[str]:
    return (info["execution"]["workflowId"] for info in asked.runs())


def _run_ids(asked: Asked) -> Iterator[str]:
    only = {"executionFilter": {"workflowId": asked.params["workflow_id"]}}
    return (info["execution"]["runId"] for info in asked.runs(**only))


def _tags(asked: Asked) -> Iterator[str]:
    return (tag for info in asked.runs() for tag in info.get("tagList", ()))


def _task_ids(asked: Asked) -> Iterator[str]:
    from simpleflow.protocol.history import attributes
    from simpleflow.runtime import runs

    client = asked.client
    run = runs.find(client, asked.domain, asked.params["workflow_id"], asked.params.get("run_id"))
    for event in runs.history(client, run, reverse=True):
        if event["eventType"] in ("ActivityTaskScheduled", "TimerStarted"):
            told = attributes(event)
            yield told.get("activityId") or told["timerId"]


def _types(asked: Asked) -> Iterator[dict[str, Any]]:
    """The types of the domain: of --kind, else of workflows, and for type.list of both."""
    kind = asked.params.get("kind")
    client = asked.client
    reads = {"workflow": client.list_workflow_types, "activity": client.list_activity_types}
    chosen = [reads[kind]] if kind in reads else [*reads.values()] if asked.command.startswith("type.") else [
        client.list_workflow_types
    ]
    for read in chosen:
        for info in read(domain=asked.domain, registrationStatus="REGISTERED")["typeInfos"]:
            yield info.get("workflowType") or info["activityType"]


def _type_names(asked: Asked) -> Iterator[str]:
    return (type_["name"] for type_ in _types(asked))


def _type_versions(asked: Asked) -> Iterator[str]:
    name = asked.params.get("name") or asked.params.get("workflow_type_name")
    return (type_["version"] for type_ in _types(asked) if name in (None, type_["name"]))


def _where(asked: Asked) -> Iterator[str]:
    """The last condition: its field, or the names that a status has."""
    from simpleflow.swf.where import FIELDS, STATUSES, TIMES

    before, _, last = asked.incomplete.rpartition(" ")
    before += " " if before else ""
    field, _, value = last.partition("=")
    if field == "status" and "=" in last:
        done = value.rpartition(",")[0]
        yield from (f"{before}status={done}{',' if done else ''}{name}" for name in STATUSES)
    else:
        yield from (f"{before}{name}{'>' if name in TIMES else '='}" for name in FIELDS)


def _workflows(asked: Asked) -> Iterator[str]:
    """Modules below the current directory, and the classes in them that look like workflows; nothing is imported."""
    dotted, _, _ = asked.incomplete.rpartition(".")
    place = Path(*dotted.split(".")) if dotted else Path()
    before = f"{dotted}." if dotted else ""
    if dotted and place.with_suffix(".py").is_file():
        yield from (f"{before}{name}" for name in workflows_in(place.with_suffix(".py").read_text("utf-8")))
    if place.is_dir():
        if (place / "__init__.py").is_file() and dotted:
            yield from (f"{before}{name}" for name in workflows_in((place / "__init__.py").read_text("utf-8")))
        for each in sorted(place.iterdir()):
            is_package = each.is_dir() and any(islice(each.glob("*.py"), 1))
            if each.stem.isidentifier() and (is_package or (each.suffix == ".py" and each.stem != "__init__")):
                yield f"{before}{each.stem}."


def workflows_in(source: str) -> Iterator[str]:
    """The classes that derive from something called so, or have a method `run` of their own."""
    for each in ast.parse(source).body:
        if isinstance(each, ast.ClassDef):
            bases = [ast.unparse(base).rpartition(".")[2] for base in each.bases]
            methods = [node.name for node in each.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
            if any(base.endswith("Workflow") for base in bases) or (bases and "run" in methods):
                yield each.name


LOOKS: Final[dict[str, Look]] = {
    "domain": _domains,
    "workflow_id": _workflow_ids,
    "run_id": _run_ids,
    "task_id": _task_ids,
    "activity_id": _task_ids,
    "tag": _tags,
    "workflow_type_name": _type_names,
    "workflow_type_version": _type_versions,
    "name": _type_names,
    "version": _type_versions,
    "where": _where,
    "workflow": _workflows,
    "workflows": _workflows,
}
"""What the parameters of these names offer."""
