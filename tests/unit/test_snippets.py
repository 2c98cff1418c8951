"""Every block of code of the README and of docs/: run, read, or at least held against what there is.

Those that are typed and compared (``console``) are in tests/acceptance/test_typed_pages.py.
"""

from __future__ import annotations

import ast
import configparser
import doctest
import importlib
import importlib.util
import inspect
import json
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
import yaml

from pages import KINDS, PAGES, Block, blocks, kind
from shell import ROOT
from simpleflow import Workflow, config
from simpleflow.cli.app import COMMANDS, group
from simpleflow.local import Executor
from simpleflow.swf import settings as objects
from simpleflow.swf.core import disconnect

BLOCKS = [block for page in PAGES for block in blocks(page)]
PYTHON = [page for page in PAGES if any(block.language in ("python", "pycon") for block in blocks(page))]
OTHERS = {".", "aws", "curl", "cut", "docker", "echo", "head", "journalctl", "pip", "pytest", "sudo", "systemctl"}
"""Commands of others, of which only the words are looked at."""
FOREIGN = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", config.MODULE}
"""Variables that are not simpleflow's settings."""
INSTRUCTIONS = {"FROM", "COPY", "RUN", "USER", "WORKDIR", "ENV", "ENTRYPOINT", "CMD", "EXPOSE", "HEALTHCHECK"}


def of(*languages: str) -> list[Any]:
    return [pytest.param(block, id=block.place) for block in BLOCKS if block.language in languages]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_there_are_blocks_of_each_kind() -> None:
    assert {kind(block) for block in BLOCKS} - {""} == set(KINDS)
    assert len(BLOCKS) > 100


def test_each_block_says_what_becomes_of_it() -> None:
    unknown = [f"{block.place}: {block.info or 'nothing'}" for block in BLOCKS if not kind(block)]
    assert not unknown, f"give these one of {', '.join(KINDS)} (tests/acceptance/pages.py): {unknown}"


