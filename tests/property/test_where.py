"""The language that says which runs, with random texts: read as it is printed, and it sifts as plain Python does."""

from __future__ import annotations

import fnmatch
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from simpleflow.swf.models import Domain, WorkflowExecution, WorkflowType
from simpleflow.swf.where import STATUSES, TIMES, Condition, Moment, Text, Where, WhereError, parse

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DOMAIN = Domain("D")
LETTERS = "ab*'\"\\ ,=.-é\n"
texts = st.lists(st.text(LETTERS, max_size=4), min_size=1, max_size=3).map(lambda parts: Text(_normal(parts)))


def _normal(parts: list[str]) -> tuple[str, ...]:
    """Two stars in a row are one."""
    inner = [part for part in parts[1:-1] if part]
    return (parts[0], *inner, parts[-1]) if len(parts) > 1 else (parts[0],)


times = st.one_of(
    st.datetimes(datetime(2026, 3, 8), datetime(2026, 3, 12)).map(lambda at: at.isoformat(timespec="minutes")),
    st.datetimes(datetime(2026, 3, 8), datetime(2026, 3, 12)).map(lambda at: at.date().isoformat()),
    st.sampled_from(["-2h", "3d", "1d12h", "today", "yesterday"]),
)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    field = draw(st.sampled_from(["type", "version", "id", "run_id", "tag", "parent", "status", *TIMES]))
    if field in TIMES:
        text = draw(times)
        operators = ["<", "<=", ">", ">="] if text in ("-2h", "3d", "1d12h") else ["<", "<=", ">", ">=", "=", "!="]
        operator = draw(st.sampled_from(operators))
        return parse(f"{field}{operator}{text}", NOW).conditions[0]
    operator = draw(st.sampled_from(["=", "!="]))
    statuses = st.sampled_from([name for name in STATUSES if name != "parked"]).map(lambda name: Text((name,)))
    values = draw(st.lists(statuses if field == "status" else texts, min_size=1, max_size=3))
    return Condition(field, operator, tuple(values))


wheres = st.lists(conditions(), min_size=1, max_size=4).map(lambda found: Where(tuple(found)))


@st.composite
def runs(draw: st.DrawFn) -> WorkflowExecution:
    short = st.text("ab. ,", max_size=3)
    close_status = draw(st.none() | st.sampled_from(sorted(STATUSES["closed"])))
    started = NOW - timedelta(minutes=draw(st.integers(0, 5_000)))
    return WorkflowExecution(
        DOMAIN,
        draw(short),
        draw(short),
        "CLOSED" if close_status else "OPEN",
        WorkflowType(DOMAIN, draw(short), draw(short)),
        close_status=close_status,
        tag_list=tuple(draw(st.lists(short, max_size=2))),
        start_timestamp=started,
        close_timestamp=started + timedelta(minutes=draw(st.integers(0, 9000))) if close_status else None,
        parent={"workflowId": draw(short), "runId": "r"} if draw(st.booleans()) else {},
    )


@given(wheres)
def test_what_is_printed_is_read_again(where: Where) -> None:
    assert parse(str(where), NOW) == where


@given(st.text() | st.text("started=<>!,'\"*\\-129hd:T ", max_size=30))
def test_any_text_says_something_or_is_refused_in_one_line(text: str) -> None:
    try:
        assert parse(str(parse(text, NOW)), NOW) == parse(text, NOW)
    except WhereError as error:
        assert "\n" not in str(error)


def _undescribed(run: WorkflowExecution) -> WorkflowExecution:
    raise AssertionError("lists tell all that is asked here")


@given(wheres, runs())
def test_it_sifts_as_plain_python_does(where: Where, run: WorkflowExecution) -> None:
    assert where.holds(run, _undescribed) == all(plain(condition, run) for condition in where.conditions)


@given(wheres, runs())
def test_what_the_engine_is_asked_leaves_out_nothing(where: Where, run: WorkflowExecution) -> None:
    """The statuses and the spans of time that are told an engine have room for each run of which it holds."""
    if where.holds(run, _undescribed):
        assert (run.close_status or run.status) in where.statuses
        for field, at in (("started", run.start_timestamp), ("closed", run.close_timestamp)):
            oldest, latest = where.span(field)
            assert oldest is None or (at is not None and at >= oldest)
            assert latest is None or (at is not None and at <= latest)
        for field, text in (("id", run.workflow_id), ("version", run.workflow_type and run.workflow_type.version)):
            assert where.literal(field) in (None, text)


def plain(condition: Condition, run: WorkflowExecution) -> bool:
    """The same in other words."""
    assert run.workflow_type is not None
    name = run.workflow_type.name
    status = (run.close_status or "open").lower()
    said: dict[str, list[str]] = {
        "type": [name, name.split(".")[-1]],
        "version": [run.workflow_type.version],
        "id": [run.workflow_id],
        "run_id": [str(run.run_id)],
        "tag": list(run.tag_list or ()) or [""],
        "parent": [run.parent.get("workflowId", "")],
        "status": [status, "open" if status == "open" else "closed"],
    }
    if condition.field in TIMES:
        at = run.start_timestamp if condition.field == "started" else run.close_timestamp
        [moment] = condition.values
        assert isinstance(moment, Moment)
        if at is None:
            return condition.operator == "!="
        before, after = at < moment.begins, at >= moment.ends
        return {
            "<": before,
            ">": after,
            "=": not before and not after,
            "<=": not after,
            ">=": not before,
            "!=": before or after,
        }[condition.operator]
    globs = ["*".join(part.replace("*", "[*]") for part in value.parts) for value in _texts(condition)]
    found = any(fnmatch.fnmatchcase(each, glob) for each in said[condition.field] for glob in globs)
    return found if condition.operator == "=" else not found


def _texts(condition: Condition) -> list[Text]:
    return [value for value in condition.values if isinstance(value, Text)]
