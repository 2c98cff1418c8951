"""What all querysets have: conditions that are put together, and things that are fetched as they are asked for."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

from simpleflow.swf.constants import ALL, DEPRECATED, REGISTERED
from simpleflow.swf.core import PAGE_SIZE, ConnectedSWFObject, Connection, pages
from simpleflow.swf.exceptions import AlreadyExistsError, DoesNotExistError, InvalidKeywordArgumentError, translated
from simpleflow.swf.models.activity import ActivityType
from simpleflow.swf.models.domain import Domain
from simpleflow.swf.models.workflow import WorkflowType

M = TypeVar("M")
T = TypeVar("T", ActivityType, WorkflowType)


class BaseQuerySet(ConnectedSWFObject, Generic[M]):
    """A query. Nothing is asked of the engine until its things are asked for, and then page by page.

    What an iteration or `len` fetched is kept, and later ones ask no more for it; indexes and slices of a query that
    was not iterated ask for no more than they need. `all()` and `filter(...)` give another query, which asks anew;
    `iterator()` keeps nothing. Iterations do not disturb each other.
    """

    keywords: ClassVar[Collection[str]] = ()
    """What `filter` takes."""

    def __init__(self, connection: Connection = None) -> None:
        super().__init__(connection)
        self._given: dict[str, Any] = {}
        self._page_size: int | None = None
        self._reversed = False
        self._forget()

    def _forget(self) -> None:
        self._cache: list[M] = []
        self._source: Iterator[M] | None = None

    # What subclasses say

    def _fetch(self) -> Iterator[M]:
        """The things, from the engine."""
        raise NotImplementedError

    def _check(self) -> None:
        """Raise InvalidKeywordArgumentError where the conditions cannot be asked for together."""

    def _what(self) -> str:
        """The things in an error."""
        return "the things"

    # Putting together

    def _other(self, given: dict[str, Any] | None = None, **changes: Any) -> Self:
        other = copy.copy(self)
        other._given = {**self._given, **(given or {})}
        for name, value in changes.items():
            setattr(other, name, value)
        other._forget()
        return other

    def filter(self, **conditions: Any) -> Self:
        """The same query with more conditions; None stands for not given.

        Raises InvalidKeywordArgumentError for a condition that there is not, that is given twice with different
        values, or that cannot go with another one; nothing is asked of the engine.
        """
        wanted = {name: value for name, value in conditions.items() if value is not None}
        for name, value in wanted.items():
            if name not in self.keywords:
                known = ", ".join(sorted(self.keywords))
                raise InvalidKeywordArgumentError(f"{type(self).__name__} has no condition {name}: there are {known}")
            if self._given.get(name, value) != value:
                raise InvalidKeywordArgumentError(f"{name} is {self._given[name]!r} already, and cannot be {value!r}")
        other = self._other(wanted)
        other._check()
        return other

    def all(self, **conditions: Any) -> Self:
        """The same query, which asks anew; with conditions, the same as `filter`."""
        return self.filter(**conditions)

    def reverse(self) -> Self:
        """The same query in the opposite order."""
        return self._other(_reversed=not self._reversed)

    def page_size(self, size: int) -> Self:
        """The same query, of which the engine is asked for so many things at once: 1 to 1,000, which is the default."""
        if not 1 <= size <= PAGE_SIZE:
            raise InvalidKeywordArgumentError(f"a page has 1 to {PAGE_SIZE:,} things, not {size}")
        return self._other(_page_size=size)

    def _in_order(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        """The parts of which a list is put together."""
        return parts[::-1] if self._reversed else parts

    def _paging(self) -> dict[str, Any]:
        return {"maximum_page_size": self._page_size, "reverse_order": self._reversed or None}

    # Fetching

    def iterator(self) -> Iterator[M]:
        """The things, from the engine, page by page; none is kept."""
        with translated(f"cannot list {self._what()}"):
            yield from self._fetch()

    def _fill(self, wanted: int | None) -> bool:
        """Fetch until so many things are there, or all. Whether there are so many."""
        if self._source is None:
            self._source = self.iterator()
        try:
            missing = None if wanted is None else max(0, wanted - len(self._cache))
            self._cache.extend(islice(self._source, missing))
        except BaseException:
            self._forget()  # a page is missing: the next who asks begins anew
            raise
        return wanted is None or len(self._cache) >= wanted

    def __iter__(self) -> Iterator[M]:
        position = 0
        while self._fill(position + 1):
            yield self._cache[position]
            position += 1

    @overload
    def __getitem__(self, index: int) -> M: ...
    @overload
    def __getitem__(self, index: slice) -> list[M]: ...
    def __getitem__(self, index: int | slice) -> M | list[M]:
        if isinstance(index, slice):
            start, stop, step = index.start or 0, index.stop, index.step or 1
            if self._source is None and stop is not None and start >= 0 and stop >= 0 and step > 0:
                return list(islice(self._head(stop), start, stop, step))
            self._fill(None)
        elif self._source is None and index >= 0:
            found = list(islice(self._head(index + 1), index, index + 1))
            if not found:
                raise IndexError(f"{self._what()} are not {index + 1}")
            return found[0]
        else:
            self._fill(index + 1 if index >= 0 else None)
        return self._cache[index]

    def _head(self, size: int) -> Iterator[M]:
        """The first things, in a page of so many; they are not kept."""
        return self._other(_page_size=self._page_size or max(1, min(size, PAGE_SIZE))).iterator()

    def __len__(self) -> int:
        self._fill(None)
        return len(self._cache)

    def __bool__(self) -> bool:
        return self._fill(1)

    def first(self) -> M | None:
        """The first of the things; None where there is none."""
        return self._cache[0] if self._cache else next(self._head(1), None)

    def count(self) -> int:
        """How many things there are, without keeping them."""
        return sum(1 for _ in self.iterator())

    def __repr__(self) -> str:
        said = "".join(f" {name}={value!r}" for name, value in self._given.items())
        return f"<{type(self).__name__} of {self._what()}{said}>"


class OfDomainQuerySet(BaseQuerySet[M]):
    """A query for things in a domain. Raises TypeError where that is none."""

    def __init__(self, domain: Domain, connection: Connection = None) -> None:
        if not isinstance(domain, Domain):
            raise TypeError(f"domain takes a Domain, not {domain!r}: write Domain({str(domain)!r})")
        super().__init__(connection if connection is not None else domain.connection)
        self.domain = domain


class TypeQuerySet(OfDomainQuerySet[T]):
    """Types of a domain, of activities or of workflows, by name: they differ in what they are called.

    `filter` takes `registration_status` - REGISTERED, which is the default, DEPRECATED or ALL - and `name`.
    """

    keywords = ("registration_status", "name")
    _model: type[T]
    _plural: ClassVar[str]
    _missing: ClassVar[type[DoesNotExistError]]

    def _listing(self) -> Callable[..., dict[str, Any]]:
        """The operation that lists them."""
        raise NotImplementedError

    def filter(self, registration_status: str | None = None, name: str | None = None, **unknown: Any) -> Self:
        """The same query with more conditions. Raises InvalidKeywordArgumentError."""
        return super().filter(registration_status=registration_status, name=name, **unknown)

    def all(self, registration_status: str | None = None, **conditions: Any) -> Self:
        """The same query, which asks anew; with conditions, the same as `filter`."""
        return self.filter(registration_status, **conditions)

    def _what(self) -> str:
        return f"the {self._plural} of the domain {self.domain.name}"

    def _check(self) -> None:
        check_status(self._given)

    def _fetch(self) -> Iterator[T]:
        given = {"domain": self.domain.name, "name": self._given.get("name"), **self._paging()}
        for status in self._in_order(statuses(self._given)):
            found = pages(self._listing(), "typeInfos", registration_status=status, **given)
            yield from (self._model.from_info(self.domain, info, connection=self.connection) for info in found)

    def get(self, name: str, version: str) -> T:
        """The type of this name and version, with its configuration, deprecated or not.

        Raises ActivityTypeDoesNotExist or WorkflowTypeDoesNotExist, and DomainDoesNotExist.
        """
        return self._model(self.domain, name, version, connection=self.connection).upstream()

    def create(self, name: str, version: str, **fields: Any) -> T:
        """Register a type; `fields` are those of the model. Raises AlreadyExistsError, DomainDoesNotExist."""
        return self._model(self.domain, name, version, connection=self.connection, **fields).save()

    def get_or_create(self, name: str, version: str, **fields: Any) -> T:
        """The type of this name and version, which is registered where there is none. Raises DomainDoesNotExist."""
        try:
            return self.get(name, version)
        except self._missing:
            pass
        try:
            return self.create(name, version, **fields)
        except AlreadyExistsError:  # somebody was faster
            return self.get(name, version)


def statuses(given: dict[str, Any]) -> tuple[str, ...]:
    """The registration statuses that a query asks for."""
    status = given.get("registration_status", REGISTERED)
    return (REGISTERED, DEPRECATED) if status == ALL else (status,)


def check_status(given: dict[str, Any]) -> None:
    """Raise InvalidKeywordArgumentError for a registration status that there is not."""
    status = given.get("registration_status", REGISTERED)
    if status not in (REGISTERED, DEPRECATED, ALL):
        raise InvalidKeywordArgumentError(f"registration_status is REGISTERED, DEPRECATED or ALL, not {status!r}")
