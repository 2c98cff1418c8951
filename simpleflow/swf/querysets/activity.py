"""Queries for activity types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from simpleflow.swf.core import pages
from simpleflow.swf.exceptions import ActivityTypeDoesNotExist, AlreadyExistsError
from simpleflow.swf.models.activity import ActivityType
from simpleflow.swf.querysets.base import OfDomainQuerySet, check_status, statuses


class ActivityTypeQuerySet(OfDomainQuerySet[ActivityType]):
    """Activity types of a domain, by name.

    `filter` takes `registration_status` - REGISTERED, which is the default, DEPRECATED or ALL - and `name`.
    """

    keywords = ("registration_status", "name")

    def filter(self, registration_status: str | None = None, name: str | None = None, **unknown: Any) -> Self:
        """The same query with more conditions. Raises InvalidKeywordArgumentError."""
        return super().filter(registration_status=registration_status, name=name, **unknown)

    def all(self, registration_status: str | None = None, **conditions: Any) -> Self:
        """The same query, which asks anew; with conditions, the same as `filter`."""
        return self.filter(registration_status, **conditions)

    def _what(self) -> str:
        return f"the activity types of the domain {self.domain.name}"

    def _check(self) -> None:
        check_status(self._given)

    def _fetch(self) -> Iterator[ActivityType]:
        given = {"domain": self.domain.name, "name": self._given.get("name"), **self._paging()}
        for status in self._in_order(statuses(self._given)):
            found = pages(self.list_activity_types, "typeInfos", registration_status=status, **given)
            yield from (ActivityType.from_info(self.domain, info, connection=self.connection) for info in found)

    def get(self, name: str, version: str) -> ActivityType:
        """The type of this name and version, with its configuration, deprecated or not.

        Raises ActivityTypeDoesNotExist, DomainDoesNotExist.
        """
        return ActivityType(self.domain, name, version, connection=self.connection).upstream()

    def create(self, name: str, version: str, **fields: Any) -> ActivityType:
        """Register a type; `fields` are those of `ActivityType`. Raises AlreadyExistsError, DomainDoesNotExist."""
        return ActivityType(self.domain, name, version, connection=self.connection, **fields).save()

    def get_or_create(self, name: str, version: str, **fields: Any) -> ActivityType:
        """The type of this name and version, which is registered where there is none. Raises DomainDoesNotExist."""
        try:
            return self.get(name, version)
        except ActivityTypeDoesNotExist:
            pass
        try:
            return self.create(name, version, **fields)
        except AlreadyExistsError:  # somebody was faster
            return self.get(name, version)
