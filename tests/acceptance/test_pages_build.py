"""The pages of docs/ become a site without a warning, and the site needs nothing from the network."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from html import unescape
from importlib.metadata import version
from pathlib import Path

import pytest

from shell import ROOT
from simpleflow import config
from simpleflow.cli.app import COMMANDS

OURS = ("https://docs.python.org/", "https://github.com/pradyunsg/furo")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-E", "-W", "--keep-going", "-n", "-q", str(ROOT / "docs"), str(made)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    return made


def test_what_builds_the_pages_alone_is_what_the_tests_build_them_with() -> None:
    """`make docs` has the extra `docs`, and not all that the tests have."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert "simpleflow[testing]" in extras["docs"], "which pages document"
    (most,) = re.findall(r"sphinx>=[\d.]+,<(\d+)", " ".join(extras["docs"]))
    assert int(version("sphinx").split(".")[0]) == int(most) - 1


def test_each_page_is_there(site: Path) -> None:
    pages = [page.relative_to(ROOT / "docs").with_suffix(".html") for page in (ROOT / "docs").rglob("*.md")]
    assert len(pages) > 40 and [str(page) for page in pages if not (site / page).exists()] == []


def test_nothing_comes_from_the_network(site: Path) -> None:
    for page in site.rglob("*.html"):
        asked = re.findall(r"<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=\"(https?:[^\"]*)", page.read_text())
        assert not asked, page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", sheet.read_text()), sheet


def test_what_is_generated(site: Path) -> None:
    commands = (site / "reference" / "commands.html").read_text()
    assert [name for name in COMMANDS if f'id="command-{name.replace(".", "-")}"' not in commands] == []
    assert "[env: SIMPLEFLOW_ENGINE]" in unescape(commands)
    settings = (site / "reference" / "settings.html").read_text()
    assert [name for name in config.NAMES if f">{name}</span>" not in settings] == []
    examples = (site / "examples.html").read_text()
    sources = [path.stem.replace("_", "-") for path in (ROOT / "examples").glob("[!_]*.py")]
    assert [name for name in sources if f'id="example-{name}"' not in examples] == []
    assert "continue_as_new" in (site / "reference" / "api" / "workflow.html").read_text()
