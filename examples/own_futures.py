"""Canvases of your own: a future class that sums up its group, and a function that goes on until it is done.

simpleflow workflow.start --local examples.own_futures.Collatz --input '[6, 7]'
"""

from typing import Any

from simpleflow import Workflow, activity
from simpleflow.canvas import Chain, FuncGroup, Group, GroupFuture


@activity.with_attributes(task_list="quickstart", version="example")
def following(number: int) -> int:
    return number // 2 if number % 2 == 0 else 3 * number + 1


@activity.with_attributes(task_list="quickstart", version="example")
def length(number: int) -> int:
    return number.bit_length()


class Total(GroupFuture):
    @property
    def result(self) -> Any:
        return sum(super().result)


class Lengths(Group):
    default_future_class = Total


def sequence(number: int) -> Chain | Group:
    """Step by step down to 1; nobody knows how many that are."""
    if number == 1:
        return Group()
    return Chain((following, number), FuncGroup(sequence), send_result=True)


def flat(nested: list[Any]) -> list[int]:
    return [nested[0], *flat(nested[1])] if nested else []


class Collatz(Workflow):
    name = "collatz"
    version = "example"
    task_list = "example"

    def run(self, *numbers: int) -> list[Any]:
        futures = [self.submit(sequence(number)) for number in numbers]
        bits = self.submit(Lengths(*[(length, number) for number in numbers])).result
        found = [flat(future.result) for future in futures]
        print(f"{bits} bits; steps: {[len(steps) for steps in found]}")
        return [bits, found[0], len(found[-1])]
