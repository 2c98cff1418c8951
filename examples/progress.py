"""Inside an activity: which attempt it is, how far it has come, and whether it should stop. It may be a coroutine.

simpleflow workflow.start --local examples.progress.Albums --input '[["sea", "sky"]]'
"""

import asyncio
from typing import Any

from simpleflow import Workflow, activity


@activity.with_attributes(task_list="quickstart", version="example", heartbeat_timeout=30)
def shrink(pictures: list[str]) -> list[str]:
    done: list[str] = activity.context().last_details or []  # what the attempt before this one has said
    for number, picture in enumerate(pictures[len(done) :], len(done)):
        if activity.cancelled():
            break
        activity.progress(number, len(pictures), picture)
        done.append(f"small {picture}")
        activity.heartbeat(done)
    return done


@activity.with_attributes(task_list="quickstart", version="example")
async def publish(pictures: list[str]) -> str:
    await asyncio.gather(*[asyncio.sleep(0.01) for _ in pictures])
    me = activity.context()
    return f"{len(pictures)} published at attempt {me.attempt}"


class Albums(Workflow):
    name = "albums"
    version = "example"
    task_list = "example"

    def run(self, pictures: list[str]) -> list[Any]:
        small = self.submit(shrink, pictures).result
        line = self.submit(publish, small).result
        print(line)
        return [*small, line]
