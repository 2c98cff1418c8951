"""A chart of a run drawn with characters, as wide as it may be: lines of styled pieces. It must not know where a chart
comes from, or what a terminal is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simpleflow.swf.chart import FAILED, Chart, Row, Segment, Shade
from simpleflow.swf.measure import Line, fitting, short, ticks, width_of


@dataclass(frozen=True, slots=True)
class Brush:
    """How one shade looks: the character, the one for terminals that know ASCII alone, the style, what it means."""

    character: str
    plain: str
    style: str
    meaning: str


COMPLETED: Final = Brush("█", "#", "green", "running")
GOING_ON: Final = Brush("▊", "=", "cyan", "still running")
BROKEN: Final = Brush("▓", "x", "red", "attempt that failed")
BRUSHES: Final = {
    Shade.QUEUED: Brush("░", ".", "bright_black", "queued"),
    Shade.RETRYING: Brush("▒", "~", "yellow", "waiting to retry"),
    Shade.TIMER: Brush("─", "-", "blue", "timer"),
    Shade.SIGNAL: Brush("◆", "!", "magenta", "signal"),
}
STATES: Final = {"completed": "green", "canceled": "yellow", **dict.fromkeys(FAILED, "red")}
MARK: Final = "●", "*"
"""Before the names on the critical path."""
TIMES: Final = 9
"""Characters for how long a row took."""
LEAST: Final = 20
"""Characters that the bars have at least."""


def plotted(chart: Chart, width: int, *, ascii: bool = False) -> list[Line]:
    """The lines of a chart, each of at most `width` characters where the bars have room."""
    widest = max((width_of(row.label) for row in chart.rows), default=0) + 2
    names = max(12, min(widest, width * 2 // 5))
    room = max(LEAST, width - names - TIMES - 2)
    lines = [_title(chart, width), *_path(chart, width)]
    if chart.rows:
        lines += [[], _axis(chart, names, room)]
        lines += [_row(chart, row, names, room, ascii) for row in chart.rows]
        lines += [[], *_legend(chart, width, ascii)]
    return lines


def _title(chart: Chart, width: int) -> Line:
    style = STATES.get(chart.status.lower(), "cyan")
    told = f"  {chart.began:%Y-%m-%d %H:%M:%S} UTC  {short(chart.seconds)}"
    id = fitting(chart.workflow_id, max(12, width - len(told) - len(chart.status) - 2))
    return [(id, "bold"), ("  ", ""), (chart.status, style), (told, "")]


def _path(chart: Chart, width: int) -> list[Line]:
    """How much of the time somebody worked on what could not have been done beside something else."""
    rows = [row for row in chart.rows if row.critical and row.count == 1]
    if not rows:
        return []
    running = sum(segment.seconds for row in rows for segment in row.segments if segment.shade is Shade.RUNNING)
    queued = sum(segment.seconds for row in rows for segment in row.segments if segment.shade is Shade.QUEUED)
    told = f"critical path: {len(chart.path):,} of {sum(row.count for row in chart.rows):,}, running {short(running)}"
    return [[(fitting(f"{told}, queued {short(queued)}", width), "")]]


def _axis(chart: Chart, names: int, room: int) -> Line:
    line = ""
    for time, label in ticks(chart.seconds, max(2, room // 10)):
        at = round(time / chart.seconds * room) if chart.seconds else 0
        if at >= len(line) + bool(line) and at + len(label) <= room + TIMES:
            line = f"{line:{at}}{label}"
    return [(" " * (names + 1), ""), (line, "bright_black")]


def _row(chart: Chart, row: Row, names: int, room: int, ascii: bool) -> Line:
    mark = (MARK[ascii] if row.critical else " ") + " "
    label = fitting(row.label, names - 2)
    told = short(row.seconds) if row.kind != "signal" else ""
    if row.attempts > 1:
        told += f" x{row.attempts}"
    name = STATES.get(row.state, "") if row.state in FAILED else "bold" if row.critical else ""
    padding = " " * (names - 1 - width_of(label))
    return [(mark, "bold"), (label + padding[1:], name), *_bar(chart, row, room, ascii), (f" {told:>{TIMES}}", "")]


def _bar(chart: Chart, row: Row, room: int, ascii: bool) -> Line:
    """Each cell has the look of what took the most of its time; what took any is seen."""
    cells: list[Brush | None] = [None] * room
    most = [-1.0] * room
    scale = room / chart.seconds if chart.seconds else 0.0
    for segment in row.segments:
        brush = brush_of(segment)
        if brush is None:
            continue
        left, right = segment.start * scale, segment.end * scale
        first = min(int(left), room - 1)
        for cell in range(first, min(room - 1, max(first, int(right - 1e-9))) + 1):
            share = min(right, cell + 1) - max(left, cell)
            if share >= most[cell]:
                cells[cell], most[cell] = brush, share
    line: Line = [(" ", "")]
    for painted in cells:
        text, style = (_character(painted, ascii), painted.style) if painted else (" ", "")
        if line[-1][1] == style:
            line[-1] = line[-1][0] + text, style
        else:
            line.append((text, style))
    return line


def brush_of(segment: Segment) -> Brush | None:
    """How a segment is drawn; None for what is not."""
    if segment.shade is not Shade.RUNNING:
        return BRUSHES.get(segment.shade)
    if segment.ended in (*FAILED, "canceled"):
        return BROKEN
    return COMPLETED if segment.ended or not segment.attempt else GOING_ON


def _character(brush: Brush, ascii: bool) -> str:
    return brush.plain if ascii else brush.character


def _legend(chart: Chart, width: int, ascii: bool) -> list[Line]:
    """What the characters mean that are to be seen, in as many lines as it takes."""
    seen = {brush_of(segment) for row in chart.rows for segment in row.segments}
    brushes = (BRUSHES[Shade.QUEUED], COMPLETED, GOING_ON, BROKEN, *list(BRUSHES.values())[1:])
    told = [(_character(brush, ascii), brush.style, brush.meaning) for brush in brushes if brush in seen]
    if any(row.critical for row in chart.rows):
        told.append((MARK[ascii], "bold", "critical path"))
    lines: list[Line] = [[]]
    used = 0
    for character, style, meaning in told:
        if used and used + len(meaning) + 5 > width:
            lines.append([])
            used = 0
        lines[-1] += [("   " if used else "", ""), (character, style), (f" {meaning}", "bright_black")]
        used += len(meaning) + (5 if used else 2)
    return lines


def unstyled(lines: Sequence[Line]) -> str:
    """The lines as plain text."""
    return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines)
