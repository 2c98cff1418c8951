"""Texts that are too long for requests: they come and go in parts, as many requests.

    PUT /payloads/SHA256/AT    a part of a text, from so many bytes on
    POST /payloads/SHA256      that was the last part; refused where one is missing
    GET /payloads/SHA256/AT    a part; an empty one is behind the last
    PUT /payloads/notes/RUN/NAME    a small text that changes, on a run that is named as in a URL
    GET /payloads/notes/RUN/NAME    that text; an empty one where there is none

What keeps them is given. It is called in threads, since disks are slow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

from simpleflow.engine.http.wire import Answer, Exchange
from simpleflow.protocol.faults import Fault

PREFIX: Final = "/payloads/"
NOTES: Final = f"{PREFIX}notes/"
PART: Final = 1024 * 1024
"""Bytes of a part that is read."""


class Shelf(Protocol):
    """What keeps texts, by their SHA-256. Methods raise ValueError for what is no hash, OSError."""

    def write(self, digest: str, at: int, data: bytes) -> None:
        """Take a part, which begins `at` so many bytes."""

    def finish(self, digest: str) -> bool:
        """Keep what was written. False where a part is missing."""

    def read(self, digest: str, at: int, size: int) -> bytes | None:
        """So many bytes, fewer at the end; None for a text that is not there."""

    def put_note(self, run: str, name: str, data: bytes) -> None:
        """Keep a note instead of the one of this name."""

    def note(self, run: str, name: str) -> bytes:
        """A note; empty where there is none."""


async def answer(shelf: Shelf, exchange: Exchange) -> Answer:
    """Answer a request. Raises Fault."""
    if exchange.target.startswith(NOTES):
        return await _note(shelf, exchange)
    digest, _, at = exchange.target.removeprefix(PREFIX).partition("/")
    if not (at.isascii() and at.isdigit() and len(at) <= 12 if exchange.method != "POST" else not at):
        raise Fault("ResourceNotFoundException", f"There is nothing at {exchange.target[:100]}")
    if exchange.method == "POST":
        if not await _done(shelf.finish, digest):
            raise Fault("ValidationException", f"Parts of {digest} are missing: send all of them again")
    elif exchange.method == "PUT":
        await _done(shelf.write, digest, int(at), exchange.body)
    else:
        data = await _done(shelf.read, digest, int(at), PART)
        if data is None:
            raise Fault("ResourceNotFoundException", f"There is no text {digest} here")
        return Answer(200, data)
    return Answer(200, b"")


async def _note(shelf: Shelf, exchange: Exchange) -> Answer:
    run, _, name = exchange.target.removeprefix(NOTES).partition("/")
    if exchange.method == "GET":
        return Answer(200, await _done(shelf.note, run, name))
    if exchange.method != "PUT":
        raise Fault("MethodNotAllowedException", f"{NOTES} takes GET and PUT")
    await _done(shelf.put_note, run, name, exchange.body)
    return Answer(200, b"")


async def _done(call: Callable[..., Any], *args: Any) -> Any:
    try:
        return await asyncio.to_thread(call, *args)
    except ValueError as error:
        raise Fault("ValidationException", str(error)) from None
    except OSError as error:
        raise Fault("ServiceUnavailableException", f"The text cannot be kept or read: {error}") from error
