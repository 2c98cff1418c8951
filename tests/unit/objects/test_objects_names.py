"""The names under which the object layer is known: its own, and those of old."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HERE = ROOT / "simpleflow" / "swf"
OLD = ("__init__", "constants", "core", "exceptions", "format", "responses", "settings", "utils")
"""Modules that have names of old, beside those of three packages."""
NEW = {"models/event/states.py", "models/history/integrity.py"}
"""Modules of these packages that have none."""
PACKAGES = ("actors", "models", "querysets")
ALIASES = {"swf": ROOT / "swf", "simpleflow.swf.mapper": HERE / "mapper"}

MODULES = sorted(
    {f"{name}.py" for name in OLD}
    | {path.relative_to(HERE).as_posix() for package in PACKAGES for path in (HERE / package).rglob("*.py")} - NEW
)


def dotted(package: str, module: str) -> str:
    return f"{package}.{module.removesuffix('.py').replace('/', '.')}".removesuffix(".__init__")


@pytest.mark.parametrize("package", sorted(ALIASES))
def test_there_is_an_alias_of_every_module(package: str) -> None:
    found = [path.relative_to(ALIASES[package]).as_posix() for path in ALIASES[package].rglob("*.py")]
    assert sorted(found) == MODULES


@pytest.mark.parametrize("package", sorted(ALIASES))
@pytest.mark.parametrize("module", [module for module in MODULES if module != "__init__.py"])
def test_aliases_hand_on_the_same_things(package: str, module: str) -> None:
    name = dotted("simpleflow.swf", module)
    source = (ALIASES[package] / module).read_text(encoding="utf-8")
    docstring, statement = ast.parse(source).body
    assert isinstance(docstring, ast.Expr) and ast.unparse(statement) == f"from {name} import *", "and no code"
    original, alias = importlib.import_module(name), importlib.import_module(dotted(package, module))
    handed_on = getattr(original, "__all__", None) or [name for name in vars(original) if not name.startswith("_")]
    assert handed_on and all(getattr(alias, name) is getattr(original, name) for name in handed_on)


@pytest.mark.parametrize(
    "name",
    [
        "swf.models.history.builder",
        "swf.models.event.compiler",
        "swf.querysets.workflow",
        "swf.actors.worker",
        "simpleflow.swf.mapper.models.decision",
        "simpleflow.swf.mapper.core",
    ],
)
def test_names_of_old(name: str) -> None:
    assert importlib.import_module(name).__doc__


def test_programs_of_old_import() -> None:
    import simpleflow.swf.models
    from simpleflow.swf.mapper.models import Domain as Mapped
    from swf.exceptions import DoesNotExistError, PollTimeout
    from swf.models import CHILD_POLICIES, ActivityType, Domain, WorkflowExecution, WorkflowType
    from swf.models.decision import ActivityTaskDecision
    from swf.models.history import History, builder
    from swf.querysets import DomainQuerySet

    assert Domain is Mapped is simpleflow.swf.models.Domain
    assert issubclass(PollTimeout, Exception) and not issubclass(PollTimeout, DoesNotExistError)
    assert isinstance(builder.History(), History) and CHILD_POLICIES.ABANDON == "ABANDON"
    assert all((ActivityType, WorkflowExecution, WorkflowType, ActivityTaskDecision, DomainQuerySet))


def test_importing_it_loads_no_engine_and_no_boto3() -> None:
    heavy = ("apsw", "boto3", "botocore", "click", "rich", "simpleflow.engine")
    modules = "simpleflow.swf.models, simpleflow.swf.querysets, simpleflow.swf.actors, simpleflow.swf.report"
    program = f"import sys, {modules}\nprint([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
