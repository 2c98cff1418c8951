"""Record a run's history for ever: ``python tools/record_history.py module.Class INPUT > tests/histories/NAME.json``.

The run is made in this process, as --local does. tests/unit/decider/test_histories.py replays what lies in
tests/histories; a change of the decider that cannot read one of them would break runs that are under way.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from datetime import datetime
from pathlib import Path
from typing import Any

from simpleflow.activity import importable_name
from simpleflow.config import load, workflow_type
from simpleflow.decider import load_workflow
from simpleflow.exceptions import WorkflowFailed
from simpleflow.runtime.local import DOMAIN, Local


def record(name: str, arguments: list[Any]) -> dict[str, Any]:
    """The events of a run of the class with this dotted name."""
    workflow = load_workflow(name)
    local = Local(workflow)
    engine, found = local._engine, []
    close, engine.close = engine.close, lambda: None  # type: ignore[method-assign]
    try:
        local.run(*arguments)
    except WorkflowFailed as error:
        print(error, file=sys.stderr)
    closed = engine.list_closed_workflow_executions(
        domain=DOMAIN, startTimeFilter={"oldestDate": 0}, typeFilter={"name": workflow_type(workflow, load())["name"]}
    )
    info = closed["executionInfos"][-1]  # the first of those as which it goes on; children are of other types
    found = engine.get_workflow_execution_history(domain=DOMAIN, execution=info["execution"])["events"]
    close()
    return {"workflow": importable_name(workflow), "execution": info["execution"], "events": found}


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(type(value))


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):
        recorded = record(sys.argv[1], json.loads(sys.argv[2]) if len(sys.argv) > 2 else [])
    text = json.dumps(recorded, indent=1, default=plain)
    print(text.replace(str(Path.cwd()), "."))  # tracebacks name files
