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


def counts(engine: Any, domain: str, task_list: str, every: float, once: bool = False) -> Iterator[float]:
    """The tasks that wait and that are worked on, again and again; infinity where there are more than can be told."""
    while True:
        try:
            found = engine.count_pending_activity_tasks(domain=domain, taskList={"name": task_list})
        except Exception as error:  # the engine is away: what there is stays
            print(f"cannot count: {error}", file=sys.stderr, flush=True)
        else:
            yield math.inf if found.get("truncated") else found["count"]
        if once:
            return
        time.sleep(every)


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if not (options.slots > 0 and options.calm > 0 and 0 <= options.least <= options.most and options.every > 0):
        parser().error("--slots, --calm and --every are above 0, and --least is at most --most")
    with closing(client(options.engine or config.load().engine_url)) as engine:
        return scale(engine, options)


def scale(engine: Any, options: argparse.Namespace) -> int:
    """Run the command for each new number, until one look is over where it was to be one."""
    now, failed = None, True
    looks = counts(engine, options.domain, options.task_list, options.every, options.once)
    for number in numbers(looks, options.slots, options.least, options.most, options.calm):
        failed = False
        if number != now:
            print(f"{number} workers", flush=True)
            failed = not done([word.replace("{}", str(number)) for word in options.command])
            now = None if failed else number  # one that failed is tried again
    return int(failed)


def done(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command).returncode == 0
    except OSError as error:
        print(f"cannot run {command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        return False


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
    made.add_argument("--once", action="store_true", help="look once, and end with 1 where that or the command failed")
    made.add_argument("command", nargs="+", help="what sets the number, which stands for {}")
    return made


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
