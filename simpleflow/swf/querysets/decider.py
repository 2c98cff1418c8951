"""Queries for deciders, which are known by what they did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Self

from simpleflow.swf.exceptions import DoesNotExistError
from simpleflow.swf.models.decider import SEEN, Decider, deciders, runs
from simpleflow.swf.querysets.base import OfDomainQuerySet


class DeciderQuerySet(OfDomainQuerySet[Decider]):
    """Deciders of a domain, those seen last first.

    No engine lists them: the histories of all open runs are read, and those of the runs that closed within a day, or
    within `closed_within`. On Amazon that is a call for every 1,000 events. `filter` takes `task_list`, `identity` and
    `closed_within` (a timedelta).
    """

    keywords = ("task_list", "identity", "closed_within")

    def filter(
        self,
        task_list: str | None = None,
        identity: str | None = None,
        closed_within: timedelta | None = None,
        **unknown: Any,
    ) -> Self:
        """The same query with more conditions. Raises InvalidKeywordArgumentError."""
        return super().filter(task_list=task_list, identity=identity, closed_within=closed_within, **unknown)

    def _what(self) -> str:
        return f"the deciders of the domain {self.domain.name}"

    def _fetch(self) -> Iterator[Decider]:
        within: timedelta = self._given.get("closed_within", SEEN)
        found = [decider for decider in deciders(self.domain, runs(self.domain, within)) if self._wanted(decider)]
        yield from reversed(found) if self._reversed else found

    def _wanted(self, decider: Decider) -> bool:
        asked = {name: self._given[name] for name in ("task_list", "identity") if name in self._given}
        return all(getattr(decider, name) == value for name, value in asked.items())

    def get(self, task_list: str, identity: str | None = None) -> Decider:
        """The decider of this list that was seen last, or the one of this identity. Raises DoesNotExistError."""
        found = self.filter(task_list=task_list, identity=identity).first()
        if found is None:
            raise DoesNotExistError(f"{self._what()}: none of the list {task_list} has been seen lately")
        return found
