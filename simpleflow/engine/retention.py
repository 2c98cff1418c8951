"""Removes closed executions that their domain no longer retains, in steps of bounded size.

Nobody sees such an execution from the instant on at which its retention ends; its rows go later: a few with each start
in the domain, all with `simpleflow.engine.maintenance.vacuum`.
"""

from __future__ import annotations

from simpleflow.engine.call import Call
from simpleflow.engine.store import task_range

#: How many events a start removes at most.
STEP = 500


def remove_expired(call: Call, domain: int, events: int) -> int:
    """Remove executions of a domain, and at most so many events; how many executions went.

    While there are messages to deliver nothing is removed, since events are what they tell.
    """
    before = call.expired(domain)
    removed = 0
    while events > 0 and not call.told:
        number = call.store.one("expired_execution", domain, before)
        if number is None:
            break
        changes = call.store.changes("delete_events", *task_range(number), events)
        events -= changes
        if events > 0:
            call.store.do("delete_execution", number)
            removed += 1
    return removed
