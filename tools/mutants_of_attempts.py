"""The mutants of failed attempts: name, file, old, new, tests."""

from __future__ import annotations

GRAPH = "simpleflow/dataflow/graph.py"
ATTEMPTS = "simpleflow/dataflow/attempts.py"
PROGRAM = "simpleflow/dataflow/program.py"
BRANCHES = "simpleflow/dataflow/branches.py"
RETRY = "simpleflow/retry.py"
TRANSLATE = "simpleflow/decider/translate.py"

TESTS = (
    "tests/unit/dataflow/test_attempts.py tests/unit/dataflow/test_task_failures.py "
    "tests/unit/decider/test_retries.py tests/unit/test_retry.py"
)

MUTANTS = [
    (
        "attempts: a delay is none",
        ATTEMPTS,
        "        elif delay:\n",
        "        elif False:\n",
        TESTS,
    ),
    (
        "attempts: a timer is used for two of them (rule 20)",
        GRAPH,
        "#{kind}{node.attempt}",
        "#{kind}",
        TESTS,
    ),
    (
        "attempts: a cancel between two waits for the world (rule 3)",
        GRAPH,
        "        if leader.pause is not None:\n",
        "        if False:\n",
        TESTS,
    ),
    (
        "attempts: a cancel between two leaves the timer",
        GRAPH,
        "                self.commands.append(CancelTimer(leader.pause, leader.where))\n",
        "                pass\n",
        TESTS,
    ),
    (
        "attempts: a timer that fires late tries again what is over",
        GRAPH,
        "        if node.pause:\n            self._pauses.pop",
        "        if False:\n            self._pauses.pop",
        TESTS,
    ),
    (
        "attempts: what was cancelled is tried again",
        GRAPH,
        "elif node.cancel_asked or not node.task.attempts:",
        "elif not node.task.attempts:",
        TESTS,
    ),
    (
        "attempts: the deadline counts from the last one",
        GRAPH,
        "        if node.since is None:\n",
        "        if True:\n",
        TESTS,
    ),
    (
        "attempts: the deadline counts from what was asked",
        TRANSLATE,
        "            given_back=said.startswith(failures.SHUTDOWN),\n            since=opened.time,\n",
        "            given_back=said.startswith(failures.SHUTDOWN),\n",
        TESTS,
    ),
    (
        "attempts: who waits for another task's end is never stuck (rule 17)",
        GRAPH,
        'return any(node.pause != "" for node in self.open.values())',
        "return bool(self.open)",
        TESTS,
    ),
    (
        "attempts: jitter is another each time (rule 1)",
        ATTEMPTS,
        "chance = random.Random(f",
        "chance = random.SystemRandom(f",
        TESTS,
    ),
    (
        "attempts: what on_task_failure submits is numbered by who fails first (rule 6)",
        PROGRAM,
        "Branch(decide, scope_of(node), ",
        'Branch(decide, "", ',
        TESTS,
    ),
    (
        "attempts: arguments of the next one are not changed",
        ATTEMPTS,
        "            self._change(node, context.a_task)\n",
        "            pass\n",
        TESTS,
    ),
    (
        "attempts: on_task_failure has the hub wait",
        BRANCHES,
        "if self.current is not None and self.current.aside:",
        "if False:",
        TESTS,
    ),
    (
        "attempts: what is never to be tried again is",
        RETRY,
        'if is_kind(error, NonRetryable, *_kinds("never", self.never)):',
        'if is_kind(error, *_kinds("never", self.never)):',
        TESTS,
    ),
    (
        "attempts: a failure is not known by the classes that it derives from",
        RETRY,
        '        found["bases"] = [',
        '        found["parents"] = [',
        TESTS,
    ),
]
