"""Polls that wait on an event loop, hundreds of them, without a thread each.

A poll that waits is a place in the queue of its task list; when there may be something for it, it tries. The first
place is woken, and whoever leaves wakes the next, so a task that is there is always tried for by somebody. What wakes
is a call of this process that rings, a socket of the doorbell for rings of others, and one task that looks every
20 ms whether another process has committed, and fires what is due.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simpleflow.engine.call import Request, Response
from simpleflow.engine.doorbell import Doorbell, Waiter
from simpleflow.engine.http.wire import Peer

if TYPE_CHECKING:
    from simpleflow.engine.engine import Engine

log = logging.getLogger("simpleflow.engine")

#: How often (seconds) somebody looks at what other processes did, and how many lists he then wakes at most.
LOOK = 0.02
AT_A_LOOK = 50
#: Seconds before the next look after one that failed, and the least between two.
AFTER_AN_ERROR, LEAST = 1.0, 0.001
#: So many task lists have a socket of the doorbell, at which all who ring must glance; the others go by the looks.
EARS = 64


@dataclass(slots=True, eq=False)
class Place:
    """A poll in the queue of its list."""

    sleep: asyncio.Future[None]
    over: bool = False

    def wake(self) -> bool:
        """Have it try. False if it is awake."""
        asleep = not self.sleep.done()
        if asleep:
            self.sleep.set_result(None)
        return asleep

    def end(self) -> None:
        """Have it leave."""
        self.over = True
        self.wake()


@dataclass(slots=True, eq=False)
class Queue:
    """Who waits for one list, first come first served."""

    places: deque[Place] = field(default_factory=deque)
    resources: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    hears: bool = False

    def wake(self, count: int) -> int:
        """Wake so many; how many are left over."""
        for place in self.places:
            if not count:
                break
            count -= place.wake()
        return count


class Watch:
    """Looks after the polls of one engine, all of whose calls are made on this event loop.

    It becomes the engine's bell, before the one that the engine had.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._bell: Doorbell
        self._queues: dict[str, Queue] = {}
        self._looker: asyncio.Task[None] | None = None
        self._ended = False
        engine.hear(self._before)

    @property
    def waiting_polls(self) -> int:
        """How many polls wait."""
        return sum(len(queue.places) for queue in self._queues.values())

    def end(self) -> None:
        """End all polls that wait, and all to come."""
        self._ended = True
        for queue in self._queues.values():
            for place in queue.places:
                place.end()

    async def wait(self, name: str, request: Request, seconds: float, peer: Peer) -> Response | None:
        """The task of a poll whose first try found none, waiting for it so many seconds; None if there is none, or
        nobody to give it to. Raises what the engine's poll does."""
        if self._ended or peer.gone():
            return None
        found: Response | None = None
        loop = asyncio.get_running_loop()
        with self._place(self._engine.topic(name, request), loop.time() + seconds) as place:
            peer.when_gone(place.end)
            place.wake()  # there may be a task since that try
            while found is None:
                await place.sleep
                if place.over or peer.gone():
                    break
                place.sleep = loop.create_future()
                found = self._engine.attempt(name, request, again=True)
        return found

    @contextlib.contextmanager
    def _place(self, topic: str, end: float) -> Iterator[Place]:
        """A place in the queue of a topic, which ends at an instant of the loop's time."""
        loop = asyncio.get_running_loop()
        queue = self._queues.get(topic)
        if queue is None:
            queue = self._queues[topic] = self._listen(topic)
        place = Place(loop.create_future())
        queue.places.append(place)
        timer = loop.call_at(end, place.end)
        if self._looker is None:
            self._looker = loop.create_task(self._look())
        try:
            yield place
        finally:
            timer.cancel()
            queue.places.remove(place)
            queue.wake(1)  # there may be more, or this one was woken and could not take it
            if not queue.places:
                queue.resources.close()
                del self._queues[topic]

    def _listen(self, topic: str) -> Queue:
        """A queue, with a socket if one can be had."""
        queue = Queue()
        if sum(other.hears for other in self._queues.values()) >= EARS:
            return queue
        ear = queue.resources.enter_context(self._bell.waiting(topic))
        number = ear.fileno()
        if number is None:
            queue.resources.close()  # it would never be heard, and it counts as one who waits
        else:
            loop = asyncio.get_running_loop()
            loop.add_reader(number, self._hear, ear, queue)
            queue.resources.callback(loop.remove_reader, number)
            queue.hears = True
        return queue

    @staticmethod
    def _hear(ear: Waiter, queue: Queue) -> None:
        ear.wait(0)
        queue.wake(1)

    async def _look(self) -> None:
        """While polls wait: fire what is due, and see what other processes did."""
        seen, pause = -1, LOOK
        rest: list[Queue] = []
        while self._queues:
            await asyncio.sleep(pause)
            try:
                left = self._engine.tick()
                _, version = self._engine.version()
            except Exception:
                log.exception("cannot look at the engine, trying again in %.0f s", AFTER_AN_ERROR)
                pause = AFTER_AN_ERROR
                continue
            pause = LOOK if left is None else max(LEAST, min(LOOK, left))
            if version != seen:
                seen = version
                rest = list(dict.fromkeys([*rest, *self._queues.values()]))
            for queue in rest[:AT_A_LOOK]:
                queue.wake(1)
            del rest[:AT_A_LOOK]
        self._looker = None

    # The engine's bell

    def _before(self, bell: Doorbell) -> Doorbell:
        self._bell = bell
        return self

    def waiting(self, topic: str) -> AbstractContextManager[Waiter]:
        """Wait in a thread of its own, as one does without this."""
        return self._bell.waiting(topic)

    def waiters(self, topic: str) -> int:
        """How many wait: here, and in other processes, of which one with a loop such as this counts once."""
        queue = self._queues.get(topic)
        here = 0 if queue is None else len(queue.places) - queue.hears
        return here + self._bell.waiters(topic)

    def ring(self, topic: str, count: int) -> None:
        """Wake so many, of this process first."""
        queue = self._queues.get(topic)
        left = count if queue is None else queue.wake(count)
        if left:
            self._bell.ring(topic, left)

    def ring_here(self) -> None:
        """The clock was moved: fire what is due now."""
        self._bell.ring_here()
        self._engine.tick()

    def close(self) -> None:
        self._bell.close()
