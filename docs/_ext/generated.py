"""What the pages hold that nobody writes by hand: commands, settings, the sources of examples, tables of contents.

Each is Markdown that is put into a page as it is read, at a comment such as ``<!-- generated: commands -->``, so that
a page reads well on a code host too. Knows click's commands and the fields of `Config`, and nothing of how they work.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from types import ModuleType
from typing import Any

import click
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

from simpleflow import config
from simpleflow.cli.app import COMMANDS, group

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent


def cell(text: str) -> str:
    """A text as it stands in a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def options(command: click.Command, ctx: click.Context) -> Iterator[str]:
    rows = [found for param in command.params if (found := param.get_help_record(ctx)) and found[1]]
    if rows:
        yield from ("", "| Option | |", "|---|---|")
        yield from (f"| `{names.replace('|', chr(92) + '|')}` | {cell(text)} |" for names, text in rows)


def usage(name: str, command: click.Command, ctx: click.Context) -> Iterator[str]:
    yield from ("", "```text", f"simpleflow {name} {' '.join(command.collect_usage_pieces(ctx))}", "```", "")


def described(command: click.Command) -> str:
    """The help of a command in Markdown: its indented examples are blocks."""
    parts = inspect.cleandoc(command.help or "").replace("\f", "").split("\b\n")
    blocks = [parts[0]]
    for part in parts[1:]:
        block, _, rest = part.partition("\n\n")
        typed = any(word in block for word in ("simpleflow ", "Try:"))
        blocks += [f"```text\n{inspect.cleandoc(block)}\n```" if typed else block, rest]
    return "\n\n".join(block.strip() for block in blocks)


def commands() -> Iterator[str]:
    """Every command: how it is called, what it does, its options and their defaults."""
    top = click.Context(group, info_name="simpleflow")
    yield from ("## Before the command", "", "```text", "simpleflow [OPTIONS] COMMAND ...", "```")
    yield from options(group, top)
    for name in COMMANDS:
        command = group.get_command(top, name)
        assert command is not None
        ctx = click.Context(command, info_name=name, parent=top)
        yield from ("", f"(command-{name.replace('.', '-')})=", f"## {name}")
        yield from usage(name, command, ctx)
        yield described(command)
        yield from options(command, ctx)


def default_of(each: Any) -> str:
    value = each.default if each.default is not MISSING else None
    if value in (None, ""):
        return ""
    return f"`{json.dumps(value) if isinstance(value, bool) else value}`"


def settings() -> Iterator[str]:
    """Every setting with its default, from the comments beside the fields of `Config`."""
    texts = ModuleAnalyzer.for_module(config.__name__)
    texts.analyze()
    by_field = {each.name: each for each in fields(config.Config)}
    yield from ("| Setting | Default | |", "|---|---|---|")
    for name, setting in sorted(config.NAMES.items()):
        text = " ".join(texts.attr_docs["Config", setting])
        yield f"| `{name}` | {default_of(by_field[setting])} | {cell(text)} |"
    yield f"| `{config.MODULE}` | | A module that can be imported, whose attributes are settings. |"


def examples() -> Iterator[str]:
    """The source of each example that the page lists."""
    page = (DOCS / "examples.md").read_text(encoding="utf-8")
    for name in re.findall(r"^\| \[(\w+)\]\(", page, re.M):
        yield from (f"(example-{name})=", f"### {name}", "", f"```{{literalinclude}} ../examples/{name}.py", "```", "")


def decisions() -> Iterator[str]:
    """The decisions by their numbers."""
    for page in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        yield f"- [{page.read_text(encoding='utf-8').splitlines()[0][2:]}]({page.name})"


def changelog() -> Iterator[str]:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    yield text.partition("\n")[2].replace("](docs/", "](").replace("](README.md", "](index.md")


GENERATORS: dict[str, Callable[[], Iterator[str]]] = {
    each.__name__: each for each in (commands, settings, examples, decisions, changelog)
}


def api(module: str, *names: str) -> Iterator[str]:
    """What the docstrings of a module say, or of some of its names."""
    found = importlib.import_module(module)
    chosen = names or getattr(found, "__all__", None) or public(found)
    yield from ("```{eval-rst}", f".. py:currentmodule:: {module}", "")
    for name in chosen:
        thing = getattr(found, name)
        yield f".. auto{kind_of(thing)}:: {module}.{name}"
        yield from ("   :members:", "") if isinstance(thing, type) else ("",)
    yield "```"


def kind_of(thing: object) -> str:
    if isinstance(thing, type):
        return "exception" if issubclass(thing, BaseException) else "class"
    return "function" if callable(thing) else "data"


def public(module: ModuleType) -> list[str]:
    """The classes of a module, or where it has none its constants, in the order in which they stand."""
    own = {name: thing for name, thing in vars(module).items() if name[0] != "_"}
    classes = [name for name, thing in own.items() if getattr(thing, "__module__", "") == module.__name__]
    return [name for name in classes if isinstance(own[name], type)] or [name for name in own if name.isupper()]


def contents(docname: str, text: str) -> str:
    """A table of contents of the pages that an index lists, in their order."""
    links = re.findall(r"^(?:[-*]|\d+\.|\|) .*?\]\((?!https?:)([\w/.-]+)\.md\)", text, re.M)
    return "\n".join(["", "```{toctree}", ":hidden:", ":maxdepth: 2", "", *dict.fromkeys(links), "```", ""])


def links(docname: str, text: str) -> str:
    """Links to files beside docs/: to an example's source in the pages, to the pages that stand for the others."""
    up = "../" * docname.count("/")
    text = re.sub(r"\]\((?:\.\./)+examples/(\w+)\.py\)", r"](#example-\1)", text)
    text = re.sub(r"\]\((?:\.\./)+CHANGELOG\.md", f"]({up}changelog.md", text)
    return re.sub(r"\]\((?:\.\./)+README\.md(#[\w-]+)?", f"]({up}index.md", text)


def read(app: Sphinx, docname: str, source: list[str]) -> None:
    """Before a page is parsed."""
    text = re.sub(
        r"^<!-- generated: (\w+)[^>]*-->$", lambda found: "\n".join(GENERATORS[found[1]]()), source[0], flags=re.M
    )
    if docname == "index" or docname.endswith("/index"):
        text += contents(docname, text)
    text = re.sub(r"^<!-- api: (.+) -->$", lambda found: "\n".join(api(*found[1].split())), text, flags=re.M)
    source[0] = links(docname, text)


def drawings(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """An indented part of a docstring is shown as it is written, unless it belongs to a list or a section."""
    for number in range(len(lines) - 1, 0, -1):
        before = next((line for line in reversed(lines[:number]) if line), "")
        begins = lines[number].startswith("    ") and not lines[number - 1] and not before.startswith((" ", ":", "-"))
        if begins:
            lines[number:number] = ["::", ""]


def inner(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """What tasks tell the decider, by its codec, is nothing that users call."""
    told = str(getattr(obj, "__annotations__", ""))
    return True if "Values" in told or "Command" in told else None


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", read)
    app.connect("autodoc-process-docstring", drawings)
    app.connect("autodoc-skip-member", inner)
    return {"parallel_read_safe": True}
