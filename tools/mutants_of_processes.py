"""Broken rules of workers and processes: how they are kept alive, told to end, and ended with all that they started."""

from __future__ import annotations

RUNTIME = "simpleflow/runtime"
CALLING, CHILD, HEART = f"{RUNTIME}/calling.py", f"{RUNTIME}/child.py", f"{RUNTIME}/heart.py"
LIFE, TREES, PARENT = f"{RUNTIME}/life.py", f"{RUNTIME}/trees.py", f"{RUNTIME}/parent.py"
POLL, STOP, SUPERVISE = f"{RUNTIME}/poll.py", f"{RUNTIME}/stop.py", f"{RUNTIME}/supervise.py"
STREAMS, WORKING = f"{RUNTIME}/streams.py", f"{RUNTIME}/working.py"

SUPERVISING = "tests/unit/runtime/test_supervise.py"
SLOTS = "tests/unit/runtime/test_slots.py"
SERVING = "tests/unit/runtime/test_serve.py"
BEATS = "tests/unit/runtime/test_heart.py"
ENDS = "tests/unit/runtime/test_ends_of_children.py"
UNREAD = "tests/unit/runtime/test_streams.py"
PROCESSES = "tests/acceptance/test_processes.py::test_"
LIFETIMES = "tests/acceptance/test_lifetimes.py::test_"
IN_HAND = "tests/acceptance/test_tasks_in_hand.py::test_"

