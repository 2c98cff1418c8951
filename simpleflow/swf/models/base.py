"""What all models have: a connection, and the comparison of what stands here with what the engine knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, cast

from simpleflow.swf.core import ConnectedSWFObject, Connection
from simpleflow.swf.exceptions import DoesNotExistError, translated

if TYPE_CHECKING:
    from simpleflow.swf.models.domain import Domain


class Difference(NamedTuple):
    """An attribute whose value here is not the engine's."""

    attr: str
    local: Any
    upstream: Any


class ModelDiff(Sequence[Difference]):
    """The differences between a model and what the engine knows.

    `"status" in diff` tells whether an attribute differs; `diff[0]` is a `Difference`; an empty one is false.
    """

    __slots__ = ("_found",)

    def __init__(self, *compared: tuple[str, Any, Any]) -> None:
        """Of triples (attribute, value here, value of the engine) those that differ."""
        self._found = tuple(Difference(*triple) for triple in compared if triple[1] != triple[2])

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, index: Any) -> Any:
        return self._found[index]

    def __iter__(self) -> Iterator[Difference]:
        return iter(self._found)

    def __contains__(self, attr: object) -> bool:
        return attr in self.differing_fields() or attr in self._found

    def __eq__(self, other: object) -> bool:
        return self._found == other._found if isinstance(other, ModelDiff) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<ModelDiff {', '.join(f'{attr}: {here!r} != {there!r}' for attr, here, there in self)}>"

    def differing_fields(self) -> list[str]:
        """The names of the attributes that differ."""
        return [found.attr for found in self._found]

    def as_list(self) -> list[Difference]:
        """The differences as a list."""
        return list(self._found)


class BaseModel(ConnectedSWFObject):
    """A thing that an engine keeps, as a frozen value. Each subclass is a frozen dataclass.

    An attribute that is None or empty says nothing, and is not compared.
    """

    __slots__ = ()
    _uncompared: ClassVar[Collection[str]] = ("connection", "domain")
    """Attributes that are the engine's to give, or that say where the thing is."""

    def upstream(self) -> Self:
        """The same thing as the engine knows it now. Raises DoesNotExistError."""
        raise NotImplementedError

    def save(self) -> Self:
        """Register the thing; it is returned. Raises AlreadyExistsError."""
        raise NotImplementedError(f"a {type(self).__name__} is not registered by anybody")

    def delete(self) -> None:
        """Deprecate the thing. Raises DoesNotExistError, and ResponseError where it is deprecated already."""
        raise NotImplementedError(f"a {type(self).__name__} cannot be deleted")

    @property
    def exists(self) -> bool:
        """Whether the engine knows the thing, deprecated or not."""
        try:
            self.upstream()
        except DoesNotExistError:
            return False
        return True

    @property
    def changes(self) -> ModelDiff:
        """Where what stands here is not what the engine knows. Raises DoesNotExistError."""
        return self._diff()

    @property
    def is_synced(self) -> bool:
        """Whether what stands here is what the engine knows; False where it knows no such thing."""
        try:
            return not self._diff()
        except DoesNotExistError:
            return False

    def _diff(self, ignore_fields: Iterable[str] = ()) -> ModelDiff:
        upstream = self.upstream()
        ignored = {*self._uncompared, *ignore_fields}
        names = [field.name for field in fields(cast(Any, self)) if field.name not in ignored]
        said = [(name, getattr(self, name)) for name in names]
        return ModelDiff(
            *((name, value, getattr(upstream, name)) for name, value in said if value not in (None, {}, ()))
        )

    def _filled(self, **defaults: Any) -> Self:
        """The same thing with these values for what is None."""
        missing = {name: value for name, value in defaults.items() if getattr(self, name) is None}
        return cast(Self, replace(cast(Any, self), **missing))


class OfDomain(BaseModel):
    """A thing in a domain, whose connection it takes unless it has one of its own."""

    __slots__ = ()
    _numbers: ClassVar[Collection[str]] = ()
    """Attributes that may be given as numbers, and are texts to Amazon SWF."""
    domain: Domain

    def __post_init__(self) -> None:
        if not isinstance(self.domain, BaseModel):
            raise TypeError(f"domain takes a Domain, not {self.domain!r}: write Domain({str(self.domain)!r})")
        put = object.__setattr__  # the value is frozen, and is being made
        if self.connection is None:
            put(self, "connection", self.domain.connection)
        for name in self._numbers:
            if (value := getattr(self, name)) is not None:
                put(self, name, str(value))


class RegisteredType(OfDomain):
    """What workflow types and activity types have in common: name and version, and a life from `save` to `purge`."""

    __slots__ = ()
    _uncompared: ClassVar[Collection[str]] = ("connection", "domain", "creation_date", "deprecation_date")
    _kind: ClassVar[str]
    """What it is a type of, as the operations name it: "workflow" or "activity"."""
    name: str
    version: str
    status: str

    def __repr__(self) -> str:
        where = f"domain={self.domain.name} name={self.name} version={self.version}"
        return f"<{type(self).__name__} {where} status={self.status}>"

    @classmethod
    def from_info(
        cls,
        domain: Domain,
        info: dict[str, Any],
        configuration: dict[str, Any] | None = None,
        connection: Connection = None,
    ) -> Self:
        """The type that Amazon's WorkflowTypeInfo or ActivityTypeInfo describes, and its configuration if known."""
        raise NotImplementedError

    def upstream(self) -> Self:
        """The type as the engine knows it now. Raises WorkflowTypeDoesNotExist or ActivityTypeDoesNotExist, and
        DomainDoesNotExist."""
        found = self._asked("describe")
        return type(self).from_info(self.domain, found["typeInfo"], found["configuration"], self.connection)

    def delete(self) -> None:
        """Deprecate the type, as it always was; `purge` deletes it. Raises what `deprecate` does."""
        self.deprecate()

    def deprecate(self) -> None:
        """Deprecate the type: what was started or scheduled goes on, new runs or tasks are refused.

        Raises WorkflowTypeDoesNotExist or ActivityTypeDoesNotExist, and ResponseError where it is deprecated already.
        """
        self._asked("deprecate")

    def undeprecate(self) -> None:
        """Take back the deprecation.

        Raises WorkflowTypeDoesNotExist or ActivityTypeDoesNotExist, and AlreadyExistsError where it is not deprecated.
        """
        self._asked("undeprecate")

    def purge(self) -> None:
        """Delete the type for good; it must be deprecated. Its name and version may then be registered again.

        Raises WorkflowTypeDoesNotExist or ActivityTypeDoesNotExist, and ResponseError where it is not deprecated.
        """
        self._asked("delete")

    def _asked(self, verb: str) -> Any:
        with translated(f"cannot {verb} the {self._kind} type {self.name} {self.version}"):
            return getattr(self, f"{verb}_{self._kind}_type")(self.domain.name, self.name, self.version)
