"""What commands make of their options: inputs, domains, commands by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from examples.basic import BasicWorkflow
from simpleflow import Workflow, config
from simpleflow.cli import app, options
from simpleflow.clients import client
from simpleflow.runtime.spec import Work
from simpleflow.runtime.start import StartOptions, launch, register_domain


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "load", config.Config)


@pytest.mark.parametrize(
    ("text", "call"),
    [
        (None, ([], {})),
        ("", ([], {})),
        ("[1, [2]]", ([1, [2]], {})),
        ("1", ([1], {})),
        ("null", ([None], {})),
        ('"text"', (["text"], {})),
        ('{"args": [1], "kwargs": {"t": 2}}', ([1], {"t": 2})),
        ('{"kwargs": {"t": 2}}', ([], {"t": 2})),
        ('{"args": [1]}', ([1], {})),
        ("{}", ([], {})),
        ('{"x": 1}', ([{"x": 1}], {})),
    ],
)
def test_read_call(text: str | None, call: tuple[list[Any], dict[str, Any]]) -> None:
    assert options.read_call(text, None) == call


def test_input_file(tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    file.write_bytes('["ü"]'.encode())
    assert options.read_call(None, file) == (["ü"], {})
    file.write_bytes('["ü"]'.encode("latin-1"))
    with pytest.raises(click.ClickException, match=r"the input in .*input\.json is no JSON \('utf-8' codec"):
        options.read_call(None, file)


def test_input_and_input_file_exclude_each_other() -> None:
    with pytest.raises(click.UsageError, match="exclude each other"):
        options.read_call("1", Path("file"))


@pytest.mark.parametrize("command", ["worker.start", "standalone"])
@pytest.mark.parametrize("option", ["--max-rss", "--max-tasks-per-child"])
def test_threads_have_no_children_to_replace(command: str, option: str) -> None:
    made = app.group.get_command(click.Context(app.group), command)
    assert made is not None
    words = ["-d", "D", option, "9", *(["m.C"] if command == "standalone" else [])]
    assert made.make_context(command, [*words, "--isolation", "fresh"])
    with pytest.raises(click.UsageError, match=f"^{option} is of children, and --isolation thread has none"):
        made.make_context(command, [*words, "--isolation", "thread"])


def test_call_that_does_not_fit() -> None:
    class Two(Workflow):
        def run(self, a: int, *, b: int) -> None: ...

    assert options.call_of(Two, '{"args": [1], "kwargs": {"b": 2}}', None) == ([1], {"b": 2})
    with pytest.raises(click.ClickException, match=r"Two\.run\(a: int, \*, b: int\) -> None: missing a required"):
        options.call_of(Two, "[1]", None)


@pytest.mark.parametrize(
    ("domain", "arguments", "seen"),
    [
        ("", ["D", "W"], ("D", "W", None)),
        ("S", ["W"], ("S", "W", None)),
        ("S", ["D", "W"], ("D", "W", None)),
        ("S", ["D", "W", "R"], ("D", "W", "R")),
        ("S", ["--flag", "W"], ("S", "W", None)),
    ],
)
def test_domain_first(
    monkeypatch: pytest.MonkeyPatch, domain: str, arguments: list[str], seen: tuple[str, str, str | None]
) -> None:
    monkeypatch.setattr(config, "load", lambda: config.Config(domain=domain))

    @click.command(cls=options.DomainFirst)
    @click.argument("domain")
    @click.argument("workflow_id")
    @click.argument("run_id", required=False)
    @click.option("--flag", is_flag=True)
    def command(domain: str, workflow_id: str, run_id: str | None, flag: bool) -> tuple[str, str, str | None]:
        return domain, workflow_id, run_id

    assert command.main(arguments, standalone_mode=False) == seen


def test_memory_is_refused() -> None:
    with pytest.raises(click.ClickException, match="lives in one process"):
        options.engine_url(app.Globals(engine="memory"))
    assert options.engine_url(app.Globals(engine="sqlite:here")) == "sqlite:here"


def test_every_command_is_there_and_says_what_it_does() -> None:
    context = click.Context(app.group)
    for name in app.group.list_commands(context):
        command = app.group.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.help


def test_help_imports_no_machinery() -> None:
    program = (
        "import sys; from simpleflow.cli.app import run; code = run(['--help'])\n"
        "heavy = ('apsw', 'boto3', 'greenlet', 'rich', 'psutil', 'simpleflow.cli.workflow', 'simpleflow.engine', "
        "'simpleflow.swf')\n"
        "print([name for name in heavy if name in sys.modules], code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] 0"
    for name, (_, words) in app.COMMANDS.items():
        assert name in done.stdout
        assert words.split()[0] in done.stdout


def test_commands_that_read_import_no_more_than_they_need(tmp_path: Path) -> None:
    """Neither Amazon's client, nor what draws on terminals, nor the programs that are run."""
    url = f"sqlite:{tmp_path / 'engine.sqlite'}"
    engine = client(url)
    register_domain(engine, "D")
    launch(BasicWorkflow, [1, 0], {}, StartOptions(domain="D", engine=engine, workflow_id="b"))
    engine.close()
    program = (
        "import sys; from simpleflow.cli.app import run\n"
        "for command in ('list D', 'filter D', 'info D b', 'tasks D b', 'profile D b', 'history -d D b'):\n"
        f"    print(command, run(['--engine', {url!r}, *f'workflow.{{command}}'.split()]))\n"
        "heavy = 'boto3 botocore rich greenlet psutil starlette simpleflow.decider simpleflow.dataflow asyncio http'\n"
        "print([name for name in heavy.split() if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert (lines[-1], done.stderr) == ("[]", "")
    for command in ("list D", "filter D", "info D b", "tasks D b", "profile D b", "history -d D b"):
        assert f"{command} 0" in lines


def test_a_key_that_is_neither_args_nor_kwargs_is_a_slip() -> None:
    with pytest.raises(click.ClickException, match='--input has kwarg beside "args" and "kwargs"'):
        options.read_call('{"args": [1], "kwarg": {}}', None)


@click.command()
@options.work_options
@options.lambdas
@click.pass_context
def _working(ctx: click.Context, work: Work, lambdas: dict[str, str]) -> list[str]:
    return options.retyped(ctx, "lambdas", "modules", "max_tasks", "isolation", "before")


def test_options_that_were_typed_are_typed_again() -> None:
    typed = ["--max-tasks-per-child", "3", "--isolation", "warm", "--module", "a", "--module", "b", "--lambda", "f=m:f"]
    again = _working.main([*typed, "--allow", "a"], standalone_mode=False)
    assert sorted(again) == sorted(typed)
    assert _working.main(again, standalone_mode=False) == again
    assert _working.main([], standalone_mode=False) == []


@pytest.mark.parametrize("text", ["nan", "-1", "x"])
def test_a_time_that_is_none(text: str) -> None:
    with pytest.raises(click.BadParameter):
        options.AtLeast(0).convert(text, None, None)
