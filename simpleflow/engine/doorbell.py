"""Wakes those who wait for something, in this process and in others.

Who waits has a Unix datagram socket in a short run-time directory of the user and the file, and while it waits the
socket's name begins with the topic that it waits for; who rings lists the directory and sends an empty datagram to
as many as there is work for. A ring that is lost costs little, since who waits also looks at the file's version every
20 ms; so nothing here is ever an error. Where there is no such directory, looking is all there is.
"""

# A ring is a few microseconds, of which pathlib would be most.
# ruff: noqa: PTH102, PTH104, PTH106, PTH108, PTH116, PTH120, PTH208
from __future__ import annotations

import contextlib
import itertools
import math
import os
import select
import socket
import stat
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Protocol

#: Socket paths are limited to 108 bytes, 104 on macOS; a topic and a process id must fit behind the directory.
LONGEST_DIRECTORY = 64
DAY = 24 * 60 * 60


_numbers = itertools.count()  # of this process's sockets, whichever engine they belong to


class Waiter(Protocol):
    """Waits for one topic."""

    def wait(self, seconds: float) -> bool:
        """Return when the bell rings, or so many seconds later. Whether it rang."""

    def fileno(self) -> int | None:
        """A descriptor that is readable once the bell has rung, until the next `wait`; None where there is none."""


class Doorbell(Protocol):
    """Rings for topics: short strings of letters, digits and dashes."""

    def waiting(self, topic: str) -> contextlib.AbstractContextManager[Waiter]:
        """Wait for a topic inside the block: rings from its start on are heard."""

    def waiters(self, topic: str) -> int:
        """How many wait for the topic, as far as the bell knows: here, and in other processes."""

    def ring(self, topic: str, count: int) -> None:
        """Wake as many who wait for the topic."""

    def ring_here(self) -> None:
        """Wake all who wait in this process."""

    def close(self) -> None:
        """Let go of what the bell holds."""


class ThreadBell:
    """The bell of an engine in memory, and of a file without run-time directory: it is heard in this process."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rings = 0
        self._topics: Counter[str] = Counter()

    @contextlib.contextmanager
    def waiting(self, topic: str) -> Iterator[Waiter]:
        with self._condition:
            self._topics[topic] += 1
        try:
            yield _ThreadWaiter(self)
        finally:
            with self._condition:
                self._topics[topic] -= 1
                self._topics += Counter()  # drops topics for which nobody waits

    def waiters(self, topic: str) -> int:
        return self._topics[topic]

    def ring(self, topic: str, count: int) -> None:
        self.ring_here()

    def ring_here(self) -> None:
        with self._condition:
            self._rings += 1
            self._condition.notify_all()

    def close(self) -> None:
        """Nothing to let go of."""


class _ThreadWaiter:
    def __init__(self, bell: ThreadBell) -> None:
        self._bell = bell
        self._heard = bell._rings

    def wait(self, seconds: float) -> bool:
        with self._bell._condition:
            if self._heard == self._bell._rings:
                self._bell._condition.wait(seconds)
            rang = self._heard != self._bell._rings
            self._heard = self._bell._rings
        return rang

    def fileno(self) -> None:
        return None


class SocketBell:
    """The bell of a file. `directory` exists and is this user's alone."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._idle: list[_SocketWaiter] = []
        self._waiting: set[_SocketWaiter] = set()
        self._out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._out.setblocking(False)
        for name in os.listdir(directory):
            self._send(name)  # removes what dead processes left

    @contextlib.contextmanager
    def waiting(self, topic: str) -> Iterator[Waiter]:
        with self._lock:
            waiter = self._idle.pop() if self._idle else self._new()
            self._waiting.add(waiter)
        waiter.rename(topic)
        waiter.drain()
        try:
            yield waiter
        finally:
            waiter.rename("idle")
            with self._lock:
                self._waiting.discard(waiter)
                self._idle.append(waiter)

    def waiters(self, topic: str) -> int:
        with contextlib.suppress(OSError):
            return sum(name.startswith(f"{topic}.") for name in os.listdir(self._directory))
        return 0

    def ring(self, topic: str, count: int) -> None:
        try:
            names = os.listdir(self._directory)
        except OSError:
            return
        prefix = f"{topic}."
        for name in names:
            if count and name.startswith(prefix) and self._send(name):
                count -= 1

    def ring_here(self) -> None:
        with self._lock:
            names = [waiter.name for waiter in self._waiting]
        for name in names:
            self._send(name)

    def close(self) -> None:
        for waiter in [*self._idle, *self._waiting]:
            waiter.close()
        self._out.close()
        with contextlib.suppress(OSError):
            os.rmdir(self._directory)  # fails while others are there

    def _new(self) -> _SocketWaiter:
        _own(self._directory)  # another process may have been the last one there
        return _SocketWaiter(self._directory, f"{os.getpid()}.{next(_numbers)}")

    def _send(self, name: str) -> bool:
        return _ring(self._out, f"{self._directory}/{name}")


