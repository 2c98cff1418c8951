"""The table of what moto's server lacks names tests that there are, and that are run there."""

from __future__ import annotations

import importlib

from places import LACKS


def test_what_is_said_to_lack_is_run_there() -> None:
    for name in LACKS:
        module, _, function = name.partition("[")[0].partition("::")
        test = getattr(importlib.import_module(module), function)
        places = [mark.args[1] for mark in test.pytestmark if mark.name == "parametrize" and mark.args[0] == "place"]
        assert "moto" in [place.values[0] for place in places[0]], name
