"""Where large values are put, and how they are found again. It knows texts, and nothing of what they mean."""

from __future__ import annotations

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from simpleflow.exceptions import PayloadUnreachable
from simpleflow.payload.reference import SCHEME, Reference


class Store(Protocol):
    """A place for large texts. Both methods raise PayloadUnreachable where it cannot be reached."""

    def put(self, data: bytes, digest: str) -> str:
        """Put `data` away for good; what a reference names it by, before the length."""

    def get(self, reference: Reference) -> bytes:
        """What is there, unchecked."""


class Payloads:
    """The stores of a process, by the URLs of `simpleflow.config.Config.payload_stores`.

    The first takes what is put away, unless it is "none"; the others are only read. S3 is read without being named.
    """

    def __init__(self, urls: Sequence[str] = ()) -> None:
        self.urls = tuple(urls)
        self._stores: dict[str, list[Store]] = {}
        for url in self.urls:
            if url != "none":
                self._stores.setdefault(_kind(url), []).append(_opened(url))
        self._writer = self._stores[_kind(urls[0])][0] if urls and urls[0] != "none" else None

    @property
    def writable(self) -> bool:
        """Whether there is a place for large values."""
        return self._writer is not None

    def put(self, text: str) -> str:
        """Put `text` away; its reference. Raises PayloadUnreachable."""
        if self._writer is None:
            raise PayloadUnreachable("there is no store for large values: set SIMPLEFLOW_PAYLOAD_STORE")
        data = text.encode()
        return f"{self._writer.put(data, hashlib.sha256(data).hexdigest())} {len(text)}"

    def get(self, text: str) -> str:
        """What the reference `text` stands for. Raises PayloadUnreachable, whose message names the reference."""
        reference = Reference.of(text)
        trouble = PayloadUnreachable(
            f"the payload {text} is in a store that this process was not told of: set SIMPLEFLOW_PAYLOAD_STORE"
        )
        if reference.scheme == "s3" and "s3" not in self._stores:
            self._stores["s3"] = [_opened("s3:")]
        for number, store in enumerate(self._stores.get(reference.scheme, ())):
            try:
                return reference.checked(store.get(reference))
            except PayloadUnreachable as error:
                if number == 0:
                    trouble = error
        raise trouble


class Watched(Payloads):
    """What another one has, and `lost` is told of what cannot be had or put away, before it is raised."""

    def __init__(self, payloads: Payloads, lost: Callable[[PayloadUnreachable], Any]) -> None:
        self.urls = payloads.urls
        self._payloads = payloads
        self._lost = lost

    @property
    def writable(self) -> bool:
        return self._payloads.writable

    def put(self, text: str) -> str:
        try:
            return self._payloads.put(text)
        except PayloadUnreachable as error:
            self._lost(error)
            raise

    def get(self, text: str) -> str:
        try:
            return self._payloads.get(text)
        except PayloadUnreachable as error:
            self._lost(error)
            raise


NO_STORE: Final = Payloads()


class Recent:
    """What was read last, by its key: a program may read a result again and again. It keeps so many bytes."""

    def __init__(self, most: int = 16 * 1024 * 1024) -> None:
        self._most = most
        self._read: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        if key in self._read:
            self._read.move_to_end(key)
        return self._read.get(key)

    def keep(self, key: str, data: bytes) -> bytes:
        """Keep `data`, which is given back."""
        self._read[key] = data
        while self._read and sum(map(len, self._read.values())) > self._most:
            self._read.popitem(last=False)
        return data


class Sent:
    """Which texts this process has put away of late, so that equal ones are sent once. After an hour one is sent again,
    so that its age begins anew for whoever removes what is old."""

    def __init__(self, seconds: float = 60 * 60) -> None:
        self._seconds = seconds
        self._times: dict[str, float] = {}

    def __contains__(self, digest: str) -> bool:
        return time.monotonic() - self._times.get(digest, -math.inf) < self._seconds

    def add(self, digest: str) -> None:
        self._times[digest] = time.monotonic()


def _kind(url: str) -> str:
    """The scheme of the references to what is kept there; "none" for nowhere."""
    scheme = url.partition(":")[0]
    return "file" if scheme in ("http", "https") else scheme  # a server keeps files


def _opened(url: str) -> Store:
    kind, _, rest = url.partition(":")
    if kind == "memory":
        return MemoryStore()
    if kind == "file":
        from simpleflow.payload.files import FileStore

        return FileStore(rest)
    if kind in ("http", "https"):
        from simpleflow.payload.server import ServerStore

        return ServerStore(url)
    from simpleflow.payload.s3 import S3Store

    return S3Store(rest.removeprefix("//"))


class MemoryStore:
    """Texts in this process, for an engine that lives there as well."""

    def __init__(self) -> None:
        self._found: dict[str, bytes] = {}

    def put(self, data: bytes, digest: str) -> str:
        self._found[digest] = data
        return f"{SCHEME}memory://{digest}"

    def get(self, reference: Reference) -> bytes:
        try:
            return self._found[reference.key]
        except KeyError:
            raise PayloadUnreachable(f"the payload {reference.text} is not in the memory of this process") from None
