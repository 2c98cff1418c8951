from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from town import Town


@pytest.fixture(params=["cached", "forgetful"])
def town(request: Any) -> Iterator[Town]:
    """A town in which runs are resumed, and one in which each decision reads its run again from the history."""
    made = Town(forget=request.param == "forgetful")
    yield made
    made.close()
