"""A hundred thousand tasks: the run goes on as a new one before its history is too long.

simpleflow standalone --domain TestDomain examples.many_tasks.ManyTasks --input '[100000]'

Amazon SWF ends a run whose history has 25,000 events; a task leaves three to six of them. So the run looks at its
history between two batches, and goes on as new with what it must remember: how far it is, and what it has so far.
"""

from simpleflow import Workflow, activity, futures


@activity.with_attributes(task_list="quickstart", version="example")
def digit_sum(number: int) -> int:
    return sum(int(digit) for digit in str(number))


class ManyTasks(Workflow):
    name = "many-tasks"
    version = "example"
    task_list = "example"

    def run(self, count: int, first: int = 0, total: int = 0, batch: int = 500) -> int:
        """The digits of all numbers below `count`, added up."""
        while first < count:
            if self.history_is_long:
                self.submit(self.continue_as_new(count, first=first, total=total, batch=batch))
            numbers = range(first, min(first + batch, count))
            total += sum(futures.wait(*self.map(digit_sum, numbers)))
            first += batch
        print(f"the digits of all numbers below {count} add up to {total}")
        return total
