"""The command `simpleflow`: its options, its list of commands, and what becomes of errors."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import click
from click.shell_completion import CompletionItem

from simpleflow import config, log
from simpleflow.observe import bear_with_streams

COMMANDS: Final = {
    "activity.complete": ("activity", "Complete an activity that has left that to others."),
    "activity.fail": ("activity", "Fail an activity that has left its completion to others."),
    "activity.rerun": ("activity", "Run one activity of a run again, in this process."),
    "binaries.download": ("binaries", "Download programs that activities need."),
    "completion": ("completion", "Print what makes a shell complete commands and ids."),
    "decider.start": ("processes", "Decide runs: start decider processes."),
    "domain.deprecate": ("domain", "Retire a domain: nothing new is started there."),
    "domain.describe": ("domain", "Show one domain."),
    "domain.list": ("domain", "List the domains of the engine."),
    "domain.register": ("domain", "Register a domain."),
    "engine.backup": ("engine", "Copy the engine's file while others use it."),
    "engine.check": ("engine", "See that the engine's file is whole."),
    "engine.vacuum": ("engine", "Remove what is past its retention, and make the file small."),
    "info": ("info", "Show versions, settings and the environment."),
    "server": ("server", "Serve the engine to Amazon SWF's clients, over HTTP."),
    "standalone": ("standalone", "Run a workflow with all the processes that it needs."),
    "task.info": ("task", "Show a task of a run, and what it has printed."),
    "tasklist.info": ("tasklist", "Count the tasks that wait in a task list."),
    "type.delete": ("type", "Delete a type that is deprecated, for good."),
    "type.deprecate": ("type", "Retire a type: nothing new is started of it."),
    "type.list": ("type", "List the workflow and the activity types of a domain."),
    "worker.start": ("processes", "Run activities: start worker processes."),
    "workflow.cancel": ("steering", "Ask a run to cancel itself."),
    "workflow.explain": ("explain", "Say why a run failed, or why it waits."),
    "workflow.filter": ("listing", "List runs by tag, id, type, status or dates, in full."),
    "workflow.graph": ("graph", "Draw a run's tasks, and what came after what."),
    "workflow.history": ("workflow", "Show the events of a run."),
    "workflow.info": ("workflow", "Show one run: its status, its result or its failure."),
    "workflow.list": ("workflow", "List the open or the closed runs of a domain."),
    "workflow.profile": ("profile", "Show what took a run's time, in rows or drawn."),
    "workflow.repair": ("repair", "Start a run that takes over what another one has completed."),
    "workflow.restart": ("steering", "Terminate a run, and start it again as it was."),
    "workflow.result": ("steering", "Print what a run returned, as JSON."),
    "workflow.signal": ("steering", "Send a signal to a run."),
    "workflow.start": ("starting", "Start a run, or run a workflow in this process with --local."),
    "workflow.tasks": ("listing", "Show the tasks of a run, the latest first."),
    "workflow.terminate": ("steering", "End a run now."),
    "workflow.wait": ("steering", "Wait until a run has closed; the exit code tells how."),
}
"""Each command's module in this package and its help, known without importing it."""

FORMATS: Final = ("csv", "tsv", "tabular", "human", "json", "jsonl", "prettyjson")
INTERRUPTED: Final = 130
COMPLETING: Final = "_SIMPLEFLOW_COMPLETE"
"""The variable with which a shell asks what may stand where the cursor is."""


@dataclass(frozen=True, slots=True)
class Globals:
    """The options that stand before the command."""

    format: str | None = None
    header: bool | None = None
    color: str = "auto"
    debug: bool = False
    engine: str | None = None

    @property
    def engine_url(self) -> str:
        return self.engine or config.load().engine_url


class Lazy(click.Group):
    """A group that imports a command's module when the command is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"simpleflow.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace(".", "_"))
        if COMPLETING in os.environ:
            importlib.import_module("simpleflow.cli.completion").attach(command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        commands = [CompletionItem(name, help=COMMANDS[name][1]) for name in names]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"There is no command {args[0]!r}.{_near_command(args)}")
        return super().resolve_command(ctx, args)


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--format", type=click.Choice(FORMATS), help="Form of the output. [env: SIMPLEFLOW_FORMAT]")
@click.option("--header/--no-header", default=None, help="Name the columns; on a terminal they are named anyway.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
@click.option("--engine", metavar="URL", help="sqlite:PATH, http://HOST:PORT, aws[:REGION]. [env: SIMPLEFLOW_ENGINE]")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="simpleflow", prog_name="simpleflow")
@click.pass_context
def group(
    ctx: click.Context, format: str | None, header: bool | None, color: log.Mode, engine: str | None, debug: bool
) -> None:
    """Durable dataflow programs in plain Python.

    \b
    Try:  simpleflow workflow.start --local examples.basic.BasicWorkflow --input '[1, 5]'
    """
    log.color_mode = color
    ctx.obj = Globals(format or _format_of_environment(), header, color, debug, engine)


def _near_command(words: list[str]) -> str:
    """A hint: the command that was typed with a space in it, those of this verb, else the one that is near."""
    import difflib

    near = [".".join(words[:2])] if ".".join(words[:2]) in COMMANDS else []
    near = near or [name for name in COMMANDS if name.endswith(f".{words[0]}")]
    near = near or difflib.get_close_matches(words[0], COMMANDS, 1)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def main() -> NoReturn:
    """The console script."""
    sys.path.insert(0, str(Path.cwd()))  # where a workflow's module is looked for first
    if COMPLETING in os.environ:
        importlib.import_module("simpleflow.cli.completion").answer()
    bear_with_streams()
    if os.getpid() == 1:  # a container's first process ignores what it has no handler for
        signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(128 + signum))
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; the exit code."""
    try:
        return group.main(arguments, prog_name="simpleflow", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        click.echo(f"Error: {' '.join(error.format_message().split())}{_where_help_is(error)}", err=True)
        return error.exit_code
    except click.ClickException as error:
        _trace(error, arguments)
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        _trace(error, arguments)
        return _report(error)


def _where_help_is(error: click.UsageError) -> str:
    """What to type next, to put behind an error that does not say it: one that click words itself."""
    words = error.format_message()
    own = isinstance(error, click.MissingParameter | click.NoSuchOption | click.BadOptionUsage)
    if "Did you mean" in words or not (own or words.startswith("Got unexpected")):
        return ""
    full_stop = "" if words.endswith(".") else "."
    command = error.ctx.info_name if error.ctx and error.ctx.parent else None
    if command and isinstance(error, click.NoSuchOption):
        name = error.option_name
        if any(name in (*option.opts, *option.secondary_opts) for option in group.params):
            return f"{full_stop} It stands before the command: `simpleflow {name} ... {command}`."
        if not name.startswith("--"):
            full_stop += " What begins with '-' and is an id stands behind '--'."
    return f"{full_stop} See `{error.ctx.command_path if error.ctx else 'simpleflow'} --help`."


def _trace(error: Exception, arguments: list[str]) -> None:
    """Show where an error comes from, to those who ask for it."""
    if "--debug" in arguments:
        import traceback

        traceback.print_exception(error)


def _report(error: Exception) -> int:
    """Say what is wrong in one line."""
    from simpleflow.cli.errors import explained

    click.echo(f"Error: {explained(error)}", err=True)
    return 1


def _format_of_environment() -> str | None:
    found = config.load().format
    if found and found not in FORMATS:
        raise config.ConfigError(
            f"the environment variable SIMPLEFLOW_FORMAT={found!r} takes one of {', '.join(FORMATS)}"
        )
    return found or None
