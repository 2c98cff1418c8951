"""Coroutines: `async def run`, and branches that go side by side, each at its own pace.

simpleflow workflow.start --local examples.coroutines.Bakery --input '[["rye", "oat"]]'
"""

from simpleflow import Workflow, activity, futures


@activity.with_attributes(task_list="quickstart", version="example")
def knead(flour: str) -> str:
    return f"{flour} dough"


@activity.with_attributes(task_list="quickstart", version="example")
def bake(dough: str) -> str:
    return dough.replace("dough", "bread")


class Bakery(Workflow):
    name = "bakery"
    version = "example"
    task_list = "example"

    async def loaf(self, flour: str) -> str:
        dough = await self.submit(knead, flour)
        await self.sleep(1)  # it rises, and the others go on
        return await self.submit(bake, dough)

    async def run(self, flours: list[str]) -> list[str]:
        loaves = await futures.gather(*[self.loaf(flour) for flour in flours])
        async for future in futures.as_completed(self.map(bake, ["pizza dough"])):
            loaves.append(await future)
        print(", ".join(loaves))
        return loaves
