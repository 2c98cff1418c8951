"""What the ids that a user types stand for; where there is no such thing, which one is near."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import click

from simpleflow.cli import options
from simpleflow.clients import SWFClient
from simpleflow.protocol.faults import code_of, message_of
from simpleflow.runtime import runs
from simpleflow.swf.exceptions import DomainDoesNotExist

if TYPE_CHECKING:
    from simpleflow.swf.models import WorkflowExecution

LOOKED_THROUGH: Final = 1000
"""The most things that are listed for a hint: one page."""


@dataclass(frozen=True, slots=True)
class Named:
    """The arguments DOMAIN WORKFLOW_ID [RUN_ID]."""

    domain: str
    workflow_id: str
    run_id: str | None

    @property
    def execution(self) -> dict[str, str]:
        """The same in the words of operations on an open run."""
        given = {"domain": self.domain, "workflowId": self.workflow_id, "runId": self.run_id}
        return {key: value for key, value in given.items() if value}


def _unquoted(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    return unquote(value) if value and "%" in value else value  # as in the addresses of Amazon's console


run_arguments = options.gathered(
    Named,
    "named",
    (
        click.argument("domain"),
        click.argument("workflow_id"),
        click.argument("run_id", required=False, callback=_unquoted),
    ),
)
"""The arguments of a command on one run."""


def near(typed: str, names: Iterable[str]) -> str:
    """A hint to put behind an error: the name that is nearest to what was typed, if one is near.

    >>> near("incremnt-1", ["increment-1", "double-1"])
    '. Did you mean increment-1?'
    """
    known = list(dict.fromkeys(names))
    folded = {name.casefold(): name for name in reversed(known)}
    found = difflib.get_close_matches(typed, known, 1)
    found = found or [folded[name] for name in difflib.get_close_matches(typed.casefold(), folded, 1)]
    return f". Did you mean {found[0]}?" if found else ""


def find(client: SWFClient, named: Named) -> runs.Run:
    """The run; without a run id the open one, else the newest closed one. Raises NoSuchRun, with a hint."""
    with known_domain(client, named.domain):
        try:
            run = runs.find(client, named.domain, named.workflow_id, named.run_id)
            if named.run_id:
                runs.describe(client, run)
            return run
        except runs.NoSuchRun as error:
            raise runs.NoSuchRun(f"{error}{_near_run(client, named)}") from None


def _near_run(client: SWFClient, named: Named) -> str:
    """A hint: the run of this id that is near, else the id."""
    known = list(_recent(client, named.domain))
    if named.run_id:
        own = [str(run.run_id) for run in known if run.workflow_id == named.workflow_id]
        if own:
            return near(named.run_id, own) or f": the newest one is {own[0]}"
    hint = near(named.workflow_id, (run.workflow_id for run in known))
    return hint or f": see `simpleflow workflow.list {named.domain}`, perhaps with --status closed"


def _recent(client: SWFClient, domain: str) -> Iterator[WorkflowExecution]:
    from simpleflow.swf.models import Domain  # which commands that find what they are told do not need
    from simpleflow.swf.querysets import WorkflowExecutionQuerySet

    known = WorkflowExecutionQuerySet(Domain(domain, connection=client))
    for status in ("OPEN", "CLOSED"):
        yield from islice(known.filter(status).iterator(), LOOKED_THROUGH)


@contextmanager
def known_domain(client: SWFClient, domain: str) -> Iterator[None]:
    """Where the engine does not know the domain, and knows one whose name is near, say so."""
    try:
        yield
    except Exception as error:
        fault = error.__cause__ if isinstance(error, DomainDoesNotExist) else error
        if not isinstance(fault, Exception) or not _is_unknown(fault, "Unknown domain"):
            raise
        known = client.list_domains(registrationStatus="REGISTERED")["domainInfos"]
        hint = near(domain, (info["name"] for info in known))
        if not hint:
            raise fault from None
        raise click.ClickException(f"the engine knows no domain {domain}{hint}") from error


def on_open_run(client: SWFClient, named: Named, operation: Callable[..., object], **request: Any) -> None:
    """Call an operation on the open run; says what to do where there is none."""
    try:
        with known_domain(client, named.domain):
            operation(**named.execution, **request)
    except Exception as error:
        if not _is_unknown(error, "Unknown execution"):
            raise
        find(client, named)  # says so if there is no such run at all
        raise click.ClickException(
            f"the domain {named.domain} has no open run of {named.workflow_id}: see "
            f"`simpleflow workflow.list {named.domain}`"
        ) from error


def _is_unknown(error: Exception, what: str) -> bool:
    return code_of(error) == "UnknownResourceFault" and message_of(error).startswith(what)
