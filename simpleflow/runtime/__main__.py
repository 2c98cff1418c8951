"""One process of the runtime: ``python -m simpleflow.runtime SPEC``, as a supervisor starts it.

SPEC is the JSON of `simpleflow.runtime.spec.Spec`.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from simpleflow import config as settings
from simpleflow.clients import client
from simpleflow.exceptions import one_line
from simpleflow.observe import Traffic, bear_with_streams, configure_logging
from simpleflow.runtime.board import Board
from simpleflow.runtime.handed import Handed
from simpleflow.runtime.life import end_after
from simpleflow.runtime.poll import Point, no_point
from simpleflow.runtime.spec import Spec
from simpleflow.runtime.stop import Stop, let_forks_end
from simpleflow.runtime.streams import hold_nobody_up
from simpleflow.runtime.titles import Tell, both, described, titled, untitled
from simpleflow.runtime.trees import adopt

if TYPE_CHECKING:
    from simpleflow.config import Config
    from simpleflow.runtime.working import Worker, WorkerClient

log = logging.getLogger("simpleflow.runtime")

ORPHANED: Final = {"decider": (0.7,), "trial": (0.1,), "worker": (0.7, 0.5), "lambda-worker": (0.7, 0.5)}
"""Seconds from the supervisor's death to the second request to end, and from there to the end. A decision is short."""

TITLES: Final = {
    "worker": "ActivityPoller",
    "lambda-worker": "LambdaPoller",
    "decider": "DeciderPoller",
    "trial": "DeciderTrial",
}


def run_role(spec: Spec, point: Point = no_point) -> int:
    """Be the process that `spec` describes, until told to stop; its exit code. In the main thread, once per process.

    `point` is called at named points of the engine and of the runtime. Raises ConfigError, and what the engine says
    of an unknown domain.
    """
    bear_with_streams()
    hold_nobody_up("stdout", "stderr")
    stop = Stop(spec.grace).listen()
    let_forks_end(stop, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    adopt()
    if spec.life_fd is not None:
        end_after(spec.life_fd, ORPHANED[spec.role], runs_users_code=spec.role in ("decider", "trial"))
    config = settings.load()
    configure_logging(spec.log_level or config.log_level, spec.role)
    title, beat = _titled(spec), _beating(spec)
    stores = config.payload_stores(spec.engine)
    traffic = Traffic()
    with closing(client(spec.engine, stopping=stop, point=point, traffic=traffic, **_configured(spec))) as engine:
        if spec.role == "trial":
            from simpleflow.runtime.deciding import decide_apart

            return decide_apart(engine, spec, stop, config=config, stores=stores)
        if spec.role == "decider":
            from simpleflow.runtime.deciding import decide_forever

            decide_forever(engine, spec, stop, config=config, stores=stores, tell=both(title, beat(0)))
        else:
            giver = Handed(engine, dict(spec.task)) if spec.task else engine
            told = {"stores": stores, "point": point, "tell": title, "beat": beat}
            _worker(giver, spec, stop, config, told).run(spec.one_task)
    log.log(logging.INFO if spec.tally else logging.DEBUG, "%s", traffic)
    return 0


def _worker(client: WorkerClient, spec: Spec, stop: Stop, config: Config, told: Mapping[str, Any]) -> Worker:
    from simpleflow.runtime.working import ACTIVITY, LAMBDA, Worker

    return Worker(
        client,
        spec.domain,
        spec.task_list,
        stop,
        kind=ACTIVITY if spec.role == "worker" else LAMBDA,
        config=config,
        heartbeat=spec.heartbeat,
        work=spec.work,
        grace=config.activity_sigterm_wait_sec,
        **told,
    )


def main(argument: str) -> int:
    """The exit code: 1, after a line on standard error, where it could not go on."""
    try:
        return run_role(Spec.from_json(argument))
    except Exception as error:
        if log.isEnabledFor(logging.DEBUG):
            raise
        log.error("%s", one_line(error))
        return 1


def _configured(spec: Spec) -> dict[str, Any]:
    """What the engine is told beside; all but Lambda workers do without, also without importing it."""
    if not spec.lambdas:
        return {}
    from simpleflow.engine import Configuration

    return {"configuration": Configuration(lambdas=spec.lambdas)}


def _titled(spec: Spec) -> Tell:
    where = {"task_list": spec.task_list} if spec.task_list else {"domain": spec.domain}
    return titled(described(TITLES[spec.role], **where))


def _beating(spec: Spec) -> Callable[[int], Tell]:
    """From the number of a loop to what writes what it does where the supervisor sees it."""
    if spec.board is None:
        return lambda number: untitled
    fd, first = spec.board
    board = Board(fd)
    os.set_inheritable(fd, False)
    return lambda number: board.telling(first + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
