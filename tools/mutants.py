"""Break one rule at a time, and see that a test notices: ``python tools/mutants.py [NAME ...]``.

Each mutant is a change of a few characters in one module; the tests named with it must fail. Works on a copy.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import mutants_of_attempts
import mutants_of_canvases
import mutants_of_waiting

ROOT = Path(__file__).resolve().parent.parent
CORE = "tests/property tests/unit/dataflow tests/unit/decider"
#: What notices a fault of the object layer.
OBJECTS = "tests/unit/objects tests/property/test_compile.py"
#: What notices a broken invariant of the engine.
FIRE = "tests/contract/test_engine_stateful.py"


@dataclass(frozen=True)
class Mutant:
    """`old` becomes `new` in `file`; `tests` must notice."""

    name: str
    file: str
    old: str
    new: str
    tests: str = CORE


MUTANTS = [
    Mutant(
        "number at readiness (design 5.3)",
        "simpleflow/dataflow/graph.py",
        'node_id = "" if activity.idempotent else self._number(task.name, scope)',
        'node_id = "" if activity.idempotent or any(not self._own(f).done for f in '
        'self._values.template_call(task.args, task.kwargs, "").futures) else self._number(task.name, scope)',
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
        "        return decisions, commands, False\n",
        "        for command in commands:\n            self._schedules.pop(command.id, None)\n"
        "        return decisions, commands, False\n",
    ),
    Mutant(
        "events are applied twice (rule 11)",
        "simpleflow/decider/run.py",
        'if event["eventId"] > self.last_event_id:',
        "if True:",
    ),
    Mutant(
        "arguments are encoded late (rule 14)",
        "simpleflow/dataflow/graph.py",
        "node.input = template.fill([self._own(future).result for future in template.futures])",
        "node.input = self._values.template_call(node.task.args, node.task.kwargs, '').fill("
        "[self._own(future).result for future in template.futures])",
    ),
    Mutant(
        "a refused close is not sent again (rule 4)",
        "simpleflow/decider/run.py",
        "if self.program.outcome is not None:",
        "if self.program.outcome is not None and event_id > self._horizon:",
    ),
    Mutant(
        "a failed argument does not keep a task from running (rule 10)",
        "simpleflow/dataflow/graph.py",
        "if dependent.done or dependent.error is not None:",
        "if dependent.done:",
    ),
    Mutant(
        "every cancel is lost (rule 3)",
        "simpleflow/decider/outbox.py",
        "            self._cancels.setdefault(command.id, entry)",
        "            pass",
    ),
    Mutant(
        "a cancel overtakes its schedule (rule 3)",
        "simpleflow/decider/outbox.py",
        "elif command.id in self._schedules and command.id not in sent:",
        "elif False:",
    ),
    Mutant(
        "cancels are dropped before a close (rule 5)",
        "simpleflow/decider/outbox.py",
        "            self._schedules.clear()",
        "            self._schedules.clear()\n            self._cancels.clear()",
    ),
    Mutant(
        "what was cancelled is tried again",
        "simpleflow/dataflow/graph.py",
        "elif node.failures < node.task.activity.retry and not node.cancel_asked:",
        "elif node.failures < node.task.activity.retry:",
    ),
    Mutant(
        "the fourth command is lost",
        "simpleflow/dataflow/program.py",
        "        commands, self._graph.commands = self._graph.commands, []\n",
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
        "            self._runs.popitem(last=False)[1].close()",
        "            self._runs.popitem(last=False)",
    ),
    Mutant(
        "False hands on its failure (rule 10)",
        "simpleflow/dataflow/graph.py",
        "if node.error is not None and node.raises is not False:",
        "if node.error is not None:",
    ),
    Mutant(
        "cancelling an issued activity settles it (rule 3)",
        "simpleflow/dataflow/graph.py",
        "        elif node.id in self.open:\n            leader = self.open[node.id]",
        "        elif node.id in self.open:\n            leader = self.open[node.id]\n"
        "            self._settle(node, None, TaskCanceled(name=node.id), CANCELLED)",
    ),
    Mutant(
        "idempotent tasks do not merge (rule 7)",
        "simpleflow/dataflow/graph.py",
        "leader = self._merged.setdefault(node.id, node)",
        "leader = node",
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
        "simpleflow/decider/outbox.py",
        'or not same_call(command.input, attributes.get("input"))',
        "",
    ),
    Mutant(
        "a parked decision counts (rule 21)",
        "simpleflow/decider/run.py",
        'if "parked" not in read_object(given.get("executionContext")):',
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
        "room = 0 if resting else max(0, self._max_open - self.open)",
        "room = 0 if resting else self._max_open",
    ),
    Mutant(
        "a refused schedule is lost (design 7.2)",
        "simpleflow/decider/outbox.py",
        "        entry.refusals += 1",
        "        entry.refusals += 1\n        del self._schedules[id]",
    ),
    Mutant(
        "objects: a link to another opening",
        "simpleflow/swf/models/event/compiler.py",
        "if opened and opened != self.opened:",
        "if False:",
        OBJECTS,
    ),
    Mutant(
        "objects: a link to another start",
        "simpleflow/swf/models/event/compiler.py",
        'if self.type != "Timer" and started is not None and started != self.started:',
        "if False:",
        OBJECTS,
    ),
    Mutant(
        "objects: an end without a start",
        "simpleflow/swf/models/event/compiler.py",
        "and not self.started:",
        "and False:",
        OBJECTS,
    ),
    Mutant(
        "objects: refusals change the state",
        "simpleflow/swf/models/event/compiler.py",
        "if event.state not in machine.passing:",
        "if True:",
        OBJECTS,
    ),
    Mutant(
        "objects: a gap between events",
        "simpleflow/swf/models/history/integrity.py",
        "elif event.id != self._last + 1:",
        "elif event.id <= self._last:",
        OBJECTS,
    ),
    Mutant(
        "objects: events after the close",
        "simpleflow/swf/models/history/integrity.py",
        "if self._closed is not None:",
        "if False:",
        OBJECTS,
    ),
    Mutant(
        "objects: decisions that nobody made",
        "simpleflow/swf/models/history/integrity.py",
        "if decided not in self._decided:",
        "if False:",
        OBJECTS,
    ),
    Mutant(
        "objects: decisions of another time",
        "simpleflow/swf/models/history/integrity.py",
        "if event.name not in _LATER and decided != self._decision:",
        "if False:",
        OBJECTS,
    ),
    Mutant(
        "objects: two decision tasks at once",
        "simpleflow/swf/models/history/integrity.py",
        "if self._working:",
        "if False:",
        OBJECTS,
    ),
    Mutant(
        "objects: events that lack something",
        "simpleflow/swf/models/history/integrity.py",
        "if missing := [",
        "if False and [",
        OBJECTS,
    ),
    Mutant(
        "objects: one position for all iterations",
        "simpleflow/swf/querysets/base.py",
        "        position = 0\n        while self._fill(position + 1):",
        "        position = len(self._cache)\n        while self._fill(position + 1):",
        OBJECTS,
    ),
    Mutant(
        "objects: a page that fails ends the list",
        "simpleflow/swf/querysets/base.py",
        "            self._forget()  # a page is missing: the next who asks begins anew\n",
        "",
        OBJECTS,
    ),
    Mutant(
        "objects: a later condition replaces an earlier one",
        "simpleflow/swf/querysets/base.py",
        "if self._given.get(name, value) != value:",
        "if False:",
        OBJECTS,
    ),
    Mutant(
        "objects: the latest date alone is dropped",
        "simpleflow/swf/querysets/workflow.py",
        'oldest = "close_oldest_date" if any(name in dates for name in _ENDED) else',
        'oldest = "close_oldest_date" if "close_oldest_date" in dates else',
        OBJECTS,
    ),
    Mutant(
        "objects: a count that is cut short is taken",
        "simpleflow/swf/querysets/workflow.py",
        'if found.get("truncated"):',
        "if False:",
        OBJECTS,
    ),
    Mutant(
        "objects: what is not said differs",
        "simpleflow/swf/models/base.py",
        "if value not in (None, {}, ())",
        "if True",
        OBJECTS,
    ),
    Mutant(
        "objects: every refusal means that it is there",
        "simpleflow/swf/models/base.py",
        "        except DoesNotExistError:\n            return False\n        return True",
        "        except DoesNotExistError:\n            return False\n        except Exception:\n"
        "            return True\n"
        "        return True",
        OBJECTS,
    ),
    Mutant(
        "objects: decisions are not checked",
        "simpleflow/swf/models/decision/base.py",
        "        made.check()\n",
        "",
        OBJECTS,
    ),
    Mutant(
        "objects: a result that cannot travel is never answered",
        "simpleflow/swf/actors/worker.py",
        "            self.fail_with(token, error)\n            return\n",
        "            return\n",
        OBJECTS,
    ),
    Mutant(
        "objects: Amazon is called because there is a file",
        "simpleflow/swf/settings.py",
        'if url == "aws" and (region',
        "if (region",
        OBJECTS,
    ),
    Mutant(
        "engine: ids of events have gaps",
        "simpleflow/engine/transitions.py",
        "        self.last_id += 1\n",
        '        self.last_id += 1 + (kind == "TimerFired")\n',
        FIRE,
    ),
    Mutant(
        "engine: times go back",
        "simpleflow/engine/store.py",
        "run, max(now, time), key",
        "run, now, key",
        f"tests/contract/test_engine_files.py {FIRE}",
    ),
    Mutant(
        "engine: a task is started twice",
        "simpleflow/engine/transitions.py",
        "        heartbeat=heartbeat,\n        arrival=NOWHERE,\n",
        "        heartbeat=heartbeat,\n",
        FIRE,
    ),
    Mutant(
        "engine: two decision tasks are started",
        "simpleflow/engine/transitions.py",
        "    if not run.started:\n        _offer(turn)\n",
        "    _offer(turn)\n",
        FIRE,
    ),
    Mutant(
        "engine: two decision tasks wait",
        "simpleflow/engine/transitions.py",
        "    if run.queued or turn.status is not None:\n        return\n",
        "    if (run.queued and run.started) or turn.status is not None:\n        return\n",
        FIRE,
    ),
    Mutant(
        "engine: counts leave out what is worked on",
        "simpleflow/engine/queries.sql",
        "SELECT ifnull(sum((queued > 0) + (started > 0)), 0)",
        "SELECT ifnull(sum(queued > 0), 0)",
        FIRE,
    ),
    Mutant(
        "engine: rows outlive their tasks",
        "simpleflow/engine/transitions.py",
        "    turn.append(kind, attributes)\n    turn.close(task)\n",
        "    turn.append(kind, attributes)\n",
        FIRE,
    ),
    Mutant(
        "engine: rows do not say what is cancelled",
        "simpleflow/engine/decisions.py",
        "        task = task._replace(cancel=requested)\n",
        "",
        FIRE,
    ),
    Mutant(
        "engine: a deadline stays behind",
        "simpleflow/engine/transitions.py",
        "    run.scheduled = run.started = 0\n    run.due = run.expires\n",
        "    run.scheduled = run.started = 0\n",
        FIRE,
    ),
    Mutant(
        "engine: a deadline is too early",
        "simpleflow/engine/transitions.py",
        "else time + int(seconds) * 1000\n",
        "else time + int(seconds) * 1000 - 1\n",
        FIRE,
    ),
    Mutant(
        "engine: deadlines begin before their time",
        "simpleflow/engine/transitions.py",
        "        return self.time if self.now is None else self.now\n",
        "        return self.time - 500\n",
        FIRE,
    ),
    Mutant(
        "engine: a clock that went back is not told",
        "simpleflow/engine/transitions.py",
        "self.time, kind, attributes, self.now))",
        "self.time, kind, attributes))",
        "tests/contract/test_engine_files.py",
    ),
    Mutant(
        "engine: a clock that went back delays timeouts",
        "simpleflow/engine/store.py",
        "now=now if now < time else None",
        "now=None",
        "tests/contract/test_engine_mended.py",
    ),
    Mutant(
        "engine: a sticky list outlives its timeout",
        "simpleflow/engine/transitions.py",
        "    if run.sticky != NONE:\n        run.task_list",
        "    if run.sticky == NONE:\n        run.task_list",
        FIRE,
    ),
    Mutant(
        "engine: a closed execution changes",
        "simpleflow/engine/transitions.py",
        "        if self.status is not None:\n            return 0\n",
        "",
        FIRE,
    ),
    Mutant(
        "engine: what was open at the close is forgotten",
        "simpleflow/engine/store.py",
        '"open": dict(self.all("count_open", low, high)),',
        '"open": {},',
        FIRE,
    ),
    Mutant(
        "engine: the close of a child is not told",
        "simpleflow/engine/store.py",
        'if parent is not None and turn.status != "CONTINUED_AS_NEW":',
        'if parent is not None and turn.status == "COMPLETED":',
        FIRE,
    ),
    Mutant(
        "engine: messages die with their process",
        "simpleflow/engine/deadlines.py",
        "    if message is not None:\n        return AT_ONCE\n",
        "",
        FIRE,
    ),
    Mutant(
        "engine: messages are delivered twice",
        "simpleflow/engine/deadlines.py",
        '    call.store.do("delete_message", number)\n    deliver(call, key, kind)\n',
        '    call.store.do("delete_message", number)\n    deliver(call, key, kind)\n'
        '    if kind == "signal":\n        deliver(call, key, kind)\n',
        FIRE,
    ),
    Mutant(
        "engine: a crash leaves half a call",
        "simpleflow/engine/store.py",
        "        if turn.messages:\n            self.many",
        '        if turn.messages:\n            self._execute("COMMIT")\n            self._execute("BEGIN IMMEDIATE")\n'
        "            self.many",
        "tests/contract/test_engine_stateful.py tests/contract/test_engine_crashes.py",
    ),
    Mutant(
        "engine: what is not expired is removed",
        "simpleflow/engine/retention.py",
        "    before = call.expired(domain)\n",
        "    before = call.now\n",
        "tests/contract/test_engine_retention.py",
    ),
    Mutant(
        "engine: child policies are not applied",
        "simpleflow/engine/transitions.py",
        "        if kind in APPLIES_CHILD_POLICY:\n",
        '        if kind == "WorkflowExecutionTerminated":\n',
        "simpleflow/testing/contract/test_children.py",
    ),
    Mutant(
        "engine: a policy ends a namesake",
        "simpleflow/engine/outbox.py",
        "or get_execution(call, latest[0]).parent != letter.key",
        "or letter.key == 0",
        "tests/contract/test_engine_quotas.py",
    ),
    Mutant(
        "engine: a close does not see what came meanwhile",
        "simpleflow/engine/decisions.py",
        "        if round_.turn.run.queued:\n            round_.fail(decision",
        "        if round_.turn.run.queued < 0:\n            round_.fail(decision",
        "simpleflow/testing/contract/test_executions.py",
    ),
]
LATER = (mutants_of_waiting, mutants_of_attempts, mutants_of_canvases)
MUTANTS += [Mutant(*each) for module in LATER for each in module.MUTANTS]


def caught(mutant: Mutant) -> bool:
    """Whether the tests fail on the mutant."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*"))
        target = copy / mutant.file
        text = target.read_text()
        if text.count(mutant.old) != 1:
            raise SystemExit(f"{mutant.name}: {mutant.file} holds its text {text.count(mutant.old)} times, not once")
        target.write_text(text.replace(mutant.old, mutant.new))
        command = [sys.executable, "-m", "pytest", "-q", "-x", "--show-capture=no", *mutant.tests.split()]
        # A failure is enough: no time is spent on making it small.
        environment = {**os.environ, "HYPOTHESIS_MUTANT": "1"}
        try:
            done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=120, text=True)
        except subprocess.TimeoutExpired:
            return True
        return done.returncode == 1


def main(names: list[str]) -> int:
    missed = 0
    for mutant in MUTANTS:
        if names and not any(name in mutant.name for name in names):
            continue
        seen = caught(mutant)
        missed += not seen
        print(f"{'caught' if seen else 'MISSED'}  {mutant.name}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
