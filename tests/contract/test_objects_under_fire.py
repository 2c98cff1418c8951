"""Whatever the engine writes under fire, `History.compile` is content with: two readings, written apart, agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engine_integrity import check_connection
from hypothesis.stateful import invariant
from test_engine_stateful import World, run

from conftest import Swf
from simpleflow.engine import Engine, VirtualClock
from simpleflow.protocol.events import CLOSING_EVENTS, EVENTS
from simpleflow.swf.models.history import History


class Compiled(World):
    """The engine under fire, and every history compiled as it stands."""

    @invariant()
    def compiles(self) -> None:
        for events in check_connection(self.engine._store.connection).values():
            if events and events[0][0] == 1:
                self.compile(events)

    def compile(self, events: list[Any]) -> None:
        history = History.from_event_list(
            {"eventId": number, "eventTimestamp": time, "eventType": kind, EVENTS[kind].member: attributes}
            for number, time, kind, attributes in events
        )
        things = history.compile()
        assert things[0].state == ("started" if events[-1][2] not in CLOSING_EVENTS else history.last.state)
        assert history.distinct[0][0].id == 1


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, model: Any) -> type[Compiled]:
    path = tmp_path_factory.mktemp("objects") / "template.db"
    with Engine(path, clock=VirtualClock(), long_poll_seconds=0) as engine:
        Swf(engine)
    Compiled.template, Compiled.model = Path(path), model
    return Compiled


def test_all_histories_compile(world: type[Compiled]) -> None:
    run(world, 25, 40)
