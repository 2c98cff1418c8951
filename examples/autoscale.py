"""As many workers as a task list needs: CountPendingActivityTasks, and a command that sets their number.

python -m examples.autoscale --domain jobs --task-list work --slots 8 --most 20 \
    -- kubectl scale deployment/worker --replicas={}

It looks every 30 seconds (--every), and runs the command where the number has changed. --once looks once. It works on
any engine: the configured one, or --engine http://host:8042, --engine aws:eu-west-1.
"""

import argparse
import math
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

from simpleflow import config
from simpleflow.clients import client


def numbers(counts: Iterable[float], slots: int, least: int, most: int, calm: int) -> Iterator[int]:
    """How many workers, after each count of tasks: more at once, fewer when so many counts in a row needed no more."""
    needed: deque[int] = deque(maxlen=calm)
    for count in counts:
        needed.append(max(least, most if count >= most * slots else math.ceil(count / slots)))
        yield max(needed)


def counts(engine: Any, domain: str, task_list: str, every: float) -> Iterator[float]:
    """The tasks that wait and that are worked on, again and again; infinity where there are more than can be told."""
    while True:
        try:
            found = engine.count_pending_activity_tasks(domain=domain, taskList={"name": task_list})
        except Exception as error:  # the engine is away: what there is stays
            print(f"cannot count: {error}", file=sys.stderr, flush=True)
        else:
            yield math.inf if found.get("truncated") else found["count"]
        time.sleep(every)


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    with closing(client(options.engine or config.load().engine_url)) as engine:
        return scale(engine, options)


def scale(engine: Any, options: argparse.Namespace) -> int:
    now = None
    looks = counts(engine, options.domain, options.task_list, options.every)
    for number in numbers(looks, options.slots, options.least, options.most, options.calm):
        failed = 0
        if number != now:
            print(f"{number} workers", flush=True)
            failed = subprocess.run([word.replace("{}", str(number)) for word in options.command]).returncode
            now = None if failed else number  # one that failed is tried again
        if options.once:
            return int(failed != 0)
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="autoscale", description="As many workers as a task list needs.")
    made.add_argument("--domain", required=True)
    made.add_argument("--task-list", required=True)
    made.add_argument("--engine", help="default: the configured engine")
    made.add_argument("--slots", type=int, default=1, help="tasks at a time of one worker: -N x --concurrency")
    made.add_argument("--least", type=int, default=1, metavar="N", help="so many workers at least (%(default)s)")
    made.add_argument("--most", type=int, default=10, metavar="N", help="and at most (%(default)s)")
    made.add_argument("--calm", type=int, default=10, metavar="N", help="looks before there are fewer (%(default)s)")
    made.add_argument("--every", type=float, default=30, metavar="SECONDS", help="between two looks (%(default)s)")
    made.add_argument("--once", action="store_true", help="look once, and end with 1 where the command failed")
    made.add_argument("command", nargs="+", help="what sets the number, which stands for {}")
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
