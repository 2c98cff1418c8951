"""README, CONTRIBUTING and docs/: each link leads somewhere, and each page is reached by one."""

from __future__ import annotations

import re
from pathlib import Path

from simpleflow.payload.codec import MAX_LENGTH
from simpleflow.protocol.limits import AWS_LIMITS, AWS_RATES, DAY

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINKS = {
    page: {(page.parent / link).resolve() for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())}
    for page in PAGES
}


def test_links_lead_somewhere() -> None:
    missing = [f"{page.name}: {link}" for page, links in LINKS.items() for link in links if not link.exists()]
    assert len(PAGES) > 20 and missing == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    left = {ROOT / "README.md", ROOT / "CHANGELOG.md"}
    while left:
        reached |= left
        pages = {page for link in left for page in LINKS.get(link, ())}
        folders = {page for folder in pages if folder.is_dir() for page in folder.glob("*.md")}
        left = {page for page in pages | folders if page.suffix == ".md"} - reached
    assert [page.name for page in PAGES if page not in reached] == []


def test_every_page_is_listed_in_the_index_of_its_folder() -> None:
    for index in (ROOT / "docs").rglob("index.md"):
        pages = {page for page in index.parent.glob("*.md") if page != index and index.parent.name != "decisions"}
        assert sorted(page.name for page in pages - LINKS[index]) == [], index


def test_the_limits_that_are_told_are_those_that_hold() -> None:
    told = (ROOT / "docs" / "how-to" / "amazon.md").read_text().partition("## Limits")[2].partition("\n## ")[0]
    limits = AWS_LIMITS
    for figure in (limits.events, limits.open_activities, limits.open_executions, limits.activity_types, MAX_LENGTH):
        assert f"| {figure:,}" in told, figure
    assert f"| {limits.domains} |" in told and f"| {limits.execution_seconds // DAY} days |" in told
    assert f"some {AWS_RATES['PollForActivityTask'].refill} a second" in told


def test_decisions_are_numbered_one_by_one() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    for number, page in enumerate(pages, 1):
        assert page.name.startswith(f"{number:04}-") and page.read_text().startswith(f"# {number}. ")
