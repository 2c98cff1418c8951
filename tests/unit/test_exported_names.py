"""The root of the package: its names, and that importing it does nothing else."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

import simpleflow
from simpleflow import constants, task
from simpleflow.payload import codec, failures, reference
from simpleflow.protocol.limits import AWS_LIMITS
from simpleflow.swf.task import SignalTask

NAMES = [
    "Activity",
    "Future",
    "WaitForSignal",
    "Workflow",
    "activity",
    "canvas",
    "constants",
    "download",
    "exceptions",
    "execute",
    "futures",
    "local",
    "log",
    "logger",
    "marker",
    "metrology",
    "settings",
    "signal",
    "start",
    "step",
    "storage",
    "swf",
    "task",
    "workflow",
]

LATE = ("download", "execute", "local", "metrology", "settings", "step", "storage", "swf")

OLD = {
    "simpleflow": "Activity WaitForSignal Workflow logger __version__",
    "simpleflow.activity": "Activity PRIORITY_NOT_SET with_attributes",
    "simpleflow.canvas": "AggregateException Chain ChainFuture FuncGroup Group GroupFuture",
    "simpleflow.constants": "DAY HOUR JUMBO_FIELDS_PREFIX MAX_CONTROL_LENGTH MAX_DECISIONS MAX_DETAILS_LENGTH "
    "MAX_EXECUTION_CONTEXT_LENGTH MAX_HEARTBEAT_DETAILS_LENGTH MAX_IDENTITY_LENGTH MAX_INPUT_LENGTH "
    "MAX_OPEN_ACTIVITY_COUNT MAX_REASON_LENGTH MAX_REQUEST_SIZE MAX_RESULT_LENGTH MINUTE",
    "simpleflow.download": "RemoteBinary download_binaries with_binaries",
    "simpleflow.exceptions": "AggregateException ExecutionBlocked ExecutionError ExecutionTimeoutError TaskCanceled "
    "TaskException TaskFailed TaskTerminated TimeoutError WorkflowException",
    "simpleflow.execute": "format_arguments program python",
    "simpleflow.futures": "ALL_COMPLETED CANCELLED CANCELLED_AND_NOTIFIED FINISHED FIRST_COMPLETED FIRST_EXCEPTION "
    "Future PENDING RUNNING get_result_or_raise wait",
    "simpleflow.local": "Executor",
    "simpleflow.local.executor": "Executor",
    "simpleflow.log": "BLUE END GREEN ORANGE RED SimpleflowFormatter SyslogFormatter YELLOW color_mode colorize logger",
    "simpleflow.marker": "Marker",
    "simpleflow.metrology": "MetrologyTask MetrologyWorkflow",
    "simpleflow.settings": "configure print_settings put_setting",
    "simpleflow.signal": "WaitForSignal",
    "simpleflow.step.submittable": "Step",
    "simpleflow.step.workflow": "WorkflowStepMixin",
    "simpleflow.storage": "list_keys pull pull_content push push_content",
    "simpleflow.swf.executor": "Executor",
    "simpleflow.swf.task": "ActivityTask CancelTimerTask ContinueAsNewWorkflowTask MarkerTask NonPythonicActivityTask "
    "SignalTask SwfTask TimerTask WorkflowTask",
    "simpleflow.task": "ActivityTask CancelTimerTask ChildWorkflowTask MarkerTask SignalTask TaskFailureContext "
    "TimerTask WorkflowTask",
    "simpleflow.workflow": "Workflow",
}
"""What programs written for simpleflow 0.x import, and from where."""

HEAVY = ("apsw", "boto3", "botocore", "click", "greenlet", "platformdirs", "psutil", "rich", "simpleflow.engine")


def test_exported_names() -> None:
    assert simpleflow.__all__ == NAMES == sorted(NAMES)
    assert all(hasattr(simpleflow, name) for name in NAMES)


def test_import_has_no_side_effect() -> None:
    program = (
        "import logging, sys, simpleflow\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
        "print(logging.root.handlers, logging.getLogger('simpleflow').handlers)\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n[] []\n"
    assert done.stderr == ""


def test_what_workflows_do_not_use_is_imported_when_it_is_named() -> None:
    program = (
        "import sys, simpleflow\n"
        f"late = {LATE!r}\n"
        "print([name for name in (*late, 'runtime') if f'simpleflow.{name}' in sys.modules])\n"
        "print([getattr(simpleflow, name).__name__ for name in late])\n"
        "print('boto3' in sys.modules, simpleflow.swf.task.__name__, simpleflow.start.__name__)\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    names = [f"simpleflow.{name}" for name in LATE]
    assert done.stdout == f"[]\n{names}\nFalse simpleflow.swf.task start\n"
    with pytest.raises(AttributeError, match="has no attribute 'formats'"):
        _ = simpleflow.formats  # type: ignore[attr-defined]


@pytest.mark.parametrize("module", OLD)
def test_old_import_paths(module: str) -> None:
    found = import_module(module)
    assert [name for name in OLD[module].split() if not hasattr(found, name)] == []


def test_the_limits_are_those_that_hold() -> None:
    assert constants.MAX_INPUT_LENGTH == codec.MAX_LENGTH and constants.MAX_REASON_LENGTH == failures.MAX_REASON
    assert AWS_LIMITS.open_activities == constants.MAX_OPEN_ACTIVITY_COUNT
    assert reference.REFERENCE.fullmatch(f"{constants.JUMBO_FIELDS_PREFIX}bucket/dir/name 5")


def test_a_signal_as_it_was_called_of_old() -> None:
    old = SignalTask("go", "w", "r", None, {"__propagate": False}, 1, x=2)
    new = task.SignalTask("go", 1, x=2, workflow_id="w", run_id="r", propagate=False)
    assert [getattr(old, name) for name in new.__slots__] == [getattr(new, name) for name in new.__slots__]
    assert SignalTask("go", None, None).propagate
