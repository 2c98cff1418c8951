"""From a dotted name to the workflow class that it names."""

from __future__ import annotations

import difflib
import importlib
import inspect
import sys
from pathlib import Path
from types import ModuleType

from simpleflow.exceptions import one_line
from simpleflow.workflow import Workflow


class LoadError(Exception):
    """A workflow class cannot be loaded. The message is one line; `__cause__` is what its module raised, if it did."""


def load_workflow(name: str) -> type[Workflow]:
    """The workflow class with this dotted name (``examples.basic.BasicWorkflow``). Raises LoadError."""
    module_name, _, class_name = name.rpartition(".")
    if not module_name:
        raise LoadError(f"{name!r} is no dotted name of a workflow class: write module.Class")
    module = _import(module_name)
    found = getattr(module, class_name, None)
    if found is None:
        classes = [key for key, value in vars(module).items() if _is_workflow(value)]
        near = difflib.get_close_matches(class_name, classes, 1, 0.5) or classes[:1]
        hint = f": did you mean {module_name}.{near[0]}?" if near else ", nor any workflow"
        raise LoadError(f"the module {module_name} has no {class_name}{hint}")
    if not _is_workflow(found):
        raise LoadError(f"{name} is no workflow: its class must derive from simpleflow.Workflow")
    workflow: type[Workflow] = found
    return workflow


def _import(name: str) -> ModuleType:
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            where = f"the current directory is {sys.path[0] or '.'}" if sys.path else "sys.path is empty"
            raise LoadError(f"there is no module {name} ({where}){_near_module(error.name)}") from None
        raise LoadError(f"the module {name} cannot be imported: {one_line(error)}") from error
    except (Exception, SystemExit) as error:
        raise LoadError(f"the module {name} cannot be imported: {one_line(error)}") from error


def _near_module(name: str) -> str:
    """A hint to put behind an error: the module that is near, beside where this one would be."""
    package, dot, last = name.rpartition(".")
    places = getattr(sys.modules.get(package), "__path__", ()) if package else sys.path[:1]
    there = [each for place in places if Path(place).is_dir() for each in Path(place).iterdir()]
    names = [each.stem for each in there if each.suffix == ".py" or (each.is_dir() and each.name.isidentifier())]
    near = difflib.get_close_matches(last, names, 1)
    return f": did you mean {package}{dot}{near[0]}?" if near else ""


def _is_workflow(thing: object) -> bool:
    return inspect.isclass(thing) and issubclass(thing, Workflow) and thing is not Workflow