# -- Python --------------------------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory of the page's own, and nothing left of what it has set."""
    for page in PYTHON:
        for block in blocks(page):
            if block.file and block.language == "python":
                monkeypatch.delitem(sys.modules, block.file.removesuffix(".py").replace("/", "."), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    config.load.cache_clear()
    before = dict(config._put)
    yield tmp_path
    config._put.clear()
    config._put.update(before)
    config.load.cache_clear()
    objects.clear()
    disconnect()


@pytest.mark.parametrize("page", PYTHON, ids=name_of)
def test_python(page: Path, place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """The blocks of a page in order, in one module, whose functions are activities that can be imported."""
    module = ModuleType(f"page_{re.sub(r'[^a-z0-9]', '_', page.stem)}")
    module.__file__ = str(page)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    inside: list[Block] = []
    for block in blocks(page):
        if block.file:
            (place / block.file).parent.mkdir(parents=True, exist_ok=True)
            (place / block.file).write_text(block.text, encoding="utf-8")
        if block.language not in ("python", "pycon"):
            continue
        try:
            run(block, module)
        except Exception as error:
            error.add_note(f"at {block.place}")
            raise
        if block.info == "python in run":
            inside.append(block)
    if inside:
        Executor(workflow(inside, module.__dict__)).run()


def run(block: Block, module: ModuleType) -> None:
    names = module.__dict__
    if block.info == "pycon":
        examples(block, names)
    elif block.info != "python":
        check(tree_of(block.text), names)
    else:
        check(ast.parse(block.padded), names)
        exec(compile(block.padded, str(block.page), "exec"), names)


def examples(block: Block, names: dict[str, Any]) -> None:
    said: list[str] = []
    parsed = doctest.DocTestParser().get_doctest(block.text, {}, block.page.name, str(block.page), block.line)
    parsed.globs = names  # a copy would be forgotten
    failed, tried = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(parsed, out=said.append, clear_globs=False)
    assert tried and not failed, "".join(said)


def tree_of(text: str) -> ast.Module:
    """A part of a program, as a tree: it may return, await and yield."""
    return ast.parse("async def part(self):\n" + textwrap.indent(text, "    "))


def workflow(inside: list[Block], names: dict[str, Any]) -> type[Workflow]:
    """A workflow with a page's blocks as its `run`. What they name is of the page, for its functions too."""
    tree = tree_of("\n".join(block.text for block in inside))
    function = tree.body[0]
    assert isinstance(function, ast.AsyncFunctionDef)
    stored = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    if stored:
        function.body.insert(0, ast.Global(sorted(stored)))
    if not any(isinstance(node, ast.Await | ast.AsyncFor) for node in ast.walk(function)):
        tree.body[0] = ast.FunctionDef(**{name: getattr(function, name) for name in function._fields})
    ast.fix_missing_locations(tree)
    exec(compile(tree, str(inside[0].page), "exec"), names)
    return type("Page", (Workflow,), {"run": names["part"], "__module__": names["__name__"]})


def check(tree: ast.Module, names: dict[str, Any]) -> None:
    """What the code names of ours is there, and takes the arguments that it is given."""
    known = dict(names)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("simpleflow", "swf"):
            found = importlib.import_module(node.module or "")
            for alias in node.names:
                known[alias.asname or alias.name] = looked_up(found, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "simpleflow":
                    known["simpleflow"] = importlib.import_module("simpleflow")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = known.get(node.value.id)
            if isinstance(owner, ModuleType) and owner.__name__.split(".")[0] in ("simpleflow", "swf"):
                looked_up(owner, node.attr)
        if isinstance(node, ast.Call):
            called(node, known)


def looked_up(owner: Any, name: str) -> Any:
    if not hasattr(owner, name):
        importlib.import_module(f"{owner.__name__}.{name}")
    return getattr(owner, name)


def called(node: ast.Call, known: dict[str, Any]) -> None:
    """A call of something of ours has arguments that it takes."""
    function = node.func
    found: Any = None
    if isinstance(function, ast.Name):
        found = known.get(function.id)
    elif isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        owner = Workflow if function.value.id == "self" else known.get(function.value.id)
        found = getattr(owner, function.attr, None) if owner is not None else None
        if owner is Workflow and found is not None:
            function = None  # the first argument is self
    module = getattr(found, "__module__", None) or ""
    if not callable(found) or not module.startswith(("simpleflow.", "swf.")):
        return
    if any(isinstance(arg, ast.Starred) for arg in node.args) or any(each.arg is None for each in node.keywords):
        return
    given = [None] * (len(node.args) + (function is None))
    inspect.signature(found).bind_partial(*given, **{each.arg: None for each in node.keywords if each.arg})


def test_a_wrong_name_is_found() -> None:
    for text in (
        "from simpleflow import flow",
        "from simpleflow import futures\nfutures.first([])",
        "from simpleflow.retry import Retry\nRetry(tries=3)",
        "self.start_timer(name='x', after=3)",
    ):
        with pytest.raises((ImportError, AttributeError, TypeError)):
            check(tree_of(text), {})


# -- commands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", of("sh", "console"))
def test_commands(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = list(typed(block))
    assert commands or block.text.startswith("^C")
    for name in variables_of(commands):
        monkeypatch.setenv(*name)
    config.load.cache_clear()
    for command in commands:
        try:
            look_at(command)
        except (click.ClickException, AssertionError) as error:
            pytest.fail(f"{block.place}: {command}: {error}")


def typed(block: Block) -> Iterator[str]:
    """What a block has typed, a command at a time, without what is optional in brackets and without comments."""
    text = block.text.replace("\\\n", " ")
    lines = text.splitlines()
    if block.language == "console":
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    for line in lines:
        line = re.sub(r"(?<=\s)\[([^\]'\"]*)\](?:\.\.\.)?", r"\1", line)
        line = re.sub(r"\$\((.*?)\)", r"X; \1", line)
        yield from ((part.strip()) for part in split(line) if part.strip())


def split(line: str) -> Iterator[str]:
    """The commands of a line: between `;`, `&&`, `|` and `&`, but for what is quoted; no redirections."""
    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    command: list[str] = []
    skip = False
    for word in words:
        if set(word) <= set(";&|"):
            yield shlex.join(command)
            command = []
        elif set(word) <= set("<>"):
            skip = True
        elif skip:
            skip = False
        else:
            command.append(word)
    yield shlex.join(command)


def variables_of(commands: list[str]) -> Iterator[tuple[str, str]]:
    """The settings that a block exports, which hold for its commands."""
    for command in commands:
        for word in shlex.split(command)[1:] if command.startswith("export ") else ():
            name, _, value = word.partition("=")
            if name in config.NAMES:
                yield name, value


def look_at(command: str) -> None:
    words = shlex.split(command)
    while words and re.fullmatch(r"\w+=.*", words[0], re.S):
        variable(words.pop(0))
    if not words:
        return
    first, *rest = words
    first = Path(first).name or first
    if first == "simpleflow":
        parse(rest)
    elif first == "export":
        for word in rest:
            variable(word)
    elif first == "make":
        assert re.search(rf"^{rest[0]}:", (ROOT / "Makefile").read_text(), re.M), "no such target"
    elif first in ("python", "python3"):
        assert rest[0] != "-m" or importlib.util.find_spec(rest[1]), "no such module"
        assert rest[0] in ("-m", "-c") or (ROOT / rest[0]).exists() or rest[0].endswith(".py")
    else:
        assert first in OTHERS, "neither ours nor of OTHERS"
        ours = [number for number, word in enumerate(rest) if word in COMMANDS]
        if first == "docker" and ours:
            parse(rest[ours[0] :])


def variable(assigned: str) -> None:
    name, _, value = assigned.partition("=")
    config.read({name: value})
    ours = name.startswith(("SIMPLEFLOW_", "SWF_", "WORKFLOW_", "ACTIVITY_", "AWS_"))
    assert not ours or name in config.NAMES or name in FOREIGN, f"there is no setting {name}"


def parse(words: list[str]) -> None:
    """By click, as far as it goes without doing anything."""
    try:
        top = group.make_context("simpleflow", words)
        name, command, rest = group.resolve_command(top, [*getattr(top, "_protected_args", []), *top.args])
        assert command is not None and name is not None
        command.make_context(name, rest, parent=top)
    except click.exceptions.Exit as done:
        assert done.exit_code == 0


def test_a_wrong_command_is_found() -> None:
    for command in ("simpleflow workflow.begin", "simpleflow server --prot 1", "make love", "simplefow info"):
        with pytest.raises((click.ClickException, AssertionError)):
            look_at(command)
    with pytest.raises(AssertionError):
        look_at("export SIMPLEFLOW_ENGIN=memory")
    line = "a=$(simpleflow info) && simpleflow server [--port N] > x  # comment; b\n"
    block = Block(ROOT / "README.md", 1, "sh", line)
    assert list(typed(block)) == ["a=X", "simpleflow info", "simpleflow server --port N"]


@pytest.mark.parametrize("block", of("sh"))
def test_shells_can_read_them(block: Block) -> None:
    text = re.sub(r"\[([^\]'\"]*)\](?:\.\.\.)?(?=\s)", r"\1", block.text)
    done = subprocess.run(["sh", "-n"], input=text, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, f"{block.place}: {done.stderr}"


# -- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", of("ini", "yaml", "json", "dockerfile"))
def test_files(block: Block) -> None:
    if block.language == "ini":
        parser = configparser.ConfigParser(strict=False)
        parser.read_string(block.text)
        assert parser.sections()
    elif block.language == "yaml":
        assert all(yaml.safe_load_all(block.text))
    elif block.language == "json":
        assert json.loads(block.text)
    else:
        assert {line.split()[0] for line in block.text.splitlines() if line} <= INSTRUCTIONS
