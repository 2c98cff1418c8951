"""Any number of processes on one file, and their death at any instant."""

from __future__ import annotations

import collections
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from engine_integrity import check_integrity

from simpleflow.clients import client as open_client
from simpleflow.engine import VirtualClock
from simpleflow.testing.contract.swf import Swf

PROGRAM = str(Path(__file__).with_name("engine_process.py"))
NOWHERE = ("-", "-", "0")
START = 1_700_000_000.0


def spawn(path: Path, now: float, point: tuple[str, str, str] = NOWHERE) -> subprocess.Popen[str]:
    command = [sys.executable, PROGRAM, f"sqlite:{path}", str(now), *point]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process: subprocess.Popen[str]) -> tuple[list[str], str]:
    out, err = process.communicate(timeout=60)
    return out.split("\n")[:-1], err


def test_several_processes_do_each_task_once(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    with open_client(f"sqlite:{path}") as client:  # type: ignore[attr-defined]
        swf = Swf(client)
        for number in range(40):
            swf.start(f"w-{number}", input="5")
    processes = [spawn(path, 0) for _ in range(4)]
    ends = [end(process) for process in processes]
    assert [err for _, err in ends] == [""] * 4, "no process sees an error, of a lock least of all"
    assert [process.returncode for process in processes] == [0] * 4
    done = collections.Counter(line for lines, _ in ends for line in lines)
    assert done == {f"w-{run} a-{task}": 1 for run in range(40) for task in range(5)}
    histories = check_integrity(str(path))
    assert {history[-1][2] for history in histories.values()} == {"WorkflowExecutionCompleted"}


POINTS = [
    (point, operation)
    for point in ("before-commit", "after-commit")
    for operation in (
        "PollForDecisionTask",
        "RespondDecisionTaskCompleted",
        "PollForActivityTask",
        "RespondActivityTaskCompleted",
    )
]


def test_a_process_killed_in_any_call_loses_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    with open_client(f"sqlite:{path}", clock=VirtualClock(START)) as client:  # type: ignore[attr-defined]
        swf = Swf(client)
        swf.start("w-0", input="20", executionStartToCloseTimeout="31536000")
    now, kills = START, collections.Counter[tuple[str, str]]()
    completed: list[str] = []
    for number, point in enumerate(POINTS):
        now += 1000  # what the last one held has timed out
        process = spawn(path, now, (*point, str(1 + number % 3)))
        _, err = end(process)
        assert (process.returncode, err) == (-signal.SIGKILL, "")
        kills[point] += 1
        (history,) = check_integrity(str(path)).values()
        before, completed = completed, [event[2] for event in history]
        assert completed[: len(before)] == before, "no event is lost"
        assert len(completed) > len(before)
    process = spawn(path, now + 1000)
    _, err = end(process)
    assert (process.returncode, err) == (0, "")
    (history,) = check_integrity(str(path)).values()
    names = [event[2] for event in history]
    assert names[-1] == "WorkflowExecutionCompleted" and names.count("ActivityTaskCompleted") == 20
    assert kills == dict.fromkeys(POINTS, 1)


def test_a_process_killed_at_random(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    with open_client(f"sqlite:{path}") as client:  # type: ignore[attr-defined]
        swf = Swf(client)
        for number in range(30):
            swf.start(f"w-{number}", input="20")
    for lines in (1, 7, 23):
        processes = [spawn(path, 0) for _ in range(2)]
        for process in processes:
            assert process.stdout
            for _ in range(lines):
                assert process.stdout.readline()
            process.kill()
            process.communicate()
        check_integrity(str(path))
    process = spawn(path, time.time() + 1000)
    assert end(process)[1] == "" and process.returncode == 0, "nothing is wedged"
    for history in check_integrity(str(path)).values():
        names = [event[2] for event in history]
        assert names[-1] == "WorkflowExecutionCompleted" and names.count("ActivityTaskCompleted") == 20


def test_a_start_that_was_not_committed_never_was(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = tmp_path / "engine.db"
    with open_client(f"sqlite:{path}") as client:  # type: ignore[attr-defined]
        Swf(client)
    code = (
        "import os, signal, sys\n"
        "from simpleflow.clients import client\n"
        "kill = lambda name, operation: name == sys.argv[2] and os.kill(os.getpid(), signal.SIGKILL)\n"
        "swf = client(sys.argv[1], point=kill)\n"
        "swf.start_workflow_execution(domain='contract', workflowId=sys.argv[2],\n"
        "                             workflowType={'name': 'w', 'version': '1'})\n"
    )
    for point in ("before-commit", "after-commit"):
        done = subprocess.run([sys.executable, "-c", code, f"sqlite:{path}", point], check=False)
        assert done.returncode == -signal.SIGKILL
    histories = check_integrity(str(path))
    assert [len(history) for history in histories.values()] == [2]
    with open_client(f"sqlite:{path}") as client:  # type: ignore[attr-defined]
        swf: Any = Swf.__new__(Swf)
        swf.client = client
        assert swf.start("before-commit")
        with pytest.raises(client.exceptions.WorkflowExecutionAlreadyStartedFault):
            swf.start("after-commit")


def test_a_fork_is_refused(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from simpleflow.engine import Engine, EngineError\n"
        "engine = Engine(sys.argv[1])\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    try:\n"
        "        engine.list_domains(registrationStatus='REGISTERED')\n"
        "    except EngineError as error:\n"
        "        print(error, flush=True)\n"
        "    os._exit(0)\n"
        "os.waitpid(pid, 0)\n"
        "print(engine.list_domains(registrationStatus='REGISTERED'))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "engine.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == (
        "this engine was opened before the process was forked; open another one in the child\n{'domainInfos': []}\n"
    )


def test_the_doorbell_wakes_another_process(tmp_path: Path) -> None:
    """A process that hardly ever looks is woken for each task that another one schedules."""
    path = tmp_path / "engine.db"
    code = (
        "import sys, time\n"
        "from simpleflow.clients import client\n"
        "from simpleflow.engine import engine\n"
        "engine.LOOK = 20\n"
        "swf = client(sys.argv[1])\n"
        "while True:\n"
        "    print('waiting', flush=True)\n"
        "    poll = dict(domain='contract', taskList={'name': 'deciders'})\n"
        "    task = swf.poll_for_decision_task(**poll)\n"
        "    print(time.time() - task['events'][-2]['eventTimestamp'].timestamp(), flush=True)\n"
    )
    with open_client(f"sqlite:{path}") as client:  # type: ignore[attr-defined]
        swf = Swf(client)
        process = subprocess.Popen([sys.executable, "-c", code, f"sqlite:{path}"], stdout=subprocess.PIPE, text=True)
        assert process.stdout
        delay = 0.0
        for number in range(10):
            assert process.stdout.readline() == "waiting\n"
            swf.start(f"w-{number}")
            delay = float(process.stdout.readline())
            if delay > 10:
                break
        process.kill()
        process.communicate()
    assert delay < 10
