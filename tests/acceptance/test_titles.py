"""What `ps` shows of the processes that serve."""

from __future__ import annotations

import re
import signal

import psutil
import pytest

from shell import Project

KINDS = {"decider.start": ("Decider", "DeciderPoller"), "worker.start": ("Worker", "ActivityPoller")}


@pytest.mark.parametrize("command", KINDS)
@pytest.mark.parametrize("disabled", [False, True])
def test_titles(project: Project, command: str, disabled: bool) -> None:
    name, poller = KINDS[command]
    more = {"SIMPLEFLOW_DISABLE_SETPROCTITLE": "no"} if disabled else {}
    served = project.start(command, "-d", "D", "-t", "ot-x", "-N", "1", **more)
    served.says("on ot-x of the domain D")
    supervisor = psutil.Process(served.process.pid)
    (child,) = supervisor.children()
    shown = [" ".join(process.cmdline()).strip() for process in (supervisor, child)]
    served.process.send_signal(signal.SIGTERM)
    assert served.ends() == 0
    if disabled:
        assert not [title for title in shown if title.startswith("simpleflow ")]
    else:
        assert shown[0] == f"simpleflow {name}(_payload_friendly_name={poller}.start, _nb_children=1)[running]"
        assert re.fullmatch(rf"simpleflow {poller}\(task_list=ot-x\)\[(initializing|polling)\]", shown[1])
