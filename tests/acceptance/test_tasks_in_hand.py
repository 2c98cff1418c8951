"""What a task can do while a worker has it, and how it ends: real processes, and the engine is the test."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from hands import SOON, Engine, Process, finish
from serving import until
from simpleflow.runtime.spec import Work

TASKS = '''
import asyncio, logging, os, signal, subprocess, sys, time
from simpleflow import activity

def say(fifo, text):
    with open(fifo, "w") as file:
        file.write(text + "\\n")

def process():
    return os.getpid()

def title():
    from setproctitle import getproctitle
    return getproctitle()

def logs():
    logging.getLogger("of.mine").info("a line")

def sleeps(fifo):
    """Be interrupted."""
    try:
        say(fifo, "begun")
        time.sleep(600)
    except BaseException as error:
        say(fifo, f"raised {type(error).__name__}")
        raise
    finally:
        say(fifo, "cleaned up")

def asks(fifo):
    """Ask, and end by itself."""
    activity.cancelled()
    say(fifo, "begun")
    while not activity.cancelled():
        time.sleep(0.01)
    return "in order"

def swallows(fifo):
    """Go on whatever is raised."""
    held = os.open(fifo, os.O_WRONLY)
    os.write(held, b"begun\\n")
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass

async def waits(fifo):
    try:
        say(fifo, "begun")
        await asyncio.sleep(600)
    except BaseException as error:
        say(fifo, f"raised {type(error).__name__}")
        raise
    finally:
        say(fifo, "cleaned up")

async def asks_and_waits(fifo):
    activity.cancelled()
    await waits(fifo)

async def prints(fifo):
    """Print, and so do others at the same time."""
    print("out", fifo)
    await asyncio.to_thread(print, "err", fifo, file=sys.stderr)
    logging.getLogger("of.mine").info("a line of %s", fifo)
    sys.stdout.writelines(["x" * 20_000, "\\n"])
    say(fifo, "printed")
    await asyncio.sleep(600)

async def adds(x, y):
    await asyncio.sleep(0)
    return x + y

class Async:
    async def execute(self):
        return "executed"

def beats(*details):
    for each in details:
        activity.heartbeat(each)
    raise ValueError("by hand")

def beats_oddly():
    activity.heartbeat(1j)

def beats_and_asks(fifo):
    activity.heartbeat(7)
    activity.heartbeat({"page": 8})
    return asks(fifo)

def beats_and_dies(details):
    print("nearly there")
    activity.heartbeat(details)
    print("\\n".join(f"line {n}" for n in range(40)), file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

def knows():
    found = activity.context()
    return [found.workflow_id, found.run_id, found.activity_id, found.attempt, found.token, found.last_details,
            found.deadline and found.deadline.timestamp(), found.idempotency_key]

def floods(fifo):
    """Print more than anybody keeps, and go on."""
    for _ in range(2_000):
        print("x" * 999)
        print("y" * 999, file=sys.stderr)
    say(fifo, "printed")
    return asks(fifo)

def closes(name):
    """Close what a daemon closes, and open a file in its place."""
    os.closerange(3, 256)
    opened = [os.open(name, os.O_CREAT | os.O_WRONLY) for _ in range(50)]

def later():
    raise activity.CompleteLater

def meets(mine, theirs):
    """Wait for another task that runs at the same time."""
    end = os.open(mine, os.O_RDWR)
    with open(theirs, "w") as file:
        file.write("here\\n")
    return os.read(end, 100).decode()

def eats(megabytes):
    global eaten
    eaten = b"x" * (megabytes * 1_000_000)
    return os.getpid()

def eats_and_waits(fifo):
    eats(200)
    say(fifo, str(os.getpid()))
    signal.pause()

def eats_all(megabytes):
    """Eat, a little at a time, so much and more than this process may have from now on."""
    import resource
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + megabytes * 1_000_000,) * 2)
    mine = []
    while True:
        mine.append(bytearray(10_000))

@activity.with_attributes(version="2")
def versioned():
    return 2
'''


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path, TASKS)
    yield engine
    engine.close()


def end(worker: Process, how: dict[str, Any]) -> None:
    """Answer the heartbeat that is due."""
    worker.expect("record_activity_task_heartbeat", answer=False)
    worker.say(**how)
    if how.get("cancelRequested"):
        worker.say_to_heartbeats()


# -- the end that somebody else wants ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "raised"), [("sleeps", "TaskCanceled"), ("waits", "CancelledError")])
def test_a_task_that_is_cancelled_is_interrupted_and_cleans_up(engine: Engine, name: str, raised: str) -> None:
    _, worker = engine.worker()
    fifo = engine.fifo()
    token = worker.give(name, fifo.path, told={"heartbeat": "1"})
    assert fifo.line() == "begun"
    start = time.monotonic()
    end(worker, {"cancelRequested": True})
    assert fifo.line() == f"raised {raised}"
    assert fifo.line() == "cleaned up"
    assert worker.expect("respond_activity_task_canceled")["taskToken"] == token
    assert time.monotonic() - start < SOON
    assert worker.result("process"), "another child goes on"


def test_a_task_that_asks_is_left_to_end_by_itself(engine: Engine) -> None:
    _, worker = engine.worker()
    fifo = engine.fifo()
    worker.give("asks", fifo.path, told={"heartbeat": "1"})
    assert fifo.line() == "begun"
    end(worker, {"cancelRequested": True})
    assert worker.expect("respond_activity_task_completed")["result"] == '"in order"'


def test_a_task_that_is_lost_is_told_too_and_never_answered(engine: Engine) -> None:
    _, worker = engine.worker()
    fifo = engine.fifo()
    worker.give("asks", fifo.path, told={"heartbeat": "1"})
    assert fifo.line() == "begun"
    end(worker, {"fault": "UnknownResourceFault"})
    assert worker.result("process"), "it polled next"


def test_a_task_that_does_not_hear_is_killed_after_the_grace(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVITY_SIGTERM_WAIT_SEC", "0.3")
    _, worker = engine.worker()
    fifo = engine.fifo()
    worker.give("swallows", fifo.path, told={"heartbeat": "1"})
    assert fifo.line() == "begun"
    end(worker, {"cancelRequested": True})
    worker.expect("respond_activity_task_canceled")
    assert fifo.gone()


# -- what it knows and says ----------------------------------------------------------------------------------------


def test_what_a_task_knows_of_itself(engine: Engine) -> None:
    _, worker = engine.worker()
    told = {"attempt": 2, "heartbeat": "60", "start_to_close": "300", "last": {"page": 7}}
    before = time.time()
    *known, deadline, key = worker.result("knows", told=told)
    assert known == ["w", "r", "activity-1", 2, "token-1", {"page": 7}]
    assert before + 300 <= deadline <= time.time() + 300
    assert len(key) == 32
    *known, deadline, other = worker.result("knows", told={})
    assert known == ["w", "r", "activity-2", 1, "token-2", None] and deadline is None and other != key


def test_coroutines(engine: Engine) -> None:
    _, worker = engine.worker()
    assert worker.result("adds", 1, y=2) == 3
    assert worker.result("Async") == "executed"
    assert worker.failure("adds", 1, "x") == "TypeError: unsupported operand type(s) for +: 'int' and 'str'"


def test_what_a_heartbeat_said_goes_with_the_failure(engine: Engine) -> None:
    _, worker = engine.worker()
    worker.give("beats", {"page": 1}, {"page": 2})
    worker.say_to_heartbeats()  # there are some where the machine is slow
    failed = worker.expect("respond_activity_task_failed")
    assert failed["reason"] == "ValueError: by hand"
    assert json.loads(failed["details"])["heartbeat"] == {"page": 2}
    assert worker.failure("beats_oddly").startswith("PayloadError: the details of a heartbeat cannot be encoded")


def test_the_engine_is_told_what_a_heartbeat_said_within_a_second(engine: Engine) -> None:
    _, worker = engine.worker()
    fifo = engine.fifo()
    worker.give("beats_and_asks", fifo.path, told={"heartbeat": "60"})
    start = time.monotonic()
    assert worker.expect("record_activity_task_heartbeat", answer=False)["details"] == '{"page":8}'
    assert time.monotonic() - start < SOON
    worker.say(cancelRequested=True)
    assert worker.expect("respond_activity_task_completed")["result"] == '"in order"'


def test_a_child_that_dies_leaves_its_last_words(engine: Engine) -> None:
    program, worker = engine.worker()
    worker.result("process")
    start = time.monotonic()
    worker.give("beats_and_dies", {"page": 3})
    failed = worker.expect("respond_activity_task_failed")
    assert time.monotonic() - start < 1
    assert failed["reason"].startswith("worker-died: killed by signal 9, perhaps out of memory; peak memory ")
    details = json.loads(failed["details"])
    assert details["heartbeat"] == {"page": 3}
    lines = details["output"].splitlines()
    assert lines[0] == "nearly there" and lines[-1] == "line 39" and len(lines) == 21
    program.terminate()
    assert finish(program)[1] == "nearly there\n"


def test_a_worker_whose_output_nobody_reads(engine: Engine) -> None:
    """It heartbeats, answers, logs and ends in order; what there was no room for is counted."""
    program, worker = engine.worker()
    fifo = engine.fifo()
    worker.give("floods", fifo.path, told={"heartbeat": "1"})
    assert fifo.line() == "printed"
    assert fifo.line() == "begun"
    end(worker, {"cancelRequested": True})
    assert worker.expect("respond_activity_task_completed")["result"] == '"in order"'
    assert worker.failure("beats_oddly"), "a failure is logged, too"
    worker.expect("poll_for_activity_task", answer=False)
    with ThreadPoolExecutor() as reader:
        end_of = reader.submit(finish, program)
        program.terminate()
        worker.say()
        code, out, err = end_of.result()
    assert code == 0
    for said, line in (out, "x" * 999), (err, "y" * 999):
        dropped = sum(map(int, re.findall(r"\[(\d+) lines dropped: nobody read them\]", said)))
        assert dropped > 0 and said.count(line) < 2_000


def test_a_task_that_closes_its_descriptors_is_told_so(engine: Engine) -> None:
    _, worker = engine.worker()
    worker.give("closes", "file")
    said = worker.expect("respond_activity_task_failed")["reason"]
    assert said.startswith("worker-died: its code closed all file descriptors (os.closerange?), with them the one that")
    assert (engine.directory / "file").read_bytes() == b"", "the result was written into it"
    assert worker.result("process"), "another child goes on"


def test_somebody_else_completes_a_task(engine: Engine) -> None:
    _, worker = engine.worker()
    child = worker.result("process")
    worker.give("later")
    assert worker.result("process") == child, "it polled next, and answered nothing"


def test_lines_of_any_logger_tell_whose_they_are(engine: Engine) -> None:
    program, worker = engine.worker()
    worker.result("logs")
    program.terminate()
    assert re.search(
        r"INFO \[process=task, pid=\d+, workflow=w, activity=activity-1\]: a line\n", finish(program)[2]
    )


def test_a_child_shows_its_task(engine: Engine) -> None:
    _, worker = engine.worker()
    child = psutil.Process(worker.result("process"))
    assert worker.result("title") == "simpleflow ActivityWorker(task_list=list)[processing activity-2]"
    waiting = ["simpleflow ActivityWorker(task_list=list)[waiting]"]
    until(lambda: [word for word in child.cmdline() if word] == waiting, "it waits")


# -- how children are kept -----------------------------------------------------------------------------------------


def test_a_child_for_each_task(engine: Engine) -> None:
    program, worker = engine.worker(work=Work(isolation="fresh"))
    assert len({worker.result("process") for _ in range(3)}) == 3
    program.terminate()
    assert finish(program)[0] == 0


def test_a_child_that_has_grown_is_replaced(engine: Engine) -> None:
    _, worker = engine.worker(work=Work(max_rss=150, max_tasks=3))
    first = worker.result("process")
    assert worker.result("eats", 160) == first
    second = worker.result("process")
    assert second != first
    assert [worker.result("process") for _ in range(2)] == [second, second]
    assert worker.result("process") != second


def test_a_child_that_eats_until_it_is_killed(engine: Engine) -> None:
    _, worker = engine.worker()
    fifo = engine.fifo()
    worker.give("eats_and_waits", fifo.path)
    os.kill(int(fifo.line()), signal.SIGKILL)
    reason = worker.expect("respond_activity_task_failed")["reason"]
    found = re.fullmatch(r"worker-died: killed by signal 9, perhaps out of memory; peak memory (\d+) MB", reason)
    assert found and 200 <= int(found.group(1)) < 400, reason
    assert worker.result("process"), "another child goes on"


def test_a_child_that_eats_all_that_it_may_have(engine: Engine) -> None:
    _, worker = engine.worker()
    child = worker.result("process")
    assert worker.failure("eats_all", 50) == "MemoryError"
    assert worker.result("process") == child, "what it had eaten is free again"


def test_tasks_in_threads(engine: Engine) -> None:
    _, worker = engine.worker(work=Work(isolation="thread"))
    assert worker.result("process") == worker.pid
    fifo = engine.fifo()
    worker.give("asks", fifo.path, told={"heartbeat": "1"})
    assert fifo.line() == "begun"
    end(worker, {"cancelRequested": True})
    assert worker.expect("respond_activity_task_completed")["result"] == '"in order"'
    worker.give("beats", {"page": 1})
    worker.say_to_heartbeats()
    assert json.loads(worker.expect("respond_activity_task_failed")["details"])["heartbeat"] == {"page": 1}


def test_a_coroutine_in_a_thread_is_interrupted(engine: Engine) -> None:
    program, worker = engine.worker(work=Work(isolation="thread"))
    fifo = engine.fifo()
    worker.give("waits", fifo.path, told={"heartbeat": "1"})
    assert fifo.line() == "begun"
    end(worker, {"cancelRequested": True})
    assert [fifo.line(), fifo.line()] == ["raised CancelledError", "cleaned up"]
    worker.expect("respond_activity_task_canceled")
    worker.give("asks_and_waits", fifo.path, told={"heartbeat": "1"})
    assert fifo.line() == "begun"
    worker.expect("record_activity_task_heartbeat", answer=False)
    worker.say(cancelRequested=True)
    worker.expect("record_activity_task_heartbeat")  # it asks by itself, and goes on
    program.terminate()
    program.send_signal(signal.SIGINT)
    worker.say_to_heartbeats()
    assert worker.expect("respond_activity_task_failed")["reason"] == "worker-shutdown"


def test_what_a_task_in_a_thread_prints_is_kept(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = engine.directory / "kept"
    monkeypatch.setenv("SIMPLEFLOW_PAYLOAD_STORE", f"file:{kept}")
    program, worker = engine.worker(work=Work(isolation="thread", concurrency=2))
    fifos = [engine.fifo(name) for name in "ab"]
    for fifo in fifos:
        worker.give("prints", fifo.path)
    for fifo in fifos:
        assert fifo.line() == "printed"
    program.terminate()
    program.send_signal(signal.SIGINT)
    for _ in fifos:
        worker.expect("respond_activity_task_failed")
    _, out, err = finish(program)
    for fifo, started in zip(fifos, (7, 8), strict=True):
        note = json.loads((kept / "notes" / "r" / f"{started}.output").read_text())
        first, line = note["stderr"].splitlines()
        assert first == f"err {fifo.path}" and line.endswith(f"activity=activity-{started - 6}]: a line of {fifo.path}")
        assert note["stdout"] == "x" * 16_383 + "\n"
        assert f"out {fifo.path}\n" in out and f"{line}\n" in err


def test_a_task_in_a_thread_is_given_back_though_it_goes_on(engine: Engine) -> None:
    program, worker = engine.worker(work=Work(isolation="thread"))
    fifo = engine.fifo()
    worker.give("swallows", fifo.path)
    assert fifo.line() == "begun"
    program.terminate()
    program.send_signal(signal.SIGINT)
    assert worker.expect("respond_activity_task_failed")["reason"] == "worker-shutdown"
    assert fifo.gone()
    assert finish(program)[0] == 0


# -- names ---------------------------------------------------------------------------------------------------------


def test_only_what_is_allowed_is_imported(engine: Engine) -> None:
    (engine.directory / "early.py").write_text("print('imported early')")
    program, worker = engine.worker(work=Work(modules=("early", "no.such"), allow=("acts", "other.part")))
    child = worker.result("process")
    said = "it is outside of what this worker may import: acts, other.part"
    assert worker.failure("other.f") == f"cannot import other.f: {said}"
    assert worker.failure("actsy.f") == f"cannot import actsy.f: {said}"
    assert worker.failure("acts.os.getpid") == f"cannot import acts.os.getpid: {said}"
    middlewares = {"pre": ["os.getpid"]}
    assert worker.failure("process", simpleflow_middlewares=middlewares).startswith("cannot import the middleware os.g")
    assert worker.result("process") == child
    program.terminate()
    _, out, err = finish(program)
    assert out == "imported early\n"
    assert "cannot import the module no.such: ModuleNotFoundError: No module named 'no'" in err


CRASHES = """
import os, signal

