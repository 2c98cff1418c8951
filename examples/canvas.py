"""Canvases: a pipeline whose middle is as wide as its first step says.

simpleflow workflow.start --local examples.canvas.Almanac --input '[2026]'
"""

import calendar
import datetime
from typing import Any

from simpleflow import Workflow, activity
from simpleflow.canvas import Chain, FuncGroup, Group


@activity.with_attributes(task_list="quickstart", version="example")
def months(year: int) -> list[list[int]]:
    return [[year, month] for month in range(1, 13)]


@activity.with_attributes(task_list="quickstart", version="example")
def sundays(year: int, month: int) -> int:
    return sum(week[calendar.SUNDAY] > 0 for week in calendar.monthcalendar(year, month))


@activity.with_attributes(task_list="quickstart", version="example")
def leap_day(year: int) -> str:
    return datetime.date(year, 2, 29).strftime("%A")  # a ValueError in most years


@activity.with_attributes(task_list="quickstart", version="example")
def report(counts: list[int]) -> str:
    return f"{sum(counts)} Sundays, at most {max(counts)} in a month"


def count_each(found: list[list[int]]) -> Group:
    """Called when `months` is done; its tasks run four at a time."""
    return Group(*[(sundays, *month) for month in found], max_parallel=4)


class Almanac(Workflow):
    name = "almanac"
    version = "example"
    task_list = "example"

    def run(self, year: int) -> list[Any]:
        pipeline = Chain((months, year), FuncGroup(count_each), report, send_result=True)
        optional = Chain((leap_day, year), raises_on_failure=False)
        both = self.submit(Group(pipeline, optional))
        (_, counts, line), leap = both.result
        print(f"{line}; {leap[0] or 'no'} 29 February")
        return [counts, line, *leap]
