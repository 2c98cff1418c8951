"""Failures: an activity's exception comes back with its class, its message, its cause and where it was raised.

simpleflow workflow.start --local examples.failures.Accounts
"""

from simpleflow import Workflow, activity
from simpleflow.canvas import Group
from simpleflow.exceptions import TaskFailed


class Overdrawn(Exception):
    def __init__(self, account: str, missing: int) -> None:
        super().__init__(f"{account} lacks {missing}")
        self.missing = missing


@activity.with_attributes(task_list="quickstart", version="example")
def withdraw(account: str, amount: int) -> int:
    accounts = {"ann": 100, "bob": 10}
    try:
        left = accounts[account] - amount
    except KeyError as error:
        raise LookupError(f"no account {account}") from error
    if left < 0:
        raise Overdrawn(account, -left)
    return left


@activity.with_attributes(task_list="quickstart", version="example", raises_on_failure=False)
def greet(account: str) -> str:
    raise RuntimeError("greetings are out of order")


class Accounts(Workflow):
    name = "accounts"
    version = "example"
    task_list = "example"

    def run(self) -> list[str | int | None]:
        seen: list[str | int | None] = [self.submit(withdraw, "ann", 30).result]
        try:
            self.submit(withdraw, "bob", 30).result
        except Overdrawn as error:
            seen.append(error.missing)
        try:
            self.submit(withdraw, "eve", 30).result
        except LookupError as error:
            seen.append(f"{error}, caused by {error.__cause__!r}")
        greeting = self.submit(greet, "ann")
        seen.append(greeting.result)  # None, as the activity asks for
        seen.append(str(getattr(greeting.exception, "reason", "")))
        try:
            self.submit(Group((withdraw, "bob", 11), (withdraw, "eve", 1))).result
        except* Overdrawn as group:
            seen.append(len(group.exceptions))
        except* TaskFailed as group:
            seen.append(f"and {len(group.exceptions)} other")
        print("\n".join(map(str, seen)))
        return seen
