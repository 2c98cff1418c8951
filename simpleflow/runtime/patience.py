"""How who watches a run bears an engine that cannot be reached for a while: it asks again, as pollers do."""

from __future__ import annotations

import logging
import random
from typing import Final

from simpleflow.protocol.faults import code_of

log = logging.getLogger("simpleflow.runtime")

FIRST: Final = 0.1  # seconds
MOST: Final = 5.0
_CONNECTIONS: Final = {"ConnectionError", "HTTPClientError", "ConnectionClosedError"}
"""Names of the bases of connection errors, of Python and of boto3, which is imported only by who needs it."""
_THROTTLED: Final = ("ThrottlingException", "Throttling", "RequestLimitExceeded", "TooManyRequestsException")


class Patience:
    """Says how long to wait after each failure, and says once in the log that there are failures."""

    def __init__(self) -> None:
        self._failures = 0

    def pause(self, error: Exception) -> float:
        """Seconds before the next try, more of them with each failure in a row. Raises the error if it will stay."""
        if not is_passing(error):
            raise error
        if not self._failures:
            log.warning("the engine cannot be reached, trying again until it can: %s", error)
        self._failures += 1
        return min(FIRST * 2.0 ** min(self._failures - 1, 20), MOST) * random.uniform(0.5, 1)

    def answered(self) -> None:
        """The engine has answered."""
        if self._failures:
            log.warning("the engine answers again")
        self._failures = 0


def is_passing(error: Exception) -> bool:
    """Whether the same call may succeed later: the connection failed, or the engine fails or throttles."""
    code = code_of(error)
    if not code:
        names = {base.__name__ for base in type(error).__mro__}
        return bool(names & _CONNECTIONS) and "SSLError" not in names
    metadata = getattr(error, "response", {}).get("ResponseMetadata", {})
    return code in _THROTTLED or metadata.get("HTTPStatusCode", 400) >= 500
