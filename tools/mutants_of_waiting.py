"""The mutants of branches, waits, coroutines, the old idiom and patches: name, file, old, new, tests."""

from __future__ import annotations

TURNS = "simpleflow/dataflow/turns.py"
PROGRAM = "simpleflow/dataflow/program.py"
BRANCHES = "simpleflow/dataflow/branches.py"
WAITING = "simpleflow/dataflow/waiting.py"
WAITS = "simpleflow/dataflow/waits.py"
MEMORY = "simpleflow/dataflow/memory.py"
COROUTINES = "simpleflow/dataflow/coroutines.py"
GRAPH = "simpleflow/dataflow/graph.py"
FUTURES = "simpleflow/futures.py"
OUTBOX = "simpleflow/decider/outbox.py"
RUN = "simpleflow/decider/run.py"
DECIDE = "simpleflow/decider/decide.py"

UNIT = "tests/unit/dataflow"
LIVES = "tests/property/test_branching.py"
PATCHED = "tests/unit/decider/test_patched.py"

MUTANTS = [
    (
        "branches number their tasks with the main line (rule 6)",
        PROGRAM,
        "node = self._graph.add(task, branch, branch.scope, caller(), earlier=branch.since)",
        'node = self._graph.add(task, branch, "", caller(), earlier=branch.since)',
        UNIT,
    ),
    (
        "scopes of inner branches are those of outer ones (rule 6)",
        BRANCHES,
        "scope = f\"{self.scope}{'.' if self.scope else ''}{kind}{self.scopes[kind]}\"",
        'scope = f"{kind}{self.scopes[kind]}"',
        UNIT,
    ),
    (
        "what is woken last runs first (rule 15)",
        TURNS,
        "wait = graph.woken.popleft()",
        "wait = graph.woken.pop()",
        UNIT,
    ),
    (
        "branches share their context variables (rule 13)",
        BRANCHES,
        "branch.greenlet.gr_context = branch.context.copy()",
        "branch.greenlet.gr_context = greenlet.getcurrent().gr_context.copy()",
        UNIT,
    ),
    (
        "the main line is put away first (rule 12)",
        BRANCHES,
        "for branch in reversed(list(self.living)):",
        "for branch in list(self.living):",
        UNIT,
    ),
    (
        "eviction can be swallowed (rule 12)",
        BRANCHES,
        "while branch.refusals > MAX_REFUSALS:",
        "while branch.refusals < 0:",
        UNIT,
    ),
    (
        "branches outlive the run (rule 4)",
        TURNS,
        "        self._branches.close()  # returning is final\n",
        "",
        UNIT,
    ),
    (
        "returning is not final (rule 4)",
        PROGRAM,
        "        if self.outcome is not None:\n            return self._after_the_end(event)\n",
        "        if self.outcome is not None:\n            self.outcome = None\n",
        UNIT,
    ),
    (
        "results are decoded once (rule 14)",
        PROGRAM,
        "return self._values.thaw(node.result, node.task)",
        "return vars(self).setdefault('kept', {}).setdefault(node.number, self._values.thaw(node.result, node.task))",
        UNIT,
    ),
    (
        "fail fast is raised late (rule 9)",
        TURNS,
        "            if graph.urgent:\n                self._raise_in_owner",
        "            if graph.urgent and not graph.woken:\n                self._raise_in_owner",
        UNIT,
    ),
    (
        "fail fast is lost with its branch (rule 9)",
        TURNS,
        "    while branch.over and branch.parent is not None:\n",
        "    while False:\n",
        UNIT,
    ),
    (
        "who waits for just that future is thrown at (rule 9)",
        TURNS,
        "elif not branch.wait.exactly(node):",
        "else:",
        UNIT,
    ),
    (
        "a failure at submit is never raised (rule 9)",
        WAITING,
        "        if branch.failures or branch.cancel_asked or self._graph.urgent:\n",
        "        if False:\n",
        UNIT,
    ),
    (
        "a failure at submit is lost when run returns (rule 9)",
        TURNS,
        "            self._interrupt(branch, ())\n",
        "",
        UNIT,
    ),
    (
        "a stale wait wakes its branch (rule 9)",
        TURNS,
        "                if branch.wait is wait:\n",
        "                if True:\n",
        UNIT,
    ),
    (
        "a cancel is lost where a failure comes first",
        TURNS,
        "        if branch.cancel_asked:\n            branch.cancel_asked = False\n            raise",
        "        if False:\n            raise",
        UNIT,
    ),
    (
        "a cancelled branch leaves its own behind",
        TURNS,
        "for child in list(branch.children) if state == CANCELLED else ():",
        "for child in ():",
        UNIT,
    ),
    (
        "a branch that follows a future forgets its flag (rule 10)",
        TURNS,
        "            node.raises = False if followed.raises is False else None\n",
        "            node.raises = None\n",
        UNIT,
    ),
    (
        "only the main line is told to wait (rule 17)",
        PROGRAM,
        "        for branch in self._branches.living:\n",
        "        for branch in list(self._branches.living)[:1]:\n",
        UNIT,
    ),
    (
        "the first that is done is not enough",
        WAITING,
        "FIRST_COMPLETED: lambda node: True,",
        "FIRST_COMPLETED: None,",
        UNIT,
    ),
    (
        "what was cancelled counts as a failure",
        WAITS,
        "return node.error is not None and node.state != CANCELLED",
        "return node.error is not None",
        UNIT,
    ),
    (
        "timers of waits are never cancelled",
        WAITING,
        "if timer is not None and not timer.done and not self.closing:",
        "if False:",
        UNIT,
    ),
    (
        "a run that is put away cancels its timers (rule 12)",
        WAITING,
        "if timer is not None and not timer.done and not self.closing:",
        "if timer is not None and not timer.done:",
        UNIT,
    ),
    (
        "times to wait are rounded down",
        WAITING,
        "    return ceil(timeout)\n",
        "    return int(timeout)\n",
        UNIT,
    ),
    (
        "waits that are over stay behind",
        WAITING,
        "                        node.waits.remove(wait)",
        "                        pass",
        UNIT,
    ),
    (
        "as_completed follows the program, not the events",
        WAITS,
        "heappush(self.ready, (node.turn, node.number, node))",
        "heappush(self.ready, (0, node.number, node))",
        UNIT,
    ),
    (
        "as_completed follows the graph within an event",
        WAITS,
        "heappush(self.ready, (node.turn, node.number, node))",
        "heappush(self.ready, (node.turn, len(self.ready), node))",
        UNIT,
    ),
    (
        "who is broken off keeps what is completed",
        WAITING,
        "taker = queue.next_taker()  # others",
        "taker = None  # others",
        UNIT,
    ),
    (
        "gather raises the first failure of the program, not of the events",
        WAITS,
        "key=lambda node: (node.turn, node.number)",
        "key=lambda node: node.number",
        UNIT,
    ),
    (
        "sets of futures are walked by address",
        FUTURES,
        "object.__hash__(self) if self._node is None else self._node.number",
        "object.__hash__(self)",
        UNIT,
    ),
    (
        "asyncio meets no loop that refuses (rule 20)",
        COROUTINES,
        "    asyncio.events._set_running_loop(_loop())\n",
        "",
        "tests/unit/dataflow/test_async.py",
    ),
    (
        "the loop that refuses stays behind",
        COROUTINES,
        "    asyncio.events._set_running_loop(before)\n",
        "    pass\n",
        "tests/unit/dataflow/test_async.py",
    ),
    (
        "a run survives what it may not await (rule 20)",
        TURNS,
        "        self._end_run(Fail(error))\n        self._branches.closing = True\n",
        "",
        "tests/unit/dataflow/test_async.py",
    ),
    (
        "blocked branches do not run again at the next event (rule 8)",
        TURNS,
        "        if at_event and self._blocked:\n",
        "        if False:\n",
        UNIT,
    ),
    (
        "blocked branches do not run again at once (rule 8)",
        TURNS,
        "if branch.settled_before < self._graph.ended]",
        "if False]",
        UNIT,
    ),
    (
        "what is known is what was known when it was raised (rule 8)",
        TURNS,
        "        branch.settled_before = self._graph.ended\n        try:\n"
        "            returned = self._called(branch)\n",
        "        try:\n            returned = self._called(branch)\n"
        "            branch.settled_before = self._graph.ended\n",
        UNIT,
    ),
    (
        "a pass has what the pass before it had next (rule 8)",
        TURNS,
        "                branch.memory.rewind()\n",
        "",
        UNIT,
    ),
    (
        "each pass asks anew (rule 8)",
        MEMORY,
        "        if index == len(things):\n",
        "        if things.append(make()) is None and index == len(things) - 1:\n            pass\n"
        "        elif index == len(things):\n",
        UNIT,
    ),
    (
        "now() and random() do not answer by call (rule 8)",
        PROGRAM,
        "return answer() if branch is None else self._recall(branch, question, answer)",
        "return answer()",
        UNIT,
    ),
    (
        "arguments that are futures are all equal (rule 8)",
        PROGRAM,
        '("a future", self._own(future).number)',
        '("a future", 0)',
        UNIT,
    ),
    (
        "what fails fast is raised in one pass only (rule 8)",
        PROGRAM,
        "if known and node.raises and node.error is not None",
        "if False and node.error is not None",
        UNIT,
    ),
    (
        "a run that blocks is not read again (rule 8)",
        DECIDE,
        "                run = self._beginning(task, events)\n                run.read(events)\n",
        "",
        "tests/unit/decider/test_branches_lived.py",
    ),
    (
        "gaps of a cached run are not read (rule 11)",
        DECIDE,
        'run is not None and run.last_event_id + 1 < events[0]["eventId"]',
        "False",
        f"{LIVES} tests/property/test_grouping.py",
    ),
    (
        "patches do not look at the horizon (rule 19)",
        PROGRAM,
        "new = not self.replaying and name not in",
        "new = name not in",
        PATCHED,
    ),
    (
        "patches of the history are not known (rule 19)",
        RUN,
        "self.program.patches_recorded.add(",
        "str(",
        PATCHED,
    ),
    (
        "patches are decided each time (rule 19)",
        PROGRAM,
        "        known = self._patches.get(name)\n",
        "        known = None\n",
        PATCHED,
    ),
    (
        "patches wait for their turn (rule 19)",
        OUTBOX,
        "return chain(self._patches.values(), ordered)",
        "return chain(ordered, self._patches.values())",
        PATCHED,
    ),
    (
        "a parked decision is one (rule 21)",
        RUN,
        'if not _said(given.get("executionContext"))[1]:',
        "if True:",
        PATCHED,
    ),
    (
        "what a branch returns is encoded when it ends",
        TURNS,
        "self._graph.end(branch.node, Live(returned))",
        "self._graph.end(branch.node, self._graph._values.template(returned, '').fill(()))",
        UNIT,
    ),
]
