"""Broken rules of deciders that meet bad code, share runs, or wait for others, for `tools/mutants.py`."""

from __future__ import annotations

CACHE = "simpleflow/decider/cache.py"
DECIDE = "simpleflow/decider/decide.py"
PARKING = "simpleflow/decider/parking.py"
RUN = "simpleflow/decider/run.py"
DECIDING = "simpleflow/runtime/deciding.py"
POLL = "simpleflow/runtime/poll.py"
TRIALS = "simpleflow/runtime/trials.py"
WATCHDOG = "simpleflow/runtime/watchdog.py"
TURNS = "simpleflow/engine/turns.py"

CACHED = "tests/unit/decider/test_determinism.py"
PARKED = "tests/unit/decider/test_parking.py"
DESK = "tests/unit/runtime/test_desk.py"
SERVED = "tests/unit/runtime/test_serve.py"
TRIED = "tests/unit/runtime/test_trials.py"
WAITED = "tests/contract/test_engine_turns.py"
HARMED = "tests/acceptance/test_deciders_harmed.py"
WATCHED = f"{HARMED}::test_there_is_a_second_watch"
TOLD = f"{HARMED}::test_a_decider_that_is_told_twice_ends_though_code_is_stuck"
BLAMED = f"{HARMED}::test_code_is_not_blamed_that_was_not_come_to"
KEPT = "tests/acceptance/test_deciders_memory.py::test_memory_is_flat[300]"

MUTANTS = [
    ("deciders: who leaves the cache is not closed", CACHE, "            run.close()\n", "            pass\n", KEPT),
    ("deciders: the cache has no end", CACHE, "len(self._runs) > self._size", "False", CACHED),
    ("deciders: the cache may take all memory", CACHE, "self._taken > self._memory", "False", CACHED),
    ("deciders: what left the cache counts on", CACHE, "        self._taken -= size\n", "", CACHED),
    ("deciders: the newest run leaves the cache first", CACHE, "next(iter(", "next(reversed(", CACHED),
    ("deciders: even the last run leaves the cache", CACHE, " and len(self._runs) > 1", "", CACHED),
    ("deciders: a parked run comes back", DECIDING, " or self._decider.parked", "", DESK),
    ("deciders: a closed run has a list", DECIDING, "self._decider.close_asked is None", "True", DESK),
    (
        "deciders: a refused run comes back",
        DECIDING,
        "self._decider.park(task, refusal) | self._leave",
        "self._decider.park(task, refusal) | self._stay",
        DESK,
    ),
    (
        "deciders: a run waits for ever for who has it",
        DECIDING,
        ', "taskListScheduleToStartTimeout": str(sticky)',
        "",
        DESK,
    ),
    (
        "deciders: one watch is for all decisions",
        DECIDING,
        "            self._watch(None)\n",
        "            pass\n",
        DESK,
    ),
    (
        "deciders: no decision is watched",
        DECIDING,
        '        self._watch(patience(decision_timeout(task["events"])))\n',
        "",
        DESK,
    ),
    (
        "deciders: a decision may take all its time",
        DECIDING,
        "max(timeout * SHARE, min(timeout * MOST, PATIENCE))",
        "timeout",
        TRIED,
    ),
    ("deciders: the second request is not heard", DECIDING, "    stop.hurried = lambda", "    _ = lambda", TOLD),
    ("deciders: a process without its files goes on", POLL, "error.errno == errno.EBADF", "False", SERVED),
    ("deciders: the dead live", POLL, "!= psutil.STATUS_ZOMBIE", "!= psutil.STATUS_RUNNING", TRIED),
    ("deciders: machines are one", POLL, 'if who["hostname"] != socket.gethostname():', "if False:", TRIED),
    ("deciders: who lives may have died", TRIALS, "if loser is not None and lives(loser):", "if False:", TRIED),
    ("deciders: nobody is suspected", TRIALS, "if loser is not None and lives(loser):", "if True:", TRIED),
    ("deciders: code is blamed that was not run", TRIALS, "apart=bool(begun)", "apart=True", BLAMED),
    (
        "deciders: who moved has lost",
        PARKING,
        'lost = attributes(event).get("timeoutType") == "START_TO_CLOSE"',
        "lost = True",
        TRIED,
    ),
    (
        "deciders: a lost decision is nothing",
        PARKING,
        'if event["eventType"] == "DecisionTaskTimedOut" and attributes(event)',
        "if False and attributes(event)",
        PARKED,
    ),
    ("deciders: danger is forgotten", PARKING, ' or last.get("apart") else', " else", PARKED),
    (
        "deciders: who was parked for it is decided here",
        PARKING,
        'return bool(_last_parked([event]).get("apart"))',
        "return False",
        PARKED,
    ),
    ("deciders: who waits shows nothing", PARKING, "if isinstance(error, Postponed) and last:", "if False:", PARKED),
    ("deciders: pauses do not grow", PARKING, "PARK_FIRST * 2 ** min(times - 1, 10)", "PARK_FIRST", CACHED),
    ("deciders: want of memory fails the run", RUN, "type(ended.error) is MemoryError", "False", PARKED),
    (
        "deciders: others keep what is wanted",
        DECIDE,
        "        self._cache.clear()\n        try:",
        "        try:",
        PARKED,
    ),
    ("deciders: who is late lives", WATCHDOG, "if time.monotonic() > _late + look:", "if False:", WATCHED),
    (
        "deciders: a thread may have all",
        WATCHDOG,
        "            signal.setitimer(signal.ITIMER_PROF, seconds)\n",
        "",
        WATCHED,
    ),
    ("deciders: nobody says who holds the file", TURNS, "        if waited < due:", "        if True:", WAITED),
    ("deciders: a child keeps the lock", TURNS, "        os.close(turns._file)\n", "        pass\n", WAITED),
    ("deciders: who is stopped is not told from others", TURNS, 'in ("T", "t")', "in ()", WAITED),
]
