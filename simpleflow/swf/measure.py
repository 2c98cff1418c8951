"""What charts and tables measure with: texts cut to columns, times in few characters, ticks of a scale."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Final
from unicodedata import combining, east_asian_width

Piece = tuple[str, str]
"""Text and its style (bold, dim, or a colour's name); "" for none."""
Line = list[Piece]
STEPS: Final = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000),
)
"""Seconds between two ticks, as people count."""


def ticks(seconds: float, most: int) -> list[tuple[float, str]]:
    """At most so many instants of so long a time, the first at 0, and what is written at each.

    >>> ticks(7, 4)
    [(0, '0s'), (2, '2s'), (4, '4s'), (6, '6s')]
    """
    longest = STEPS[-1] * (1 + int(seconds / STEPS[-1] / most))
    step = next((step for step in STEPS if seconds / step < most), longest)
    return [(number * step, short(number * step)) for number in range(int(seconds / step) + 1)]


def short(seconds: float) -> str:
    """How long, in few characters.

    >>> [short(time) for time in (0, 0.0042, 0.25, 1.5, 12.345, 75, 3600, 90_061)]
    ['0s', '4ms', '0.25s', '1.5s', '12.3s', '1m15s', '1h', '1d1h']
    """
    if seconds < 0.1:
        return f"{seconds * 1000:.0f}ms" if seconds >= 0.0005 else "0s"
    if seconds < 59.95:
        return f"{seconds:.{2 if seconds < 1 else 1}f}".rstrip("0").rstrip(".") + "s"
    whole = round(seconds)
    for size, unit, smaller, name in ((86_400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size}{unit}{rest}{name}" if rest else f"{whole // size}{unit}"
    raise AssertionError(seconds)


def fitting(text: str, columns: int) -> str:
    """A line of text in so many columns of a terminal; the end of a longer one is left out."""
    line = printable(text)
    ends = list(accumulate(map(width_in, line)))
    return line if not ends or ends[-1] <= columns else line[: bisect_right(ends, columns - 1)] + "…"


def printable(text: str) -> str:
    """The same with blanks in the place of what would change a terminal."""
    return text if text.isprintable() else "".join(each if each.isprintable() else " " for each in text)


def harmless(text: str) -> str:
    """Lines of text, each of them `printable`."""
    return "\n".join(map(printable, text.expandtabs().split("\n")))


def width_of(text: str) -> int:
    """The columns that a line of text takes in a terminal."""
    return len(text) if text.isascii() else sum(map(width_in, text))


def width_in(character: str) -> int:
    """The columns that a character takes."""
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def cut(line: Line, columns: int) -> Line:
    """A line of pieces in so many columns; the end of a longer one is left out."""
    found: Line = []
    for text, style in line:
        if columns <= 0:
            break
        found.append((fitting(text, columns), style))
        columns -= width_of(text)
    return found


def clock(seconds: float) -> str:
    """
    >>> clock(75.9), clock(3600)
    ('1:15', '1:00:00')
    """
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