MUTANTS = [
    # the supervisor
    ("restarts-do-not-slow-down", SUPERVISE, "RESTART_FIRST * 2 ** min(deaths - 1, 30)", "RESTART_FIRST", SUPERVISING),
    ("who-lived-long-is-started-late", SUPERVISE, "now - self._started > HEALTHY", "False", SUPERVISING),
    ("a-cause-names-no-signal", TREES, "signal.Signals(number).name", "str(number)", SUPERVISING),
    (
        "who-ends-as-told-is-started-again",
        SUPERVISE,
        "        if not self._stop():\n            self.start()",
        "        if True:\n            self.start()",
        f"{PROCESSES}a_supervisor_drains_then_ends",
    ),
    (
        "a-request-is-not-passed-on",
        SUPERVISE,
        "place.tell(signal.SIGTERM if self._told == 1 else signal.SIGINT)",
        "pass",
        f"{PROCESSES}a_supervisor_drains_then_ends",
    ),
    (
        "who-is-stopped-hears-nothing",
        SUPERVISE,
        "self.process.send_signal(signal.SIGCONT)",
        "pass",
        f"{LIFETIMES}a_stopped_process_is_woken_to_end",
    ),
    (
        "who-does-not-end-is-left",
        SUPERVISE,
        "        self._kill_at = None\n        for place in self._places:\n            place.kill()",
        "        self._kill_at = None",
        f"{PROCESSES}a_process_that_does_not_end_is_killed",
    ),
    # requests to end
    ("the-grace-never-ends", STOP, "time.monotonic() >= self._ends else", "False else", SUPERVISING),
    ("a-poll-goes-on-after-the-request", POLL, "wanted = None if stop() else poll", "wanted = poll", SERVING),
    ("the-last-response-is-tried-for-ever", POLL, "self._stop.requests <= 1", "True", SERVING),
    (
        "a-lost-answer-is-given-again",
        POLL,
        "            self.put(None, self.failures)\n            return",
        "            return",
        SERVING,
    ),
    ("a-run-that-has-ended-is-a-warning", POLL, 'if "Unknown execution" in', 'if "nothing" in', f"{SERVING} {BEATS}"),
    (
        "what-came-in-the-same-instant-is-begun",
        WORKING,
        "if self._stop():  # it came in the same instant",
        "if False:",
        SLOTS,
    ),
    (
        "a-second-request-waits-for-the-task",
        WORKING,
        "            elif self._stop.requests > 1:\n",
        "            elif False:\n",
        f"{PROCESSES}the_second_request_ends_it_now",
    ),
    (
        "a-shutdown-uses-up-an-attempt",
        WORKING,
        "                return self._failed(pulse, SHUTDOWN)",
        '                return self._failed(pulse, "shutdown")',
        f"{PROCESSES}the_second_request_ends_it_now",
    ),
    (
        "a-task-in-a-thread-is-not-given-back",
        WORKING,
        "                slot.give_back()",
        "                pass",
        f"{IN_HAND}a_task_in_a_thread_is_given_back_though_it_goes_on",
    ),
    # what the dead leave behind
    (
        "nobody-adopts",
        TREES,
        "prctl(PR_SET_CHILD_SUBREAPER, 1,",
        "prctl(PR_SET_CHILD_SUBREAPER, 0,",
        f"{LIFETIMES}nothing_is_left[worker-wait-False] {LIFETIMES}nothing_is_left[child-wait-False]",
    ),
    (
        "strangers-are-ended",
        TREES,
        "self._strangers |= comers\n                comers = set()",
        "self._strangers |= comers",
        f"{LIFETIMES}strangers_are_waited_for_and_left_alone",
    ),
    (
        "an-orphan-of-ours-is-a-stranger",
        TREES,
        "if not (self._bereaved or self._dead(0)):",
        "if True:",
        f"{LIFETIMES}strangers_are_waited_for_and_left_alone",
    ),
    (
        "a-dead-process-of-ours-settles-nothing",
        TREES,
        "            for pid in comers:\n                _end(pid)\n",
        "",
        f"{LIFETIMES}strangers_are_waited_for_and_left_alone",
    ),
    (
        "a-group-is-never-killed",
        TREES,
        "    _signal(pid, tree, signal.SIGKILL)\n    while",
        "    _signal(pid, tree, signal.SIGTERM)\n    while",
        f"{PROCESSES}a_cancelled_task_is_told_then_killed_and_answered[True]",
    ),
    (
        "a-task-is-not-told-before-it-is-killed",
        TREES,
        "    if grace > 0 and not ended():",
        "    if False:",
        f"{PROCESSES}a_cancelled_task_is_told_then_killed_and_answered[False]",
    ),
    (
        "the-end-of-the-pipe-ends-nobody",
        LIFE,
        "        last_wishes()\n        end_now()",
        "        pass",
        f"{PROCESSES}nothing_outlives_a_supervisor {LIFETIMES}nothing_is_left[all-wait-False]",
    ),
    (
        "who-keeps-the-interpreter-lives-on",
        LIFE,
        "signal.SIGHUP, whom)",
        "signal.SIGCONT, whom)",
        f"{LIFETIMES}who_keeps_the_interpreter_ends_when_all_are_killed",
    ),
    (
        "the-kernel-leaves-no-time-to-end-others",
        LIFE,
        "    c.signal(signal.SIGHUP,",
        "    c.signal(signal.SIGUSR1,",
        f"{LIFETIMES}nothing_is_left[all-wait-False]",
    ),
    (
        "who-is-stopped-lives-on",
        LIFE,
        "lambda pid: _send_at_end(own, signal.SIGCONT, pid)",
        "lambda pid: None",
        f"{LIFETIMES}one_that_is_stopped_before_its_first_line_is_woken_to_end",
    ),
    # heartbeats
    ("none-is-some", HEART, "math.inf if most == 0", "math.inf if most == -1", BEATS),
    ("a-heartbeat-that-fails-loses-the-task", HEART, '== "UnknownResourceFault"', '!= "nothing"', BEATS),
    ("a-request-to-cancel-is-not-read", HEART, 'if answer.get("cancelRequested") and', "if False and", BEATS),
    (
        "a-lost-task-is-answered",
        WORKING,
        '        if pulse.verdict == "lost":\n            return None\n',
        "",
        f"{PROCESSES}a_task_that_is_lost_is_ended_and_not_answered[False]",
    ),
    (
        "a-value-in-time-does-not-count",
        WORKING,
        '        if answer is not None and "result" in answer:\n',
        "        if False:\n",
        f"{IN_HAND}a_task_that_asks_is_left_to_end_by_itself",
    ),
    (
        "a-verdict-ends-nothing",
        WORKING,
        "            elif pulse.verdict is not None:\n",
        "            elif False:\n",
        f"{PROCESSES}the_end_of_a_tasks_time_is_asked_about",
    ),
    # children
    (
        "a-fork-hides-a-death",
        PARENT,
        "if not spoke and not self.gone and self.exited():",
        "if False:",
        ENDS,
    ),
    (
        "a-fork-answers",
        CHILD,
        "            if os.getpid() != me:",
        "            if False:",
        f"{PROCESSES}a_fork_that_returns_does_not_answer",
    ),
    (
        "a-death-between-two-tasks-costs-one",
        WORKING,
        "if self._child is None or not self._child.ask(asked):",
        "if self._child is None or (self._child.ask(asked) and False):",
        f"{PROCESSES}a_child_killed_between_two_tasks_costs_none",
    ),
    (
        "the-dead-leave-all-their-words",
        WORKING,
        "text.rstrip().splitlines()[-LAST_LINES:]",
        "text.rstrip().splitlines()",
        f"{IN_HAND}a_child_that_dies_leaves_its_last_words",
    ),
    (
        "a-result-goes-into-any-file",
        CHILD,
        "if _identity(self._channel) != self._is:",
        "if False:",
        f"{IN_HAND}a_task_that_closes_its_descriptors_is_told_so",
    ),
    (
        "fresh-is-warm",
        WORKING,
        'most = 1 if work.isolation == "fresh" else work.max_tasks',
        "most = work.max_tasks",
        f"{IN_HAND}a_child_for_each_task",
    ),
    (
        "mended-code-is-not-found",
        WORKING,
        'worn = answer.get("stale") or (',
        "worn = (",
        f"{IN_HAND}another_version_is_not_run",
    ),
    (
        "a-task-waits-for-a-module-that-kills",
        WORKING,
        "            self._warm_up()\n",
        "",
        f"{IN_HAND}a_module_that_ends_the_process_is_named_before_there_is_a_task",
    ),
    ("everything-is-allowed", CALLING, "if _allowed and not any(", "if False and not any(", ENDS),
    ("steps-are-not-allowed", CALLING, "prefixes = (*_allowed, STEPS)", "prefixes = _allowed", ENDS),
    (
        "what-a-module-imports-is-allowed",
        CALLING,
        "if isinstance(thing, ModuleType):",
        "if False:",
        f"{IN_HAND}only_what_is_allowed_is_imported",
    ),
    # what nobody reads
    ("each-line-waits-for-the-reader", STREAMS, "if not until() and not self._stopped:", "if not until():", UNREAD),
    ("there-is-room-without-end", STREAMS, "self._size + len(piece) <= MOST", "True", UNREAD),
    ("what-is-missing-is-not-said", STREAMS, "        if self._dropped:\n", "        if False:\n", UNREAD),
    ("the-last-lines-are-lost", STREAMS, "while (before := self._written) < self._taken:", "while False:", UNREAD),
    ("a-fork-waits-for-a-thread", STREAMS, "if os.getpid() != self._process or sys", "if sys", UNREAD),
]
