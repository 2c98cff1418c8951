"""What all decisions have: they are dicts, made by one of their actions, and checked."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from simpleflow.protocol.checks import CHECKS
from simpleflow.protocol.decisions import DECISIONS
from simpleflow.protocol.faults import Fault
from simpleflow.swf.core import without_none
from simpleflow.swf.exceptions import InvalidDecisionError

_WHERE: Final = "decisions.1.member."


class Decision(dict[str, Any]):
    """A decision, as `respond_decision_task_completed` takes it: a decisionType and its attributes.

    ``TimerDecision("start", "t-1", 30)`` is the decision that the method `start` makes of the other arguments; without
    an action it is empty until such a method is called. Raises InvalidDecisionError for an action that there is not,
    and for a decision that every engine would refuse.
    """

    actions: ClassVar[tuple[str, ...]] = ()
    """The methods that make a decision."""

    def __init__(self, action: str | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        if action is None:
            return
        if action not in self.actions:
            known = ", ".join(self.actions)
            raise InvalidDecisionError(f"{type(self).__name__} has no action {action!r}: there are {known}")
        getattr(self, action)(*args, **kwargs)

    @property
    def type(self) -> str:
        """The type of the decision, such as "StartTimer"."""
        found: str = self["decisionType"]
        return found

    @property
    def attributes_key(self) -> str:
        """The key under which the attributes are, such as "startTimerDecisionAttributes"."""
        return DECISIONS[self.type].member

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes, under Amazon's names."""
        found: dict[str, Any] = self[self.attributes_key]
        return found

    def update_attributes(self, attributes: dict[str, Any]) -> None:
        """Set attributes, by Amazon's names; None is left out. Raises InvalidDecisionError."""
        self._make(self.type, {**self.attributes, **attributes})

    def check(self) -> None:
        """Check the decision as engines do. Raises InvalidDecisionError."""
        row = DECISIONS.get(self.get("decisionType", ""))
        if row is not None and not row.bare and row.member not in self:
            raise InvalidDecisionError(f"the decision {row.name} lacks its {row.member}")
        try:
            CHECKS["RespondDecisionTaskCompleted"]({"taskToken": "token", "decisions": [dict(self)]})
        except Fault as fault:
            said = fault.message.replace(_WHERE, "")
            raise InvalidDecisionError(f"the decision {self.get('decisionType')} is none: {said}") from None

    def _make(self, type_: str, attributes: dict[str, Any]) -> None:
        """Be this decision. Where it would be none, nothing is changed."""
        made = Decision()
        dict.update(made, {"decisionType": type_, DECISIONS[type_].member: without_none(attributes)})
        made.check()
        self.clear()
        self.update(made)


def named(name: Any) -> dict[str, str] | None:
    """A task list, by its name."""
    return None if name is None else {"name": name}


def text(number: int | str | None) -> str | None:
    """A number of seconds or a priority, as text."""
    return None if number is None else str(number)


def type_of(model: Any) -> Any:
    """A type as decisions name it; a dict is taken as it is."""
    if hasattr(model, "name") and hasattr(model, "version"):
        return {"name": model.name, "version": model.version}
    return model
