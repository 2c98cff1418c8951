"""The mutants of canvases: name, file, old, new, tests."""

from __future__ import annotations

CANVAS = "simpleflow/canvas.py"
CANVASES = "simpleflow/dataflow/canvases.py"
TURNS = "simpleflow/dataflow/turns.py"
PROGRAM = "simpleflow/dataflow/program.py"
GRAPH = "simpleflow/dataflow/graph.py"
EXCEPTIONS = "simpleflow/exceptions.py"
TASK = "simpleflow/task.py"

ANY = "tests/property/test_canvases.py"
UNIT = "tests/unit/dataflow/test_canvas.py tests/unit/dataflow/test_canvas_futures.py"
AGAIN = "tests/unit/dataflow/test_canvas_again.py"
AGGREGATE = "tests/unit/test_aggregate.py"

MUTANTS = [
    ("one more than max_parallel runs", CANVASES, "self.active < limit", "self.active <= limit", ANY),
    ("nothing breaks a chain", CANVASES, "self.broken = self.rules.breaks", "pass", ANY),
    (
        "only what raises breaks a chain",
        CANVASES,
        "self.broken = self.rules.breaks",
        "self.broken = self.rules.breaks and self.raises",
        ANY,
    ),
    (
        "results go on after the break",
        CANVASES,
        "return self.members[: self.begun] if self.broken else self.members",
        "return self.members",
        ANY,
    ),
    ("every failure bubbles", CANVASES, "if not self.failed or not self.rules.bubbles:", "if not self.failed:", ANY),
    (
        "a canvas raises what was not to be raised (rule 10)",
        CANVASES,
        "error = exception if composite.raises else None",
        "error = exception",
        ANY,
    ),
    (
        "an outer flag does not hold",
        CANVASES,
        "        if within is not None and within.raises is not None:\n            raises = within.raises\n",
        "        if within is not None and raises is None:\n            raises = within.raises\n",
        ANY,
    ),
    (
        "a flag does not reach the tasks",
        GRAPH,
        "task.raises_on_failure if raises is None else raises",
        "task.raises_on_failure",
        ANY,
    ),
    (
        "a chain that is not to raise bubbles",
        CANVAS,
        "bubbles_exception_on_failure = raises_on_failure is not False",
        "bubbles_exception_on_failure = True",
        ANY,
    ),
    (
        "what follows a chain's members is forgotten",
        CANVAS,
        "if send_result and self.futures:",
        "if send_result and len(self.futures) == 1:",
        ANY,
    ),
    (
        "a chain in a chain hands the result to all its items",
        CANVAS,
        "return super()._sent_to(items[:1], argument) + items[1:]",
        "return super()._sent_to(items, argument)",
        ANY,
    ),
    (
        "a function is given the future",
        CANVAS,
        "*(future.result for future in self._sent)",
        "*self._sent",
        ANY,
    ),
    ("to append to a task changes it", TASK, "    twin = copy.copy(task)\n", "    twin = task\n", UNIT),
    (
        "to send to a canvas changes it",
        CANVAS,
        '        """The same canvas, with one more positional argument for each item of a group, or the first one of a '
        'chain."""\n        twin = copy.copy(self)\n',
        "        twin = self\n",
        UNIT,
    ),
    (
        "a flag may be changed afterwards",
        CANVAS,
        "executor.overriding(self._raises, lambda _:",
        "executor.overriding(self.raises_on_failure, lambda _:",
        UNIT,
    ),
    (
        "a held task fails at its submit",
        GRAPH,
        "        if not held and (end := self._fate(node, before)) is not None:",
        "        if (end := self._fate(node, before)) is not None:",
        UNIT,
    ),
    (
        "a held task runs when its arguments are there",
        GRAPH,
        "        node.missing = held\n",
        "        node.missing = False\n",
        ANY,
    ),
    (
        "a held task fails before its turn",
        GRAPH,
        "if broken is not None and not waiting.held:",
        "if broken is not None:",
        UNIT,
    ),
    (
        "what is cancelled while others settle runs all the same",
        GRAPH,
        "            self._settle(node, None, node.error, CANCELLED)\n",
        "            error, node.error = node.error, None\n            self._settle(node, None, error, CANCELLED)\n",
        ANY,
    ),
    (
        "after the break the others wait for ever",
        CANVASES,
        "            self._cancel_nodes(composite.left)\n",
        "            pass\n",
        UNIT,
    ),
    (
        "a break cancels what others have submitted",
        CANVASES,
        "if node.held and node not in self.known]",
        "if node.held]",
        UNIT,
    ),
    ("to cancel lets the next ones run", CANVASES, "        if composite.paused:\n            return\n", "", ANY),
    (
        "a canvas that was cancelled before its turn is not told from a finished one",
        CANVASES,
        "                composite.cancelled = True\n",
        "",
        ANY,
    ),
    (
        "a cancelled member leaves its canvas finished",
        CANVASES,
        "state = CANCELLED if composite.cancelled else FINISHED",
        "state = FINISHED",
        ANY,
    ),
    (
        "to cancel what a function made cancels nothing",
        CANVASES,
        "                work.append(self._own(task.branch.follows))\n        for",
        "                pass\n        for",
        ANY,
    ),
    (
        "a function is called when its canvas is submitted",
        TURNS,
        "        if not node.held:\n            self._begin_branch(branch)\n",
        "        self._begin_branch(branch)\n",
        ANY,
    ),
    (
        "what a function raises is kept for who asks",
        TURNS,
        "            if branch.fails_fast and state == FINISHED:\n",
        "            if False:\n",
        ANY,
    ),
    (
        "who follows takes the flag that was, not the one that is",
        TURNS,
        "            node.raises = False if followed.raises is False else None\n",
        "            pass\n",
        f"{ANY} tests/unit/dataflow/test_branches.py",
    ),
    (
        "a class of the user's own is not asked",
        CANVAS,
        "reads = kind.result is not plain.result or kind.exception is not plain.exception",
        "reads = False",
        ANY,
    ),
    (
        "an exception of the user's own is not asked",
        CANVAS,
        "reads = kind.result is not plain.result or kind.exception is not plain.exception",
        "reads = kind.result is not plain.result",
        ANY,
    ),
    (
        "numbers of what a function makes are those of the main line (rule 6)",
        PROGRAM,
        "node = self._graph.add(task, branch, branch.scope, where, held=held, raises=within.raises, earlier=since)",
        'node = self._graph.add(task, branch, "", where, held=held, raises=within.raises, earlier=since)',
        ANY,
    ),
    (
        "what else a member takes runs at once",
        PROGRAM,
        "            within.held.append(node)\n",
        "            pass\n",
        UNIT,
    ),
    (
        "a canvas that cannot be submitted runs in part",
        CANVASES,
        "self._cancel_nodes([node for made in stack[depth - 1 :] for node in made.nodes if node.held])",
        "self._let([node for made in stack[depth - 1 :] for node in made.nodes])",
        UNIT,
    ),
    (
        "each end looks at all members",
        CANVASES,
        "        composite.active -= 1\n",
        "        composite.active = sum(not each.done for each in composite.members[: composite.begun])\n",
        UNIT,
    ),
    ("nested canvases nest calls", CANVASES, "if depth > MAX_CALLS:", "if depth > 100_000:", UNIT),
    ("turns nest calls", CANVASES, "        if self._releasing:\n            return\n", "", UNIT),
    (
        "results of nested canvases nest calls",
        CANVASES,
        "                    work.append((found, inner))\n",
        "                    inner += found.read(thaw)\n",
        UNIT,
    ),
    (
        "who looks at a canvas has not looked at its members",
        CANVASES,
        "                member.looked_at = True\n",
        "                pass\n",
        UNIT,
    ),
    (
        "a canvas that is submitted again is another one (rule 8)",
        CANVASES,
        "node = self._recall(branch, key, partial(self._make, branch, made, members))",
        "node = self._make(branch, made, members)",
        AGAIN,
    ),
    (
        "a canvas that has other members is the one that was (rule 8)",
        CANVASES,
        'key = ("canvas", made.rules, made.reads, *(node.number for node in members))',
        'key = ("canvas", made.rules, made.reads)',
        AGAIN,
    ),
    (
        "run goes on after its end in a canvas",
        PROGRAM,
        "        super().compose(future, submits, rules, reads=reads)\n        self._stop_if_over()\n",
        "        super().compose(future, submits, rules, reads=reads)\n",
        AGAIN,
    ),
    (
        "what was appended to an aggregate is lost to except*",
        EXCEPTIONS,
        "return self if super().exceptions == self.exceptions else self._with(self.by_position)",
        "return self",
        AGGREGATE,
    ),
    (
        "readers of an aggregate share their failures (rule 13)",
        EXCEPTIONS,
        "return self.changed(fresh)",
        "return self.changed(lambda each: each)",
        AGGREGATE,
    ),
]
