"""Processes and what descends from them, ended whole.

On Linux a process that calls `adopt` becomes the parent of whatever its descendants leave behind when they die, so
nothing can slip away by leaving its group, its session or its parent. Elsewhere what a process started is found while
it lives, and what it left by then is not. This knows signals and the table of processes, and nothing of what they do.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import psutil

ADOPTS: Final = sys.platform == "linux"
PR_SET_CHILD_SUBREAPER: Final = 36
SETTLED: Final = 1.0
"""Seconds within which a process that got SIGKILL is gone, unless a disk or a network file system holds it."""
TICK: Final = 0.005  # seconds
TOO_LONG: Final = (signal.SIGALRM, signal.SIGPROF)
"""What ends a process that watches its own time."""


def adopt() -> None:
    """Become the parent of what descendants leave behind, where the system knows that: prctl(2)."""
    if ADOPTS:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> set[int]:
    """The processes whose parent this one is, dead ones that nobody has waited for included."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # the usual case, in a microsecond
        return set()
    if not ADOPTS:
        return {process.pid for process in _descendants(os.getpid(), recursive=False)}
    me = os.getpid()
    with os.scandir("/proc") as entries:
        return {int(entry.name) for entry in entries if entry.name.isdecimal() and _parent(entry.name) == me}


def _parent(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except OSError:  # it is gone
        return 0
    return int(stat[stat.rindex(b")") + 4 :].split(b" ", 1)[0])  # the name in parentheses may hold anything


def kill_below(seconds: float = SETTLED) -> None:
    """Kill all that descends from this process, and wait for it. For who ends next itself: it waits for any child."""
    until = time.monotonic() + seconds
    others = [] if ADOPTS else _descendants(os.getpid())
    while time.monotonic() < until and (left := children()):
        for pid in left:
            _end(pid)
        for process in others:
            _signal_each([process], 0, signal.SIGKILL)
        time.sleep(TICK)


def _end(pid: int) -> None:
    """Kill a child, and wait for it if it is dead by now."""
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, os.WNOHANG)
    except (ProcessLookupError, ChildProcessError, PermissionError):
        pass


class Process(subprocess.Popen[bytes]):
    """A process that tells, once it has ended, the most bytes of memory that it held at a time: its `peak`.

    Ask it by `poll`; `wait` and `communicate` tell no peak.
    """

    peak: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            try:
                pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            except ChildProcessError:  # somebody else has waited for it: nothing is known of its end
                self.returncode = 0
                return 0
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
                self.peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return self.returncode


class Household:
    """The children of this process: those that it started, and what came to it when one of them died.

    While all live that were started here, who comes is a stranger: an orphan of some other program, where this is
    the first process of a container. Strangers are waited for and otherwise left alone. Once one has died, who comes
    was its, and is killed, at once and by a thread, whatever this process does meanwhile.
    """

    def __init__(self) -> None:
        adopt()
        self._own: dict[int, int | None] = {}  # what tells of its death; None once that was told
        self._strangers = children()
        self._expects_strangers = bool(self._strangers) or os.getpid() == 1
        self._bereaved = False
        self._closed = False
        self._lock = threading.Lock()
        self._heard, self._bell = os.pipe()
        self._watcher: threading.Thread | None = None
        if ADOPTS:
            self._watcher = threading.Thread(target=self._watch, daemon=True, name="household")
            self._watcher.start()

    def start(self, command: Sequence[str], **options: Any) -> Process:
        """Start a process, with the options of subprocess.Popen. Who started it waits for its end."""
        with self._lock:
            process = Process(command, **options)
            self._own[process.pid] = _handle(process.pid)
        os.write(self._bell, b"!")
        return process

    def settle(self, seconds: float = SETTLED) -> bool:
        """One of those started here has died: end what it left. Whether nothing is left after so many seconds."""
        with self._lock:
            self._bereaved = True
        until = time.monotonic() + seconds
        while self._end_comers():
            if time.monotonic() > until:
                return False
            time.sleep(TICK)
        return True

    def close(self) -> None:
        """End what those left who died, and look after nobody any more."""
        self.settle()
        self._closed = True
        os.write(self._bell, b"!")
        if self._watcher is not None:
            self._watcher.join()
        for descriptor in (self._heard, self._bell, *filter(None, self._own.values())):
            os.close(descriptor)

    def _end_comers(self) -> bool:
        """Whether there were any."""
        with self._lock:
            found = children()
            for pid in [pid for pid, handle in self._own.items() if handle is None and pid not in found]:
                del self._own[pid]
            comers = found - self._own.keys() - self._strangers
            if not (self._bereaved or self._dead(0)):
                self._strangers |= comers
                comers = set()
            self._strangers &= found
            for pid in self._strangers:
                _wait_for(pid)
            for pid in comers:
                _end(pid)
            self._bereaved = bool(comers)
        return bool(comers)

    def _watch(self) -> None:
        while not self._closed:
            dead = self._dead(1000 if self._expects_strangers or self._bereaved else None)
            with self._lock:
                for handle, pid in dead.items():
                    self._own[pid] = None
                    os.close(handle)
            if dead or self._bereaved:
                self.settle()
            elif self._expects_strangers:
                self._end_comers()

    def _dead(self, patience: int | None) -> dict[int, int]:
        """Those who have died since they were last asked about, by their handles; after a change, a death, or so many
        milliseconds."""
        handles = {handle: pid for pid, handle in list(self._own.items()) if handle is not None}
        wanted = select.poll()
        for descriptor in (*handles, *([] if patience == 0 else [self._heard])):
            wanted.register(descriptor, select.POLLIN)
        told = {descriptor for descriptor, _ in wanted.poll(patience)}
        if self._heard in told:
            os.read(self._heard, 4096)
        return {handle: handles[handle] for handle in told & handles.keys()}


