"""Waiting for the first of several, for as long as it takes or for some time, as in concurrent.futures.

simpleflow workflow.start --local examples.waiting.Race --input '[{"hare": 0.2, "tortoise": 0.1}]'
"""

import time

from simpleflow import Workflow, activity, futures


@activity.with_attributes(task_list="quickstart", version="example")
def runs(name: str, seconds: float) -> str:
    time.sleep(seconds)
    return name


class Race(Workflow):
    name = "race"
    version = "example"
    task_list = "example"

    def run(self, runners: dict[str, float]) -> dict[str, list[str]]:
        race = [self.submit(runs, name, seconds) for name, seconds in runners.items()]
        done, not_done = futures.wait(race, return_when=futures.FIRST_COMPLETED)
        print(f"{len(done)} has arrived, {len(not_done)} run")
        arrived = [future.result for future in futures.as_completed(race, timeout=3600)]

        umpire = self.receive("a protest")
        done, not_done = futures.wait([umpire], timeout=1)  # a durable timer
        umpire.cancel()
        return {
            "runners": sorted(arrived),
            "all": futures.wait(*race),  # the results in order
            "protests": [str(future.result) for future in done],
            "unheard": [future.state for future in not_done],
        }
