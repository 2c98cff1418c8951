"""What an engine is told when it is opened: quotas, rules of refusal, Lambda functions, rates.

Nothing of it is kept in the file: processes that share one should be told the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from simpleflow.protocol.decisions import DECISIONS
from simpleflow.protocol.limits import AWS_LIMITS, Limits, Rate
from simpleflow.protocol.operations import ALL_OPERATIONS

#: With what a decision is refused whose failures know no OPERATION_NOT_PERMITTED.
_WITHOUT_PERMISSION = {"ScheduleLambdaFunction": "LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION"}


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of an engine.

    `deny` names operations and decisions that are refused: as not permitted, or, where it is a mapping, with the
    fault or cause that it gives ("" for not permitted). `lambdas` maps names of Lambda functions to callables,
    "module:function". With `lambda_role_required` a Lambda function of an execution that was started without
    lambdaRole fails to start, as on Amazon. `rates` throttles this engine object (`simpleflow.protocol.limits` has
    Amazon's); there are none otherwise.

    Raises ValueError for names that are no operation or decision, and for refusals that they do not know.
    """

    limits: Limits = AWS_LIMITS
    deny: Collection[str] | Mapping[str, str] = ()
    lambdas: Mapping[str, str] = field(default_factory=dict)
    lambda_role_required: bool = False
    rates: Mapping[str, Rate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = self.deny if isinstance(self.deny, Mapping) else dict.fromkeys(self.deny, "")
        object.__setattr__(self, "deny", {name: _refusal(name, what) for name, what in given.items()})
        for name in self.rates:
            _known(name)

    def refusal(self, name: str) -> str | None:
        """With what an operation or a decision is refused; None if it is not."""
        assert isinstance(self.deny, dict)
        return self.deny.get(name)


def _known(name: str) -> tuple[str, ...]:
    """The refusals that an operation or a decision knows. Raises ValueError if it is neither."""
    if name in DECISIONS:
        return DECISIONS[name].causes
    if name in ALL_OPERATIONS:
        return ALL_OPERATIONS[name].faults
    raise ValueError(f"{name!r} is neither an operation nor a decision of Amazon SWF")


def _refusal(name: str, what: str) -> str:
    known = _known(name)
    if not what:
        permission = "OPERATION_NOT_PERMITTED" if name in DECISIONS else "OperationNotPermittedFault"
        what = _WITHOUT_PERMISSION.get(name, permission)
    if what not in known:
        raise ValueError(f"{name} is never refused with {what!r}; there are {', '.join(known)}")
    return what
