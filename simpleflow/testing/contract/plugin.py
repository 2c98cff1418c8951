"""The pytest plugin of the suite: which services it runs against, and what they are known to do otherwise.

Options and the ini option `swf_targets` name targets. Each test runs once for each; those that need what a target
cannot do are deselected. A test that a target is known to fail must fail: its outcome is "different".
The fixtures are in `conftest`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

from simpleflow.testing.contract.target import Target

pytest.register_assert_rewrite("simpleflow.testing.contract.checked", "simpleflow.testing.contract.swf")

FOLDER = Path(__file__).parent
TARGETS = pytest.StashKey[list[Target]]()
DIFFERENT = "known to differ"
LEFT_OUT = pytest.StashKey[dict[str, Counter[str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("swf", "the contract of Amazon SWF (simpleflow.testing.contract)")
    form = "a URL as for --engine, sqlite, or MODULE:NAME of a Target"
    group.addoption("--swf-target", action="append", default=[], metavar="TARGET", help=f"what to run against: {form}")
    group.addoption("--swf-can", action="append", default=[], metavar="CAPABILITY", help="what it can; repeatable")
    group.addoption("--swf-domain", metavar="NAME", help="the domain that all tests share there")
    group.addoption("--swf-settle", type=float, metavar="SECONDS", help="how long a change takes to be read there")
    words = "targets where --swf-target is not given; memory if there is none"
    parser.addini("swf_targets", words, type="linelist", default=[])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "swf(*capabilities, **limits): what a test of the contract needs of a service")
    if config.getoption("--swf-target"):
        try:
            targets(config)
        except (ValueError, ImportError, AttributeError) as error:
            raise pytest.UsageError(str(error)) from None


def targets(config: pytest.Config) -> list[Target]:
    """What the suite runs against. Raises ValueError, ImportError or AttributeError for what is no target."""
    from simpleflow.testing.contract.targets import declared, named

    if TARGETS not in config.stash:
        names = config.getoption("--swf-target") or config.getini("swf_targets") or ["memory"]
        options = {name: config.getoption(f"--swf-{name}") for name in ("can", "domain", "settle")}
        options["can"] = frozenset(options["can"])
        config.stash[TARGETS] = [declared(target, **options) for name in names for target in named(name)]
    return config.stash[TARGETS]


def target_of(item: pytest.Item) -> Target | None:
    """The target that an item of the suite runs against; None for other tests."""
    given = item.callspec.params if item.path.is_relative_to(FOLDER) and hasattr(item, "callspec") else {}
    found: Target | None = given.get("target")
    return found


def names_of(item: pytest.Function) -> tuple[str, str]:
    """The names that a test has in `Target.differences`: of its case, and of all its cases."""
    name = f"{item.path.stem.removeprefix('test_')}::{item.originalname}"
    target = target_of(item)
    assert target is not None
    case = item.callspec.id.removeprefix(target.name).removeprefix("-")
    return f"{name}[{case}]", name


def missing(item: pytest.Item, target: Target) -> str:
    """Why a test is left out for a target; "" if it runs."""
    marks = list(item.iter_markers("swf"))
    needed = {capability for mark in marks for capability in mark.args}
    if target.only and not target.only & needed:
        return f"{' and '.join(sorted(target.only))} only"
    return min((f"no {capability}" for capability in needed - target.can), default="")


@pytest.hookimpl(trylast=True)  # after what is chosen with -k and -m
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out: dict[str, Counter[str]] = {}
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        target = target_of(item)
        lacks = missing(item, target) if target is not None else ""
        if target is not None and lacks:
            left_out.setdefault(target.name, Counter())[lacks] += 1
        (dropped if lacks else kept).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept
    config.stash[LEFT_OUT] = left_out


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """What was left out, for each target."""
    return [
        f"{target}: {counts.total()} tests left out: "
        + ", ".join(f"{reason} ({count})" for reason, count in sorted(counts.items()))
        for target, counts in config.stash.get(LEFT_OUT, {}).items()
    ]


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A test that its target is known to fail must fail."""
    target = target_of(pyfuncitem)
    known = target.differences if target is not None else {}
    reason = next((known[name] for name in names_of(pyfuncitem) if name in known), None) if known else None
    if reason is None:
        return (yield)
    try:
        yield
    except (Exception, pytest.fail.Exception):
        pyfuncitem.user_properties.append((DIFFERENT, reason))
        return True
    assert target is not None
    return pytest.fail(f"{target.name} no longer differs here; take the test off its list: {reason}", pytrace=False)


def pytest_report_teststatus(report: pytest.CollectReport | pytest.TestReport) -> tuple[str, str, str] | None:
    reason = dict(report.user_properties).get(DIFFERENT) if isinstance(report, pytest.TestReport) else None
    if reason is None or report.when != "call" or not report.passed:
        return None
    return "known to differ", "d", f"DIFFERENT ({reason})"
