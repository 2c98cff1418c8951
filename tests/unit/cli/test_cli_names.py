"""Every command of simpleflow 0.36 is there, with the arguments and options that it had, by their names."""

from __future__ import annotations

import click
import pytest

from simpleflow.cli import app

RUN = "DOMAIN WORKFLOW_ID [RUN_ID]"
START = "--workflow-id --execution-timeout --decision-tasks-timeout --tags --input-file -i --input"
MIDDLEWARES = "--middleware-pre-execution --middleware-post-execution"
COMMANDS = {
    "workflow.start": ("WORKFLOW", f"-d --domain --task-list {START} --local {MIDDLEWARES}"),
    "workflow.terminate": (RUN, ""),
    "workflow.restart": (RUN, ""),
    "workflow.info": (RUN, ""),
    "workflow.profile": (RUN, "-n --nb-tasks"),
    "workflow.tasks": (RUN, "-n --nb-tasks"),
    "workflow.list": ("[DOMAIN]", "-s --status -d --started-since"),
    "workflow.filter": (
        "[DOMAIN]",
        "-s --status --tag --workflow-id --workflow-type-name --workflow-type-version -c --close-status -d "
        "--started-since --from-date --to-date",
    ),
    "workflow.history": ("WORKFLOW_ID [RUN_ID]", "--domain -o --of --output-format --reverse-order"),
    "task.info": ("DOMAIN WORKFLOW_ID TASK_ID", "--details --no-details"),
    "decider.start": ("[WORKFLOWS]", "-d --domain -t --task-list -l --log-level -N --nb-processes"),
    "worker.start": (
        "",
        "-d --domain -t --task-list -l --log-level -N --nb-processes --heartbeat --one-task --poll-data " + MIDDLEWARES,
    ),
    "standalone": (
        "WORKFLOW",
        f"-d --domain {START} -D --nb-deciders -W --nb-workers --heartbeat --display-status --repair "
        f"--force-activities {MIDDLEWARES}",
    ),
    "activity.rerun": ("", "--domain --workflow-id --run-id -i --input --scheduled-id --activity-id"),
    "info": ("[SECTIONS]", ""),
    "binaries.download": ("BINARIES", ""),
}


def of(name: str) -> click.Command:
    command = app.group.get_command(click.Context(app.group), name)
    assert command is not None, name
    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_arguments_and_options(name: str) -> None:
    arguments, options = COMMANDS[name]
    params = of(name).params
    assert " ".join(_argument(each) for each in params if isinstance(each, click.Argument)) == arguments
    known = {text for each in params if isinstance(each, click.Option) for text in (*each.opts, *each.secondary_opts)}
    assert set(options.split()) - known == set()


def _argument(argument: click.Argument) -> str:
    name = str(argument.name).upper()
    return name if argument.required else f"[{name}]"


@pytest.mark.parametrize("name", app.COMMANDS)
def test_every_command_loads_and_says_what_it_does(name: str) -> None:
    said = of(name).help
    assert said and said[0].isupper()
