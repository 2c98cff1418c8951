"""The pages of the documentation, and the blocks of code in them: README, CONTRIBUTING and docs/.

What becomes of a block is told by the words after its three backquotes; `KINDS` is all that there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from shell import ROOT

KINDS = {
    "python": "run, with what the blocks of its page before it have defined",
    "python in run": "run by a workflow, as the body of its `run`",
    "python not run: REASON": "compiled, and its names and arguments looked up",
    "pycon": "run, and what is printed compared",
    "console": "typed and compared",
    "console terminal=NAME": "likewise, in another terminal, where a command may be left running until ^C",
    "sh": "its commands, options, settings and modules looked up",
    "ini": "read",
    "yaml": "read",
    "json": "read",
    "dockerfile": "its instructions looked up",
    "text": "shown",
}
"""What the words after the backquotes may be, and what becomes of the block. A file of a page is a block of any kind
after a line that ends with the file's name in backquotes and a colon."""

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code: where it stands, the words after its backquotes, and the name of the file that it is."""

    page: Path
    line: int
    info: str
    text: str
    file: str = ""

    @property
    def language(self) -> str:
        return self.info.partition(" ")[0]

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def padded(self) -> str:
        """The text on the lines that it has in its page, for errors that name them."""
        return "\n" * self.line + self.text


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page in order, with what ``<!-- with: ... -->`` adds to its names as blocks of Python."""
    text = page.read_text(encoding="utf-8")
    lines = text.splitlines()
    for token in MarkdownIt("commonmark").parse(text):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "fence":
            before = next((each for each in reversed(lines[: line - 1]) if each.strip()), "")
            named = re.search(r"`([\w./-]+\.\w+)`[^`]*:$", before)
            yield Block(page, line, token.info.strip(), token.content, named[1] if named else "")
        elif token.type == "code_block":
            yield Block(page, line, "(indented)", token.content)
        elif token.type == "html_block" and (found := re.match(r"<!-- with:\s(.*?)-->", token.content, re.S)):
            yield Block(page, line, "python", found[1])


def kind(block: Block) -> str:
    """Which of KINDS a block is; "" for none."""
    for name in KINDS:
        pattern = re.escape(name).replace("REASON", r"\S.+").replace("NAME", r"\w+")
        if re.fullmatch(pattern, block.info):
            return name
    return ""
