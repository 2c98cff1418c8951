"""What was tried of workers and their processes, to see a test notice."""

from __future__ import annotations

HEART, ATTEMPT = "simpleflow/runtime/heart.py", "simpleflow/runtime/attempt.py"
WORKING = "simpleflow/runtime/working.py"
OUTPUT = "simpleflow/runtime/output.py"
TREES = "simpleflow/runtime/trees.py"
BEATS = "tests/unit/runtime/test_heart.py"
HERE = "tests/unit/runtime/test_attempts_here.py"
IN_HAND = "tests/acceptance/test_tasks_in_hand.py"
PRINTED = f"{IN_HAND}::test_what_a_task_in_a_thread_prints_is_kept"

MUTANTS = [
    ("a-third-is-a-half", HEART, "(timeout or math.inf) / 3", "(timeout or math.inf) / 2", BEATS),
    ("a-heartbeat-that-failed-waits", HEART, "self._next = time.monotonic() + pause", "pass", BEATS),
    ("retries-of-heartbeats-do-not-slow-down", HEART, "self._failures += 1", "pass", BEATS),
    ("a-task-that-was-answered-is-lost", HEART, "if not self.on:  #", "if False:  #", BEATS),
    ("a-cancelled-task-cannot-be-lost", HEART, 'if self.verdict != "lost":', "if self.verdict is None:", BEATS),
    ("what-code-says-goes-out-at-once", HEART, "self._last + OFTEN", "self._last", BEATS),
    ("an-earlier-task-wakes-no-heart", HEART, "elif pulse.due < self._asleep_until:", "elif False:", BEATS),
    ("time-over-is-not-asked-about", HEART, "self._last + start_to_close + 0.1", "math.inf", BEATS),
    ("a-task-that-asks-is-interrupted", ATTEMPT, "if not self._open or self.asks:", "if not self._open:", HERE),
    ("a-coroutine-that-asks-is-interrupted", ATTEMPT, "        if not self.asks:\n", "        if True:\n", IN_HAND),
    ("threads-keep-nothing", OUTPUT, "            kept.add(self._name, text)\n", "            pass\n", PRINTED),
    ("everything-is-kept", OUTPUT, "    del kept[:-KEPT]\n", "", PRINTED),
    ("children-never-wear-out", WORKING, "child.tasks >= most", "False", IN_HAND),
    ("a-childs-memory-is-not-looked-at", WORKING, "worn = size > work.max_rss", "worn = 0 > work.max_rss", IN_HAND),
    ("a-dead-child-has-no-peak", TREES, "self.peak = usage.ru_maxrss", "usage.ru_maxrss", IN_HAND),
]
