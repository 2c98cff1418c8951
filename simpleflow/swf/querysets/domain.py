"""Queries for domains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from simpleflow.swf.core import pages
from simpleflow.swf.exceptions import AlreadyExistsError, DomainDoesNotExist
from simpleflow.swf.models.domain import Domain
from simpleflow.swf.querysets.base import BaseQuerySet, check_status, statuses


class DomainQuerySet(BaseQuerySet[Domain]):
    """Domains, by name. `filter` takes `registration_status`: REGISTERED, which is the default, DEPRECATED or ALL."""

    keywords = ("registration_status",)

    def filter(self, registration_status: str | None = None, **unknown: Any) -> Self:
        """The same query with more conditions. Raises InvalidKeywordArgumentError."""
        return super().filter(registration_status=registration_status, **unknown)

    def all(self, registration_status: str | None = None, **conditions: Any) -> Self:
        """The same query, which asks anew; with conditions, the same as `filter`."""
        return self.filter(registration_status, **conditions)

    def _what(self) -> str:
        return "the domains"

    def _check(self) -> None:
        check_status(self._given)

    def _fetch(self) -> Iterator[Domain]:
        for status in self._in_order(statuses(self._given)):
            found = pages(self.list_domains, "domainInfos", registration_status=status, **self._paging())
            yield from (Domain.from_info(info, self.connection) for info in found)

    def get(self, name: str) -> Domain:
        """The domain of this name, deprecated or not. Raises DomainDoesNotExist."""
        return Domain(name, connection=self.connection).upstream()

    def create(self, name: str, **fields: Any) -> Domain:
        """Register a domain; `fields` are those of `Domain`. Raises AlreadyExistsError."""
        return Domain(name, connection=self.connection, **fields).save()

    def get_or_create(self, name: str, **fields: Any) -> Domain:
        """The domain of this name, which is registered where there is none."""
        try:
            return self.get(name)
        except DomainDoesNotExist:
            pass
        try:
            return self.create(name, **fields)
        except AlreadyExistsError:  # somebody was faster
            return self.get(name)
