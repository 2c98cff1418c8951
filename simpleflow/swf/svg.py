"""A chart of a run as an SVG file that stands by itself: no script, no font of its own, legible on light and on dark.

The same chart gives the same bytes. It must not know where a chart comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final
from xml.sax.saxutils import escape

from simpleflow.swf.chart import FAILED, Chart, Row, Segment, Shade
from simpleflow.swf.measure import fitting, short, ticks, width_of

WIDTH: Final = 1200
NAMES: Final = 320
"""Pixels for the names of the rows, at most; the bars have the rest, but for the times on the right."""
TIMES: Final = 90
ROW: Final = 22
BAR: Final = 14
TOP: Final = 118
LETTER: Final = 7.3
"""Pixels of a character, at 12 pixels high."""
TICKS: Final = 9
PARTS: Final = (
    ("queued", "queued"),
    ("running", "running"),
    ("open", "still running"),
    ("failed", "attempt that failed"),
    ("retry", "waiting to retry"),
    ("timer", "timer"),
    ("signal", "signal"),
)
"""The looks that segments have, and what they mean."""
CLASSES: Final = {
    Shade.QUEUED: "queued",
    Shade.RETRYING: "retry",
    Shade.TIMER: "timer",
    Shade.SIGNAL: "signal",
}
STYLE: Final = """\
text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #24292f; }
.title { font-size: 16px; font-weight: 600; }
.dim { fill: #6e7781; }
.paper { fill: #ffffff; }
.band { fill: #f6f8fa; }
.grid { stroke: #d8dee4; stroke-width: 1; }
.queued { fill: #c6cdd5; }
.running, .completed { fill: #2da44e; }
.open { fill: #54aeff; }
.failed { fill: #cf222e; }
.retry { fill: url(#hatch); stroke: #bf8700; stroke-width: 1; }
.hatch { stroke: #bf8700; stroke-width: 2; }
.timer { fill: #a475f9; }
.signal { fill: #bf3989; }
.critical { font-weight: 700; }
.bad { fill: #cf222e; }
.path { fill: none; stroke: #d4a72c; stroke-width: 1.5; stroke-dasharray: 4 3; }
.frame { fill: none; stroke: #d4a72c; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.dim { fill: #8d96a0; }
.paper { fill: #0d1117; }
.band { fill: #151b23; }
.grid { stroke: #30363d; }
.queued { fill: #57606a; }
.running, .completed { fill: #3fb950; }
.open { fill: #58a6ff; }
.failed, .bad { fill: #f85149; }
.retry { stroke: #d29922; }
.hatch { stroke: #d29922; }
.timer { fill: #a371f7; }
.signal { fill: #db61a2; }
.path, .frame { stroke: #e3b341; }
}
"""
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg(chart: Chart) -> str:
    """The chart as the text of an SVG file."""
    return "\n".join(_Picture(chart).lines()) + "\n"


class _Picture:
    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        widest = max((width_of(row.label) for row in chart.rows), default=0)
        self._names = round(min(NAMES, max(120, widest * LETTER + 36)))
        self._room = WIDTH - self._names - TIMES
        self._bottom = TOP + ROW * len(chart.rows)
        self._seen = {look(segment) for row in chart.rows for segment in row.segments}

    def lines(self) -> Iterator[str]:
        chart, height = self._chart, self._bottom + 20
        what = f"{chart.name} {chart.workflow_id}".strip()
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" role="img">'
        )
        yield f"<title>{_text(what)}: {chart.status}, {short(chart.seconds)}</title>"
        yield f"<style>\n{STYLE}</style>"
        yield (
            '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><line class="hatch" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>'
        )
        yield f'<rect class="paper" width="{WIDTH}" height="{height}"/>'
        yield f'<text class="title" x="16" y="30">{_text(fitting(what, 110))}</text>'
        yield from self._told()
        yield from self._legend()
        for number in range(0, len(chart.rows), 2):
            yield f'<rect class="band" x="0" y="{TOP + ROW * number}" width="{WIDTH}" height="{ROW}"/>'
        yield from self._grid()
        for number, row in enumerate(chart.rows):
            yield from self._row(row, TOP + ROW * number)
        yield from self._path()
        yield "</svg>"

    def _told(self) -> Iterator[str]:
        chart = self._chart
        status = "bad" if chart.status.lower() in FAILED else ""
        told = f"began {chart.began:%Y-%m-%d %H:%M:%S} UTC, {'took' if chart.status != 'OPEN' else 'open for'} "
        yield (
            f'<text x="16" y="52"><tspan class="{status}">{chart.status}</tspan>'
            f'<tspan class="dim" dx="12">{told}{short(chart.seconds)}</tspan></text>'
        )

    def _legend(self) -> Iterator[str]:
        x = 16.0
        for name, meaning in PARTS:
            if name in self._seen:
                yield f'<rect class="{name}" x="{_n(x)}" y="66" width="18" height="12" rx="2"/>'
                yield f'<text class="dim" x="{_n(x + 24)}" y="76">{meaning}</text>'
                x += 24 + LETTER * len(meaning) + 20
        if any(row.critical for row in self._chart.rows):
            yield f'<rect class="frame" x="{_n(x)}" y="66" width="18" height="12" rx="2"/>'
            yield f'<text class="dim critical" x="{_n(x + 24)}" y="76">critical path</text>'

    def _grid(self) -> Iterator[str]:
        for time, label in ticks(self._chart.seconds, TICKS):
            x = _n(self._x(time))
            yield f'<line class="grid" x1="{x}" y1="{TOP - 6}" x2="{x}" y2="{self._bottom}"/>'
            yield f'<text class="dim" x="{x}" y="{TOP - 12}" text-anchor="middle">{label}</text>'

    def _row(self, row: Row, y: int) -> Iterator[str]:
        looks = " ".join([*(["critical"] if row.critical else []), *(["bad"] if row.state in FAILED else [])])
        told = short(row.seconds) + (f" x{row.attempts}" if row.attempts > 1 else "") if row.kind != "signal" else ""
        yield "<g>"
        yield f"<title>{_text(row.label)} ({row.kind.replace('_', ' ')}): {_text(row.state or 'several')}</title>"
        name = _text(fitting(row.label, int((self._names - 30) / LETTER)))
        yield f'<text class="{looks}" x="16" y="{y + 15}">{name}</text>'
        for segment in row.segments:
            yield from self._segment(row, segment, y + (ROW - BAR) // 2)
        if row.critical and row.kind != "signal":
            left, right = self._x(row.start), self._x(row.end)
            wide = _n(max(3.0, right - left) + 2)
            yield f'<rect class="frame" x="{_n(left - 1)}" y="{y + 3}" width="{wide}" height="{BAR + 2}" rx="3"/>'
        yield f'<text class="dim" x="{WIDTH - TIMES + 12}" y="{y + 15}">{told}</text>'
        yield "</g>"

    def _segment(self, row: Row, segment: Segment, y: int) -> Iterator[str]:
        name = look(segment)
        if not name:
            return
        left, right = self._x(segment.start), self._x(segment.end)
        told = f"{dict(PARTS)[name]}, {short(segment.start)} to {short(segment.end)} ({short(segment.seconds)})"
        if segment.attempt:
            told += f", attempt {segment.attempt}"
        if segment.ended:
            told += f": {segment.ended.replace('_', ' ')}"
        title = f"<title>{_text(row.label)}: {told}</title>"
        if segment.shade is Shade.SIGNAL and not segment.seconds:
            middle = y + BAR / 2
            points = ((left - 6, middle), (left, middle - 6), (left + 6, middle), (left, middle + 6))
            told = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
            yield f'<polygon class="{name}" points="{told}">{title}</polygon>'
            return
        if segment.shade is not Shade.RUNNING and right - left < 0.5:
            return
        thin = 4 if name in ("timer", "queued") else 0
        yield (
            f'<rect class="{name}" x="{_n(left)}" y="{y + thin}" width="{_n(max(1.5, right - left))}" '
            f'height="{BAR - 2 * thin}" rx="{1 if thin else 2}">{title}</rect>'
        )

    def _path(self) -> Iterator[str]:
        """From the end of each row of the critical path to the beginning of the next."""
        place = {row.key: TOP + ROW * number + ROW / 2 for number, row in enumerate(self._chart.rows)}
        rows = {row.key: row for row in self._chart.rows}
        for before, after in pairwise(self._chart.path):
            x, then = self._x(rows[before].end), self._x(rows[after].start)
            turn = f"H{_n((x + then) / 2)}V{_n(place[after])}"
            yield f'<path class="path" d="M{_n(x)} {_n(place[before])}{turn}H{_n(then)}"/>'

    def _x(self, time: float) -> float:
        return self._names + (time / self._chart.seconds * self._room if self._chart.seconds else 0.0)


def look(segment: Segment) -> str:
    """The name of how a segment looks; empty for what is not drawn."""
    if segment.shade is not Shade.RUNNING:
        return CLASSES.get(segment.shade, "")
    if segment.ended in (*FAILED, "canceled"):
        return "failed"
    return "open" if segment.attempt and not segment.ended else "running"


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text), {'"': "&quot;"})
