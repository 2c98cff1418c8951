"""A task in hand, for its own code: what `simpleflow.in_hand` asks of who runs an activity.

It knows values and time, and no engine and no process: those are behind a `Link`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextvars import Token
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from types import CoroutineType, TracebackType
from typing import Any, Final, Protocol

import orjson

from simpleflow.exceptions import TaskCanceled
from simpleflow.in_hand import Context, InHand, begin, end
from simpleflow.payload.codec import PLAIN, RESERVED, Codec, read_object

MAX_DETAILS: Final = 2048
"""Characters that Amazon SWF takes for the details of a heartbeat."""

REASONS: Final = {
    "cancel": "it was cancelled",
    "lost": "it is out of time, or its run is over",
}
"""Why a task is to end, in words."""


class Link(Protocol):
    """The way from an activity's code to who runs it."""

    def ended(self) -> str | None:
        """Why the task is to end ("cancel", "lost"), None while it is not."""

    def beat(self, details: str | None) -> None:
        """The code has said a heartbeat, with the frozen details."""

    def note(self, progress: dict[str, Any]) -> None:
        """How far the work is."""


class NoLink:
    """Where nobody is to be told."""

    def ended(self) -> str | None:
        return None

    def beat(self, details: str | None) -> None:
        pass

    def note(self, progress: dict[str, Any]) -> None:
        pass


NOBODY: Final = NoLink()


@dataclass(slots=True)
class Attempt:
    """An attempt of a task.

    `given` is `calling.context_of`, `text` the task's input, `started` when it was taken, in seconds since 1970.
    `asks`: its code has asked whether it is cancelled. `details` is what
    its last heartbeat said, frozen. `sole`: no other runs in this process.
    """

    given: Mapping[str, Any]
    text: str | None = None
    token: str = ""
    started: float = 0.0
    codec: Codec = PLAIN
    link: Link = NOBODY
    sole: bool = True
    asks: bool = False
    details: str | None = None
    _open: bool = False
    _interrupted: bool = False
    _cancel: Callable[[], Any] | None = None
    _context: Context | None = None
    _token: Token[InHand | None] = field(init=False)

    @property
    def context(self) -> Context:
        if self._context is None:
            self._context = self._made()
        return self._context

    def heartbeat(self, details: Any) -> None:
        self.check()
        frozen = None if details is None else self._frozen(details)
        if frozen is not None:
            self.details = frozen
        self.link.beat(frozen)

    def progress(self, done: float, total: float | None, text: str) -> None:
        self.link.note({"done": done, "total": total, "text": text})

    def cancelled(self) -> bool:
        self.asks = True
        return self.link.ended() is not None

    def check(self) -> None:
        """Raise TaskCanceled where the task is to end."""
        why = self.link.ended()
        if why is not None:
            raise TaskCanceled(REASONS.get(why, why), self.given.get("activity_id", ""))

    def __enter__(self) -> None:
        """Within, the task's code runs, and may be interrupted."""
        self._token = begin(self, self.sole)
        self._open = True

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open = False
        end(self._token)

    def interrupt(self) -> None:
        """Raise TaskCanceled in the task's code, if it runs and does not ask by itself. In its thread."""
        self._interrupted = True
        if not self._open or self.asks:
            return
        if not self._cancel_coroutine():
            self.check()

    def nudge(self) -> None:
        """Interrupt a coroutine that does not ask by itself. From another thread, where nothing else can be."""
        if not self.asks:
            self._cancel_coroutine()

    def _cancel_coroutine(self) -> bool:
        """Whether there is one."""
        if (cancel := self._cancel) is None:
            return False
        try:
            cancel()
        except RuntimeError:  # its loop is closed: it is over
            pass
        return True

    def check_begun(self) -> None:
        """Raise TaskCanceled where the end of the task was asked for before its code ran."""
        if self._interrupted:
            self.check()

    def settled(self, value: Any) -> Any:
        """What a function returned; where that is a coroutine, what it comes to. Raises what it does."""
        if not isinstance(value, CoroutineType):
            return value
        import asyncio  # 30 ms, and for coroutines only

        async def main() -> Any:
            task = asyncio.current_task()
            assert task is not None
            self._cancel = partial(asyncio.get_running_loop().call_soon_threadsafe, task.cancel)
            if self.link.ended() is not None:  # before there was something to cancel
                self.nudge()
            return await value

        try:
            return asyncio.run(main())
        finally:
            self._cancel = None

    def _frozen(self, details: Any) -> str:
        frozen = self.codec.freeze(details, "the details of a heartbeat")
        if len(frozen) <= MAX_DETAILS:
            return frozen
        return Codec(MAX_DETAILS, self.codec.payloads).freeze(details, "the details of a heartbeat")

    def _made(self) -> Context:
        given = self.given
        beside = read_object(self.text).get(RESERVED)
        told: dict[str, Any] = beside if isinstance(beside, dict) else {}
        last = told.get("last")
        run = told.get("run") or given.get("run_id", "")
        key = "\n".join((given.get("domain_name", ""), given.get("workflow_id", ""), run, given.get("activity_id", "")))
        return Context(
            name=given.get("name", ""),
            version=given.get("version", ""),
            domain=given.get("domain_name", ""),
            workflow_id=given.get("workflow_id", ""),
            run_id=given.get("run_id", ""),
            activity_id=given.get("activity_id", ""),
            task_list=given.get("activity_task_list", ""),
            attempt=int(told.get("attempt", 1)),
            deadline=self._deadline(told.get("start_to_close")),
            idempotency_key=hashlib.sha256(key.encode(errors="backslashreplace")).hexdigest()[:32],
            last_details=None if last is None else self.codec.load(orjson.dumps(last).decode()),
            token=self.token,
        )

    def _deadline(self, seconds: Any) -> datetime | None:
        limit = seconds_of(seconds)
        if limit is None or not self.started:
            return None
        return datetime.fromtimestamp(self.started, UTC) + timedelta(seconds=limit)


def seconds_of(text: Any) -> float | None:
    """The seconds of a timeout; None for NONE, and for what is none."""
    text = str(text)
    return float(text) if text.isascii() and text.isdigit() and int(text) > 0 else None
