"""The programs of tests/histories/branches.json and blocked.json: branches, waits, patches, the old idiom. Not to be
changed."""

from __future__ import annotations

from typing import Any

from simpleflow import Workflow, activity, futures
from simpleflow.exceptions import BranchCanceled, ExecutionBlocked, TaskCanceled


@activity.with_attributes(version="1")
def double(x: int) -> int:
    return 2 * x


class Branches(Workflow):
    name, version, task_list = "branches", "1", "recorded"

    async def twice(self, x: int) -> int:
        await self.sleep(x)
        return await self.submit(double, await self.submit(double, x))

    async def patient(self) -> Any:
        try:
            return await self.receive("never")
        except BranchCanceled:
            return [await self.submit(double, 100), self.patched("inner")]

    def nested(self, depth: int) -> Any:
        if depth:
            return self.executor.spawn(lambda: self.nested(depth - 1), "f")
        return self.submit(double, depth)

    async def run(self) -> Any:
        patient = futures.gather(self.patient())
        both = await futures.gather(self.twice(1), self.twice(2), self.submit(double, 7))
        late = futures.wait(patient, timeout=30)
        seen: list[Any] = [both, len(late.done), len(late.not_done), self.patched("outer")]
        patient.cancel()
        try:
            await patient
        except TaskCanceled as error:
            seen.append(str(error))
        seen.append([await future async for future in futures.as_completed(self.map(double, [4, 5]), timeout=60)])
        first = futures.wait(*self.map(double, [8, 9]), return_when=futures.FIRST_COMPLETED)
        return [*seen, len(first.done) > 0, await self.executor.spawn(lambda: self.nested(30), "f")]


class Blocked(Workflow):
    name, version, task_list = "blocked", "1", "recorded"

    def run(self) -> Any:
        began = self.now().timestamp()
        made = [self.submit(double, n) for n in (1, 1, 2)]
        self.sleep(5)
        branch = self.executor.spawn(lambda: self.submit(double, 10).result)
        if not all(future.done for future in [*made, branch]):
            raise ExecutionBlocked
        chance = self.random()
        if self.submit(double, chance < 2).result and not self.submit(double, chance).done:
            raise ExecutionBlocked
        return [began > 0, [future.result for future in made], branch.result]
