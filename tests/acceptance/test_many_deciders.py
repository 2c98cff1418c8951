"""Several deciders on one list, without affinity: each decision may come to any of them."""

from __future__ import annotations

from places import everywhere
from shell import Project

FLOW = """
from simpleflow import Workflow, activity, futures

@activity.with_attributes()
def add(x, y):
    return x + y

class Sums(Workflow):
    def run(self, n):
        total = 0
        for k in range(n):
            total = self.submit(add, total, k).result
            if k % 10 == 0:
                print("at", k)
        return [total, sum(futures.wait(*[self.submit(add, k, 1) for k in range(n)]))]
"""


@everywhere(places=["moto"])
def test_a_service_that_knows_no_lists_of_deciders_own_is_done_no_harm_by_them(project: Project) -> None:
    """It leaves the override aside: each decision may come to either."""
    project.write("sums.py", FLOW)
    command = ("standalone", "-d", "D", "-D", "2", "-W", "1", "--sticky", "10", "sums.Sums", "--input", "[6]")
    done = project.run(*command)
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("result: [15, 21]\n") and done.stdout.splitlines()[1:] == ["at 0"]


@everywhere(soak=("moto",))
def test_three_deciders_give_the_result_of_one_and_print_each_line_once(project: Project) -> None:
    project.write("sums.py", FLOW)
    done = project.run("standalone", "-d", "D", "-D", "3", "-W", "2", "sums.Sums", "--input", "[60]")
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("result: [1770, 1830]\n")
    assert sorted(done.stdout.splitlines()[1:]) == sorted(f"at {k}" for k in range(0, 60, 10))
    assert project.processes() == []