def _handle(pid: int) -> int | None:
    """What becomes readable when the process dies, where there is such a thing."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or an old one; who started it will tell
        return None


def _wait_for(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def end_tree(pid: int, ended: Callable[[], bool], wait: Callable[[float], bool], grace: float) -> None:
    """End a process that leads a group, the group, and what left the group but descends from it.

    They get SIGTERM and, after `grace` seconds (0: at once), SIGKILL. `ended` reaps the process itself and says
    whether that is done; `wait` sleeps for at most so many seconds and says whether to hurry.
    """
    tree = [] if ended() else _descendants(pid)
    if grace > 0 and not ended():
        _signal(pid, tree, signal.SIGTERM)
        until = time.monotonic() + grace
        while time.monotonic() < until and not (ended() and not any(map(_lives, tree))):
            if wait(0.02):
                break
        tree += [] if ended() else _descendants(pid)
    _signal(pid, tree, signal.SIGKILL)
    while not ended():
        wait(0.02)


def kill_tree(pid: int) -> None:
    """Kill a process that leads a group, with all that is found of what it started."""
    _signal(pid, [] if ADOPTS else _descendants(pid), signal.SIGKILL)


def _descendants(pid: int, recursive: bool = True) -> list[psutil.Process]:
    import psutil  # 20 ms, and only needed when something goes wrong

    try:
        found: list[psutil.Process] = psutil.Process(pid).children(recursive)
    except psutil.Error:
        found = []
    return found


def _signal(group: int, processes: list[psutil.Process], signum: int) -> None:
    _signal_each(processes, group, signum)
    try:
        os.killpg(group, signum)
    except (ProcessLookupError, PermissionError):  # macOS refuses where only zombies are left
        pass


def _signal_each(processes: list[psutil.Process], but: int, signum: int) -> None:
    """Signal those that are not of the group `but`."""
    for process in processes:
        try:
            if _lives(process) and os.getpgid(process.pid) != but:
                os.kill(process.pid, signum)
        except (ProcessLookupError, PermissionError):
            pass


def _lives(process: psutil.Process) -> bool:
    """False for a zombie, and where another process has its number by now."""
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def exit_cause(code: int, peak: int | None = None) -> str:
    """Why a process ended, in words. `code` is as in subprocess; `peak` its largest resident memory in bytes."""
    if code >= 0:
        cause = f"exit code {code}"
    elif -code == signal.SIGKILL:
        cause = "killed by signal 9, perhaps out of memory"
    elif -code in TOO_LONG:
        cause = f"killed by signal {-code} ({_signal_name(-code)}): what it did took too long"
    else:
        cause = f"killed by signal {-code} ({_signal_name(-code)})"
    return cause if peak is None else f"{cause}; peak memory {_size(peak)}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
