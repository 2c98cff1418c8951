"""The chart of a run: whatever the history, its rows are cut into segments without gaps, and can be drawn."""

from __future__ import annotations

import random
import re
from itertools import pairwise
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from fabricated import Fabricated
from simpleflow.cli.plot import LEAST, TIMES, plotted
from simpleflow.swf.chart import Chart, chart, folded
from simpleflow.swf.measure import width_of
from simpleflow.swf.models.history import History
from simpleflow.swf.stats import instant
from simpleflow.swf.svg import svg


@st.composite
def charts(draw: st.DrawFn) -> Chart:
    """Of a run of some steps, which follow each other after a time, or at once."""
    chosen = random.Random(draw(st.integers(0, 2**32)))
    run = Fabricated(chosen.choice)
    for _ in range(draw(st.integers(0, 80))):
        run.step()
    if draw(st.booleans()):
        run.close()
    now, pace = 1000.0, draw(st.sampled_from([0, 0.001, 1, 7, 5000]))
    for event in run.events:
        event["eventTimestamp"] = now = now + chosen.choice([0, pace])
    return chart(History.from_event_list(run.events), now=instant(now + pace), id='a <run> & "more" \x00ü')


def is_whole(drawn: Chart) -> None:
    for row in drawn.rows:
        assert all(before.end == after.start for before, after in pairwise(row.segments))
        assert all(segment.seconds >= 0 for segment in row.segments)
        assert abs(sum(segment.seconds for segment in row.segments) - row.seconds) < 1e-6
        assert 0 <= row.start <= row.end <= drawn.seconds
    assert len({row.key for row in drawn.rows}) == len(drawn.rows)


@settings(max_examples=100, deadline=None)
@given(charts())
def test_rows_are_cut_without_gaps(drawn: Chart) -> None:
    is_whole(drawn)
    rows = {row.key: row for row in drawn.rows}
    assert bool(drawn.path) == any(row.kind != "timer" or row.state != "canceled" for row in drawn.rows)
    assert all(rows[before].end <= rows[after].start for before, after in pairwise(drawn.path))
    assert {row.key for row in drawn.rows if row.critical} == set(drawn.path)


@settings(max_examples=100, deadline=None)
@given(charts(), st.integers(1, 12))
def test_folded_rows_are_whole_and_few(drawn: Chart, most: int) -> None:
    few = folded(drawn, most)
    is_whole(few)
    assert len(few.rows) <= most + max(1, most // 2)
    assert sum(row.count for row in few.rows) == len(drawn.rows)
    assert few.seconds == drawn.seconds
    assert any(row.critical for row in few.rows) == any(row.critical for row in drawn.rows)


@settings(max_examples=60, deadline=None)
@given(charts(), st.integers(60, 200), st.booleans())
def test_what_is_drawn_fits_and_can_be_read(drawn: Chart, width: int, ascii: bool) -> None:
    lines = ["".join(text for text, _ in line) for line in plotted(drawn, width, ascii=ascii)]
    assert all(width_of(line) <= max(width, LEAST + TIMES) for line in lines[:1] + lines[3:])
    picture = ElementTree.fromstring(svg(drawn))
    assert svg(drawn) == svg(drawn)
    texts = [element.text or "" for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert 'a <run> & "more"  ü' in texts[0]
    numbers = [float(x) for x in re.findall(r' (?:x|y|width|height)="([^"]*)"', svg(drawn))]
    assert all(0 <= number <= max(1200, 200 + 22 * len(drawn.rows)) for number in numbers)
