"""Random programs with branches, coroutines, canvases and waits of every kind, some of them in the old idiom.

A branch sees the futures that were there when it was spawned, and its own: so no two branches wait for each other.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import strategies as st

from canvases import OWN
from programs import ACTIVITIES, CHILDREN, SIGNALS
from simpleflow import Workflow, futures
from simpleflow.canvas import Chain, FuncGroup, Group
from simpleflow.exceptions import AggregateException, BranchCanceled, ExecutionBlocked, TaskException
from simpleflow.signal import ReceiveSignal

Made = list[futures.Future[Any]]

READS = ("result", "result", "exception", "unguarded")
WAITS = ("wait", "wait first", "wait first", "completed", "completed", "sleep")
OTHERS = ("cancel", "cancel", "cancel", "now", "done", "patched", "return", "receive", "mark")
BRANCHES = ("branch", "branch", "follow", "gather", "gather")
RETURN_WHEN = (futures.FIRST_COMPLETED, futures.FIRST_EXCEPTION, futures.ALL_COMPLETED)


def random_branching(seed: int) -> dict[str, Any]:
    """A program: its steps, whether `run` is a coroutine, and whether it blocks as of old."""
    chance = Random(seed)
    blocks = chance.random() < 0.3
    return {"steps": _steps(chance, 0, blocks), "coroutine": chance.random() < 0.5}


def _steps(chance: Random, depth: int, blocks: bool) -> list[Any]:
    def some(most: int) -> list[int]:
        return [chance.randrange(30) for _ in range(chance.randrange(most))]

    def step() -> Any:
        kinds = (*("submit",) * 8, *("canvas",) * 2, *READS, *WAITS, *OTHERS, *(BRANCHES if depth < 3 else ()))
        kind = chance.choice(kinds)
        if kind == "submit":
            return kind, chance.randrange(len(ACTIVITIES)), some(3)
        if kind == "canvas":
            return kind, chance.randrange(2**32), chance.random() < 0.3
        if kind in ("branch", "follow"):
            return kind, _steps(chance, depth + 1, blocks)
        if kind == "gather":
            parts = [_steps(chance, depth + 1, blocks=False) for _ in range(chance.randrange(3))]
            return kind, parts, some(2), chance.random() < 0.5
        if kind in ("wait", "wait first"):
            return kind, some(5), chance.choice(RETURN_WHEN), chance.choice((None, 0, 1, 5))
        if kind == "completed":
            return kind, some(5), chance.choice((None, None, 0, 1, 5)), chance.randrange(1, 5)
        if kind == "return" and chance.random() < 0.7:
            kind = "done"
        return kind, chance.randrange(30)

    steps = [step() for _ in range(chance.randint(2, 20 if depth == 0 else 7))]
    if blocks and depth < 2:
        steps.insert(chance.randrange(len(steps) + 1), ("block", some(4)))
        steps.insert(chance.randrange(len(steps) + 1), ("block", some(4)))
    return [*steps, *([("end",)] if depth == 0 else ())]


branchings = st.integers(0, 2**64).map(random_branching)


def branching_workflow(program: dict[str, Any], printed: list[str]) -> type[Workflow]:
    """A workflow class that runs `program`, and says what it saw to `printed` unless it is replaying."""

    class Branching(Workflow):
        def run(self) -> Any:
            seen: list[Any] = []
            if program["coroutine"]:
                return self.awaiting(program["steps"], [], seen)
            return self.all(program["steps"], [], seen)

        def say(self, seen: list[Any], *what: Any) -> None:
            seen.append(list(what))
            if not self.is_replaying:
                printed.append(json.dumps(what))

        def all(self, steps: list[Any], made: Made, seen: list[Any]) -> Any:
            for step in steps:
                if step[0] == "return" and made:
                    return self.at(made, step[1])
                self.perform(step, made, seen)
            return seen

        async def awaiting(self, steps: list[Any], made: Made, seen: list[Any]) -> Any:
            for step in steps:
                if step[0] in ("result", "unguarded") and made:
                    try:
                        self.say(seen, "awaited", repr(await self.at(made, step[1])))
                    except Exception as error:
                        if step[0] == "unguarded":
                            raise
                        self.say(seen, "error", repr(error))
                elif step[0] == "completed" and step[2] is None:
                    found = [repr(future) async for future in futures.as_completed(self.some(made, step[1]))]
                    self.say(seen, "all completed", found)
                elif step[0] == "return" and made:
                    return await self.at(made, step[1])
                else:
                    self.perform(step, made, seen)
            return seen

        def at(self, made: Made, index: int) -> futures.Future[Any]:
            return made[-1 - index % len(made)]

        def some(self, made: Made, indexes: list[int]) -> Made:
            return [self.at(made, index) for index in indexes] if made else []

        def perform(self, step: Any, made: Made, seen: list[Any]) -> None:
            kind, *given = step
            if kind == "submit":
                made.append(self.submit(ACTIVITIES[given[0]], *self.some(made, given[1])))
            elif kind == "canvas":
                canvas = self.submit(self.canvas(Random(given[0]), list(made), 0))
                made += [*canvas.futures, canvas] if given[1] else [canvas]
            elif kind in ("branch", "follow"):
                known = list(made)
                if kind == "branch":
                    made.append(self.executor.spawn(lambda: self.all(given[0], [*known], []), "b"))
                else:
                    made.append(self.executor.spawn(lambda: self.followed(given[0], [*known]), "f"))
            elif kind == "gather":
                parts = [self.awaiting(part, list(made), []) for part in given[0]]
                made.append(futures.gather(*parts, *self.some(made, given[1]), return_exceptions=given[2]))  # type: ignore[call-overload]
            elif kind == "now":
                self.say(seen, "now", self.now().timestamp(), self.random())
            elif kind == "patched":
                self.say(seen, "patched", self.patched(f"p{given[0] % 3}"))
            elif kind == "receive":
                made.append(self.receive(SIGNALS[given[0] % 2], timeout=(None, 2, 3)[given[0] % 3]))
            elif kind == "mark":
                made.append(self.submit(self.record_marker("m", given[0] % 4)))
                self.say(seen, "marked", [marker.details for marker in self.list_markers(all=True)])
            elif kind == "sleep":
                self.say(seen, "slept", repr(self.sleep(given[0] % 3)))
            elif kind == "block":
                if not all(future.done for future in self.some(made, given[0])):
                    raise ExecutionBlocked
            elif kind == "end":
                for future in made:
                    self.say(seen, "end", repr(future.exception))
            elif made:
                self.look(kind, given, made, seen)

        def canvas(self, chance: Random, known: Made, depth: int) -> Group:
            """A canvas of some tasks of every kind, which may take futures that are `known`."""
            chain = chance.random() < 0.5
            items = [self.item(chance, known, depth) for _ in range(chance.randrange(5))]
            own = OWN[chance.choice(("wraps", "swallows")), chain] if chance.random() < 0.2 else None
            flags = {"raises_on_failure": chance.choice((None, None, True, False)), "future_class": own}
            if chain:
                return Chain(*items, send_result=chance.random() < 0.4, **flags)
            return Group(*items, max_parallel=chance.choice((None, 1, 2)), **flags)

        def item(self, chance: Random, known: Made, depth: int) -> Any:
            kind = chance.random()
            arguments = [chance.choice(known)] if known and chance.random() < 0.3 else []
            if kind < 0.1:
                return chance.choice(CHILDREN), *arguments
            if kind < 0.2:
                number = chance.randrange(4)
                return chance.choice((self.start_timer(f"t{number}", number), self.record_marker("c", number)))
            if kind < 0.25:
                return ReceiveSignal(chance.choice(SIGNALS), chance.randrange(1, 3))
            if kind < 0.45 and depth < 3:
                return self.canvas(chance, known, depth + 1)
            if kind < 0.6 and depth < 3:
                seed, reads = chance.randrange(2**32), chance.random() < 0.5

                def make(*sent: Any) -> Any:
                    if reads:
                        self.submit(ACTIVITIES[seed % len(ACTIVITIES)], *sent).wait()
                    return self.canvas(Random(seed), known, depth + 1)

                return FuncGroup(make)
            return chance.choice(ACTIVITIES), *arguments

        def followed(self, steps: list[Any], made: Made) -> Any:
            """What is made last, unread, is what the branch ends with."""
            self.all(steps, made, [])
            return made[-1] if made else None

        def look(self, kind: str, given: list[Any], made: Made, seen: list[Any]) -> None:
            if kind in ("wait", "wait first"):
                several = self.some(made, given[0])
                if kind == "wait" and given[2] is None:
                    try:
                        self.say(seen, "wait", repr(futures.wait(*several)))
                    except (TaskException, AggregateException, LookupError) as error:
                        self.say(seen, "wait", repr(error))
                else:
                    done, not_done = futures.wait(several, return_when=given[1], timeout=given[2])
                    self.say(seen, "first", [repr(future) for future in done], len(not_done))
                return
            if kind == "completed":
                self.say(seen, "completed", self.completed(self.some(made, given[0]), given[1], given[2]))
                return
            future = self.at(made, given[0])
            if kind == "unguarded":
                self.say(seen, "value", repr(future.result))
            elif kind == "result":
                try:
                    self.say(seen, "value", repr(future.result))
                except Exception as error:
                    self.say(seen, "error", repr(error))
            elif kind == "exception":
                self.say(seen, "exception", repr(future.exception))
            elif kind == "cancel":
                self.say(seen, "cancel", repr(future), future.cancel())
            elif kind == "done":
                self.say(seen, "done", future.done, future.state)

        def completed(self, several: Made, timeout: int | None, most: int) -> list[str]:
            found: list[str] = []
            try:
                for future in futures.as_completed(several, timeout):
                    found.append(repr(future))
                    if len(found) == most:
                        break
            except TimeoutError as error:
                found.append(repr(error))
            except BranchCanceled:
                if most > 2:
                    raise
                found.append("has it otherwise")
            return found

    return Branching