if not os.path.exists("good"):
    with open("fifo", "w") as file:
        file.write("importing\\n")
    os.kill(os.getpid(), signal.SIGSEGV)
"""


def test_a_module_that_ends_the_process_is_named_before_there_is_a_task(engine: Engine) -> None:
    good = engine.directory / "good"
    fifo = engine.fifo()
    (engine.directory / "crash.py").write_text(CRASHES)
    program, worker = engine.worker(work=Work(modules=("acts", "crash")))
    assert fifo.line() == "importing"
    good.touch()
    child = worker.result("process")
    assert worker.result("process") == child
    good.unlink()
    worker.give("beats_and_dies", 1)
    worker.say_to_heartbeats()
    worker.expect("respond_activity_task_failed")
    assert worker.failure("process").startswith("worker-died: importing crash ended the process: killed by signal 11")
    program.terminate()
    cause = r"importing crash ended the process: killed by signal 11 \(SIGSEGV\); peak memory \d+ MB; "
    assert re.search(rf"ERROR \[process=worker, pid=\d+\]: {cause}trying again in 0\.1 s", finish(program)[2])


def test_another_version_is_not_run(engine: Engine) -> None:
    _, worker = engine.worker()
    said = worker.failure("versioned")
    assert said == "version mismatch: the task wants version 1 of acts.versioned, and this worker has 2"
    text = (engine.directory / "acts.py").read_text().replace('version="2"', 'version="1"')
    (engine.directory / "acts.py").write_text(f"{text}\n")  # a file of the same size and second is taken for the same
    assert worker.result("versioned") == 2, "the next child has the code of now"