def _ring(out: socket.socket, path: str) -> bool:
    """Ring at one socket; remove it if nobody listens any more."""
    try:
        out.sendto(b"", path)
    except ConnectionRefusedError:
        with contextlib.suppress(OSError):
            os.unlink(path)
        return False
    except OSError:
        return False
    return True


class _SocketWaiter:
    """One socket, and its name of the moment."""

    def __init__(self, directory: str, suffix: str) -> None:
        self._directory = directory
        self._suffix = suffix
        self.name = f"idle.{suffix}"
        self._listen()

    def _listen(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        with contextlib.suppress(OSError):
            self._socket.bind(f"{self._directory}/{self.name}")
        self._poll = select.poll()  # `select` knows no descriptor from 1,024 on
        self._poll.register(self._socket, select.POLLIN)

    def rename(self, topic: str) -> None:
        name = f"{topic}.{self._suffix}"
        try:
            os.rename(f"{self._directory}/{self.name}", f"{self._directory}/{name}")
            self.name = name
        except OSError:  # somebody tidied up: be there again
            self._socket.close()
            self.name = name
            self._listen()

    def wait(self, seconds: float) -> bool:
        rang = bool(self._poll.poll(math.ceil(seconds * 1000)))
        if rang:
            self.drain()
        return rang

    def fileno(self) -> int:
        return self._socket.fileno()

    def drain(self) -> None:
        """Forget the rings so far."""
        with contextlib.suppress(OSError):  # there is no more to read
            while True:
                self._socket.recv(1)

    def close(self) -> None:
        self._socket.close()
        with contextlib.suppress(OSError):
            os.unlink(f"{self._directory}/{self.name}")


def bell_of(path: str | None) -> Doorbell:
    """The bell of a database file that exists, or of memory."""
    directory = None if path is None else _directory_of(path)
    if directory is None:
        return ThreadBell()
    try:
        sweep(os.path.dirname(directory), time.time() - DAY)
        return SocketBell(directory)
    except OSError:
        return ThreadBell()


def _directory_of(path: str) -> str | None:
    """The run-time directory of a file: made if need be, None if it cannot be had."""
    found = os.stat(path)
    name = f"{found.st_dev:x}-{found.st_ino:x}"
    for base in (os.environ.get("XDG_RUNTIME_DIR"), "/tmp"):
        if not base:
            continue
        root = f"{base}/simpleflow-{os.getuid()}"
        directory = f"{root}/{name}"
        if len(os.fsencode(directory)) <= LONGEST_DIRECTORY and _own(root) and _own(directory):
            return directory
    return None


def sweep(root: str, before: float) -> None:
    """Remove the directories in which nobody has waited since, and nobody does: killed processes left them."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out, contextlib.suppress(OSError):
        out.setblocking(False)
        for directory in (f"{root}/{name}" for name in os.listdir(root)):
            old = os.stat(directory).st_mtime < before
            if old and not any(_ring(out, f"{directory}/{name}") for name in os.listdir(directory)):
                os.rmdir(directory)


def _own(directory: str) -> bool:
    """Make a directory of this user alone, or see that it is one."""
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(directory, 0o700)
        found = os.lstat(directory)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
