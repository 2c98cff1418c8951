"""The command on a task list: tasklist.info."""

from __future__ import annotations

import click

from simpleflow.cli import options, output
from simpleflow.cli.app import Globals
from simpleflow.cli.finding import known_domain
from simpleflow.swf.models import Domain


@click.command("tasklist.info", cls=options.DomainFirst)
@click.argument("domain")
@click.argument("task_list")
@click.pass_obj
def tasklist_info(common: Globals, domain: str, task_list: str) -> None:
    """Count the decisions and the activities that wait in TASK_LIST for somebody to poll it.

    A list is there once it is named: one that nothing waits in shows zeros.
    """
    client = options.open_engine(options.engine_url(common), reading=True)
    found = Domain(domain, connection=client)
    with known_domain(client, domain):
        row = (task_list, found.pending_decisions(task_list), found.pending_activities(task_list))
    output.show(common, ("Task List", "Pending Decisions", "Pending Activities"), [row], one=True)
