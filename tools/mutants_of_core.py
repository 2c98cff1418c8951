"""Broken rules of the core and of the decider, for `tools/mutants.py`."""

from __future__ import annotations

from mutant import Mutant

MUTANTS = [
    Mutant(
        "number at readiness (design 5.3)",
        "simpleflow/dataflow/graph.py",
        '        number = "" if task.idempotent else self.number(task.kind, task.name, scope)\n',
        "        template = task.template(self._values)\n"
        "        late = template is not None and any(not self._own(future).done for future in template.futures)\n"
        '        number = "" if task.idempotent or late else self.number(task.kind, task.name, scope)\n',
    ),
    Mutant(
        "no snapshot at DecisionTaskStarted (rule 2)",
        "simpleflow/decider/outbox.py",
        "self._block = Block(event_id, started[1], held, started[2])",
        "self._block = Block(event_id, self._asked, held, started[2])",
    ),
    Mutant(
        "sent means issued (rule 11)",
        "simpleflow/decider/outbox.py",
        "        return decisions, entries, False\n",
        "        for entry in entries:\n"
        "            self._openings[entry.command.kind].pop(entry.command.id, None)\n"
        "        return decisions, entries, False\n",
    ),
    Mutant(
        "events are applied twice (rule 11)",
        "simpleflow/decider/run.py",
        'if event["eventId"] > self.last_event_id:',
        "if True:",
    ),
    Mutant(
        "gaps of a cached run are not read (rule 11)",
        "simpleflow/decider/decide.py",
        'run is not None and run.last_event_id + 1 < events[0]["eventId"]',
        "False",
    ),
    Mutant(
        "arguments are encoded late (rule 14)",
        "simpleflow/dataflow/graph.py",
        "            if template is not None:\n"
        "                arguments",
        "            template = node.task.template(self._values)\n"
        "            if template is not None:\n"
        "                arguments",
    ),
    Mutant(
        "events reach what is over (rule 4)",
        "simpleflow/dataflow/program.py",
        "        if self.outcome is not None:\n            return self._after_the_end(event)\n",
        "",
    ),
    Mutant(
        "a refused close is not sent again (rule 4)",
        "simpleflow/decider/run.py",
        "if self.program.outcome is not None:",
        "if self.program.outcome is not None and event_id > self._horizon:",
    ),
    Mutant(
        "fail fast is raised late (rule 9)",
        "simpleflow/dataflow/turns.py",
        "            if graph.urgent:\n                self._raise_in_owner",
        "            if graph.urgent and not graph.woken:\n                self._raise_in_owner",
    ),
    Mutant(
        "a failure at submit is never raised (rule 9)",
        "simpleflow/dataflow/turns.py",
        "                urgent.remove(node)\n"
        "                branch.failures.append(node)\n",
        "                urgent.remove(node)\n",
    ),
    Mutant(
        "a failure at submit is lost when run returns (rule 9)",
        "simpleflow/dataflow/turns.py",
        "            self._interrupt(branch, ())\n",
        "",
    ),
    Mutant(
        "a stale wait wakes its branch (rule 9)",
        "simpleflow/dataflow/turns.py",
        "                if branch.wait is wait:",
        "                if True:",
    ),
    Mutant(
        "a failed argument does not keep a task from running (rule 10)",
        "simpleflow/dataflow/graph.py",
        "        if waiting.done or waiting.error is not None:",
        "        if waiting.done:",
    ),
    Mutant(
        "every cancel is lost (rule 3)",
        "simpleflow/decider/outbox.py",
        "            self._cancels.setdefault((command.kind, command.id), entry)\n",
        "            pass\n",
    ),
    Mutant(
        "a cancel overtakes its schedule (rule 3)",
        "simpleflow/decider/outbox.py",
        "        return key[1] in self._openings[key[0]] and key not in sent\n",
        "        return False\n",
    ),
    Mutant(
        "cancels are dropped before a close (rule 5)",
        "simpleflow/decider/outbox.py",
        "            entries = self._openings.pop(kind, {})\n",
        "            entries = self._openings.pop(kind, {})\n"
        "            self._cancels.clear()\n",
    ),
    Mutant(
        "the fourth command is lost",
        "simpleflow/dataflow/program.py",
        "            self._history_is_long()\n"
        "        commands, self._graph.commands = self._graph.commands, []\n",
        "            self._history_is_long()\n"
        "        commands, self._graph.commands = self._graph.commands[:3], []\n",
    ),
    Mutant(
        "a registration that fails is tried in a loop (design 7.2)",
        "simpleflow/decider/decide.py",
        "            if again:",
        "            if False:",
    ),
    Mutant(
        "now() stands still (rule 20)",
        "simpleflow/dataflow/program.py",
        "        self._time = event.time\n",
        "        self._time = self._time or event.time\n",
    ),
    Mutant(
        "the cache forgets without closing (rule 12)",
        "simpleflow/decider/cache.py",
        "            self.drop(next(iter(self._runs)))",
        "            self.take(next(iter(self._runs)))",
    ),
    Mutant(
        "who waits for just that future is thrown at (rule 9)",
        "simpleflow/dataflow/turns.py",
        "        elif not branch.wait.exactly(node):",
        "        elif True:",
    ),
    Mutant(
        "False hands on its failure (rule 10)",
        "simpleflow/dataflow/graph.py",
        "broken = node.error if node.raises is not False else None",
        "broken = node.error",
    ),
    Mutant(
        "cancelling an issued activity settles it (rule 3)",
        "simpleflow/dataflow/graph.py",
        "        if leader.task.ours:\n"
        "            self._settle",
        "        if True:\n"
        "            self._settle",
    ),
    Mutant(
        "idempotent tasks do not merge (rule 7)",
        "simpleflow/dataflow/graph.py",
        "return self._merged.setdefault(node.key, node)",
        "return node",
    ),
    Mutant(
        "a lost worker uses up a retry (design 7.6)",
        "simpleflow/dataflow/graph.py",
        "            node.losses += 1\n",
        "            node.losses += 1\n            node.failures += 1\n",
    ),
    Mutant(
        "added tasks pass unseen (rule 18)",
        "simpleflow/decider/outbox.py",
        "if block is None or block.held != 0 or block.closing:",
        "if True:",
    ),
    Mutant(
        "re-argued tasks pass unseen (rule 18)",
        "simpleflow/decider/translate.py",
        'name == command.activity.name) and same_call(command.input, attributes.get("input"))',
        "name == command.activity.name)",
    ),
    Mutant(
        "a parked decision counts (rule 21)",
        "simpleflow/decider/run.py",
        'if not _said(given.get("executionContext"))[1]:',
        "if True:",
    ),
    Mutant(
        "replays are not muted (design 5.1)",
        "simpleflow/decider/run.py",
        "replaying=event_id <= self._horizon",
        "replaying=False",
    ),
    Mutant(
        "everything is muted (design 5.1)",
        "simpleflow/decider/run.py",
        "replaying=event_id <= self._horizon",
        "replaying=event_id <= self._horizon + 1",
    ),
    Mutant(
        "the open-activity limit is not kept (design 7.2)",
        "simpleflow/decider/outbox.py",
        "max(0, self._max_open.get(kind, maxsize) - self.open[kind])",
        "self._max_open.get(kind, maxsize)",
    ),
    Mutant(
        "a refused schedule is lost (design 7.2)",
        "simpleflow/decider/outbox.py",
        '        type = attributes[words.type]["name"] if words.type else ""\n'
        "        entry.refusals += 1\n",
        "        del self._openings[kind][id]\n"
        '        type = attributes[words.type]["name"] if words.type else ""\n'
        "        entry.refusals += 1\n",
    ),
    Mutant(
        "eviction can be swallowed (rule 12)",
        "simpleflow/dataflow/branches.py",
        "                while branch.refusals > MAX_REFUSALS:\n"
        "                    self.suspend",
        "                while branch.refusals < 0:\n"
        "                    self.suspend",
    ),
    Mutant(
        "a timer that was withdrawn is sent (rule 3)",
        "simpleflow/decider/outbox.py",
        "            if kind in WITHDRAWN and id in self._openings[kind]:\n",
        "            if False:\n",
    ),
    Mutant(
        "withdrawn when asked for, not when sent (rule 3)",
        "simpleflow/decider/outbox.py",
        "            self._cancels.setdefault((command.kind, command.id), entry)\n"
        "            return\n",
        "            if self._openings[command.kind].pop(command.id, None) is None:\n"
        "                self._cancels.setdefault((command.kind, command.id), entry)\n"
        "            return\n",
    ),
    Mutant(
        "a child is cancelled before it has started (rule 3)",
        "simpleflow/decider/outbox.py",
        "return command.id in self._unbegun if command.kind == CHILD else self._is_held(key, sent)",
        "return self._is_held(key, sent)",
    ),
    Mutant(
        "a child is signalled before it has started",
        "simpleflow/decider/outbox.py",
        "return isinstance(command, SendSignal) and command.workflow_id in self._unbegun",
        "return False",
    ),
    Mutant(
        "what was handed on is forgotten in the gap (rule 2)",
        "simpleflow/decider/outbox.py",
        "            self._unbegun.discard(id)\n"
        "            self._children.discard(id)\n",
        "            self._unbegun.discard(id)\n"
        "            self._children.discard(id)\n"
        "            self._prune()\n",
    ),
    Mutant(
        "markers are dropped before a close (rule 5)",
        "simpleflow/decider/outbox.py",
        "DROPPED: Final = frozenset({ACTIVITY, LAMBDA, TIMER})",
        "DROPPED: Final = frozenset({ACTIVITY, LAMBDA, TIMER, MARKER})",
    ),
    Mutant(
        "child starts are dropped before a close (rule 5)",
        "simpleflow/decider/outbox.py",
        "DROPPED: Final = frozenset({ACTIVITY, LAMBDA, TIMER})",
        "DROPPED: Final = frozenset({ACTIVITY, CHILD, LAMBDA, TIMER})",
    ),
    Mutant(
        "a close overtakes what is held back (rule 5)",
        "simpleflow/decider/outbox.py",
        "close = None if held or self._rests(CLOSE) else self._close",
        "close = None if self._rests(CLOSE) else self._close",
    ),
    Mutant(
        "a cancelled run starts children",
        "simpleflow/decider/outbox.py",
        "for kind in (*DROPPED, CHILD) if isinstance(close, CancelRun) else DROPPED:",
        "for kind in DROPPED:",
    ),
    Mutant(
        "what is open outlives a cancelled run",
        "simpleflow/dataflow/program.py",
        "        for node in list(self._graph.open.values()):\n"
        "            self._graph.cancel(node)\n",
        "",
    ),
    Mutant(
        "should_cancel is not asked",
        "simpleflow/dataflow/program.py",
        "if workflow is None or not self._aside(lambda: workflow.should_cancel(self.history())):",
        "if workflow is None:",
    ),
    Mutant(
        "what was refused late is lost",
        "simpleflow/decider/outbox.py",
        "            entry.number = self._next()\n"
        "            self._openings[kind][id] = entry\n"
        "        else:",
        "            self._openings[kind][id] = Entry(self._next(), entry.command)\n"
        "            del self._openings[kind][id]\n"
        "            return None\n"
        "        else:",
    ),
    Mutant(
        "what is sent again late keeps its number (rule 2)",
        "simpleflow/decider/outbox.py",
        "            entry.number = self._next()\n"
        "            self._openings[kind][id] = entry\n"
        "        else:",
        "            self._openings[kind][id] = entry\n"
        "        else:",
    ),
    Mutant(
        "a refused cancel of a child is lost",
        "simpleflow/decider/outbox.py",
        "            entry.number = self._next()\n"
        "            self._cancels[key] = entry\n",
        "            pass\n",
    ),
    Mutant(
        "refusals by rate are sent again at once",
        "simpleflow/decider/outbox.py",
        "            self._rest_wanted[what] = max(self._rest_wanted.get(what, 0), rest)\n",
        "            pass\n",
    ),
    Mutant(
        "the end of a task is not its refusal",
        "simpleflow/decider/outbox.py",
        '        if treatment(attributes["cause"]) is Treatment.SETTLE:\n'
        "            del self._openings[kind][id]\n"
        "            self._over(kind, id)\n"
        "            return id\n",
        "",
    ),
    Mutant(
        "a timer of ours is refused in a loop",
        "simpleflow/decider/outbox.py",
        "        if self._timers_refused >= MAX_TRIES:",
        "        if False:",
    ),
    Mutant(
        "children pass unseen (rule 18)",
        "simpleflow/decider/translate.py",
        'name == importable_name(command.workflow)) and same_call(command.input, attributes.get("input"))',
        "name == importable_name(command.workflow))",
    ),
    Mutant(
        "signals pass unseen (rule 18)",
        "simpleflow/decider/translate.py",
        "    return theirs == command.input or (command.input is not None and same_call(command.input, theirs))\n",
        "    return True\n",
    ),
    Mutant(
        "a cancelled timer passes unseen (rule 18)",
        "simpleflow/decider/outbox.py",
        "        elif words.cancelled_at_once:\n"
        "            raise",
        "        elif False:\n"
        "            raise",
    ),
    Mutant(
        "signals are received last in, first out",
        "simpleflow/dataflow/signals.py",
        "letter = self._box[name].popleft()",
        "letter = self._box[name].pop()",
    ),
    Mutant(
        "a receiver that was cancelled takes a signal",
        "simpleflow/dataflow/signals.py",
        "            node = receiving.popleft()\n"
        "            if not node.done:\n",
        "            node = receiving.popleft()\n"
        "            if True:\n",
    ),
    Mutant(
        "the first signal wins",
        "simpleflow/dataflow/signals.py",
        "        self._inputs[name] = input\n",
        "        self._inputs.setdefault(name, input)\n",
    ),
    Mutant(
        "a signal goes back to its sender",
        "simpleflow/dataflow/signals.py",
        "            if workflow_id != signal.sender:",
        "            if True:",
    ),
    Mutant(
        "children that start later are not told",
        "simpleflow/dataflow/program.py",
        "signals.for_new_children(commands) if signals.handed_on else commands",
        "commands",
    ),
    Mutant(
        "a signal in the gap of a continue-as-new is lost",
        "simpleflow/dataflow/program.py",
        "            if going_on is not None:\n                self.outcome = replace",
        "            if False:\n                self.outcome = replace",
    ),
    Mutant(
        "what was taken and never looked at is lost",
        "simpleflow/dataflow/signals.py",
        "not self.shown and (self.taker is None or not self.taker.looked_at)",
        "not self.shown and self.taker is None",
    ),
    Mutant(
        "a failure that is final is tried again",
        "simpleflow/dataflow/attempts.py",
        "        if isinstance(failure, Failed) and failure.final:",
        "        if False:",
    ),
    Mutant(
        "a cancel that nobody asked for is none",
        "simpleflow/dataflow/graph.py",
        "        if node is not None and not node.cancel_asked:\n            return self.attempt_failed",
        "        if False:\n            return self.attempt_failed",
    ),
    Mutant(
        "hooks are called while a run is read again",
        "simpleflow/decider/run.py",
        "if not self._is_live and self.last_event_id > self._horizon:",
        "if not self._is_live:",
    ),
    Mutant(
        "one id is two tasks",
        "simpleflow/dataflow/graph.py",
        "if node.task.idempotent or node.task.names_itself:\n"
        "                leader",
        "if node.task.idempotent:\n"
        "                leader",
    ),
    Mutant(
        "the parent's tags are not inherited",
        "simpleflow/decider/decisions.py",
        "if command.tag_list == INHERIT_TAG_LIST else",
        "if False else",
    ),
]
