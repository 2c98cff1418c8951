"""Timers: waiting that takes no process, for a second or for a year; and timers that are called off.

simpleflow workflow.start --local examples.timers.Egg --input '[240]'

Here the four minutes are over at once, since time jumps when nothing runs; durably they take four minutes, and every
process may be restarted meanwhile.
"""

from simpleflow import Workflow, activity


@activity.with_attributes(task_list="quickstart", version="example")
def peel(egg: str) -> str:
    return f"a peeled {egg} egg"


class Egg(Workflow):
    name = "egg"
    version = "example"
    task_list = "example"

    def run(self, seconds: int) -> list[str | bool]:
        began = self.now()
        soft = self.submit(self.start_timer("soft", seconds, control={"for": "breakfast"}))
        hard = self.submit(self.start_timer("hard", 10 * seconds))
        soft.wait()
        self.submit(self.cancel_timer("hard"))  # or: hard.cancel()
        took = (self.now() - began).total_seconds()
        print(f"soft after {took:.0f} seconds; hard: {hard.state}")
        self.sleep(1)  # a timer without a name
        return [self.submit(peel, "soft").result, took >= seconds, hard.state]
