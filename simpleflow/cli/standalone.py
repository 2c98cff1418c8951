"""The command `standalone`: one run, with all the processes that it needs, from start to result."""

from __future__ import annotations

import shlex
from dataclasses import fields

import click

from simpleflow import config
from simpleflow.cli import options, output
from simpleflow.cli.app import INTERRUPTED, Globals
from simpleflow.cli.finding import Named, find
from simpleflow.cli.following import View, printing
from simpleflow.cli.outcome import report_outcome
from simpleflow.cli.progress import Progress
from simpleflow.cli.repair import FormerRun, force_activities, repaired
from simpleflow.clients import SWFClient
from simpleflow.decider import load_workflow
from simpleflow.observe import configure_logging
from simpleflow.payload.notes import Notes
from simpleflow.protocol.faults import code_of
from simpleflow.runtime import standalone as alone
from simpleflow.runtime.repair import previous
from simpleflow.runtime.spec import Spec, Work
from simpleflow.runtime.start import StartOptions
from simpleflow.runtime.stop import Stop
from simpleflow.runtime.streams import hold_nobody_up
from simpleflow.runtime.watching import Watch, pace
from simpleflow.workflow import Workflow


@click.command("standalone")
@click.argument("workflow", metavar="MODULE.CLASS")
@options.domain(required=True)
@options.run_options
@click.option("-D", "--nb-deciders", type=click.IntRange(1), default=1, show_default=True, help="Decider processes.")
@click.option("-W", "--nb-workers", type=click.IntRange(1), help="Worker processes. Default: one for each CPU.")
@options.deciding_options
@options.heartbeat
@options.grace
@options.work_options
@options.lambdas
@click.option(
    "--display-status",
    type=bool,
    help="true: also print the status where there is no terminal; false: no line on a terminal either.",
)
@click.option("-f", "--follow", is_flag=True, help="Show in full what it does: task types, running tasks, timers.")
@repaired
@force_activities
@click.pass_obj
def standalone(
    common: Globals,
    workflow: str,
    domain: str,
    run: options.RunOptions,
    nb_deciders: int,
    nb_workers: int | None,
    deciding: options.DecidingOptions,
    heartbeat: int | None,
    grace: float,
    lambdas: dict[str, str],
    display_status: bool | None,
    follow: bool,
    work: Work,
    repair: FormerRun | None,
    force_activities: str | None,
) -> int:
    """Run MODULE.CLASS to its end, with deciders and workers of its own.

    With the --workflow-id of a run that is open, go on with that one.
    """
    if force_activities and not repair:
        raise click.UsageError("--force-activities goes with --repair: without it all activities run anyway.")
    hold_nobody_up("stderr")
    configure_logging(config.load().log_level, "standalone")
    loaded = load_workflow(workflow)
    url = options.engine_url(common)
    functions = options.lambdas_of(url, lambdas)
    client = options.open_engine(url)
    words = options.retyped(click.get_current_context(), "lambdas", *(field.name for field in fields(Work)))
    number = nb_workers or alone.processors()
    lambda_spec = Spec("lambda-worker", url, domain, lambdas=functions, grace=grace)
    lambda_workers = alone.lambda_workers(client, lambda_spec, number)
    deciders = alone.Deciders(nb_deciders, deciding.of(nb_deciders))
    crew = alone.Crew(url, workflow, deciders, number, heartbeat, grace, lambda_workers, work)
    stop = Stop(grace).listen()  # from here on a run may be open: Ctrl-C ends us in order
    place = _place(client, loaded, domain, run, run.start(url, domain), repair, force_activities)
    options.tell(f"{place.run.workflow_id} {place.run.run_id}")
    watch = Watch(client, place.run, every=pace(url))
    try:
        closed = _work(common, watch, place, crew, stop, display_status, follow)
    except Exception as error:
        if watch.closing is None and code_of(error) != "UnknownResourceFault":  # else there is no run
            _interrupted(common, place, workflow, words)
        raise
    if not closed or watch.closing is None:
        return _interrupted(common, place, workflow, words)
    return report_outcome(watch.run, watch.closing, url)


def _place(
    client: SWFClient,
    workflow: type[Workflow],
    domain: str,
    run: options.RunOptions,
    how: StartOptions,
    former: FormerRun | None,
    force: str | None,
) -> alone.Place:
    """The run: one that repairs, else the open one of its id, else a new one; says which engine it is on."""
    going_on = ""
    if former:
        call = run.call_of(workflow) if run.has_input else None
        found = find(client, Named(domain, *former))
        repaired = previous(client, domain, found.workflow_id, found.run_id)
        place = alone.begin_repair(repaired, workflow, how, call, force)
    elif run.workflow_id and (open_one := alone.attach(client, domain, run.workflow_id, workflow)):
        ignored = ", its own input stands" if run.input or run.input_file else ""
        place, going_on = open_one, f"\n{run.workflow_id} is open: going on with it{ignored}"
    else:
        place = alone.begin(workflow, *run.call_of(workflow), how)
    click.echo(f"engine: {how.engine}{going_on}", err=True)
    return place


def _work(
    common: Globals,
    watch: Watch,
    place: alone.Place,
    crew: alone.Crew,
    stop: Stop,
    shown: bool | None,
    in_full: bool,
) -> bool:
    """Work on the run until it closes or we are told to stop; whether it closed."""
    told: set[str] = set()
    view = View(Notes(config.load().payload_stores(crew.engine)), in_full)
    with Progress(shown, in_full and output.coloured(common)) as progress:
        if in_full and not progress.shown:
            watch.changed = printing(common, err=True)

        def saw(watch: Watch) -> None:
            columns, rows = progress.size()
            progress.show(view.lines(watch, columns, max(1, rows * 2 // 3)) if progress.shown else ())
            if watch.parked and watch.parked not in told:
                told.add(watch.parked)
                click.echo(f"the run waits: {watch.parked}", err=True)

        return alone.drive(watch, place, crew, stop, saw)


def _interrupted(common: Globals, place: alone.Place, workflow: str, words: list[str]) -> int:
    """Tell how to go on, with these words beside; the exit code."""
    run = place.run
    engine = ["--engine", common.engine] if common.engine else []

    def typed(*words: str) -> str:
        return "  " + shlex.join(["simpleflow", *engine, *words])

    lines = [
        f"{run.workflow_id} is still open. To go on with it:",
        typed("standalone", "--domain", run.domain, *words, "--workflow-id", run.workflow_id, workflow),
        "or:",
        typed("decider.start", "--domain", run.domain, "--task-list", place.task_list, workflow),
        *(
            typed("worker.start", "--domain", run.domain, *words, "--task-list", name)
            for name in place.activity_lists
        ),
    ]
    click.echo("\n".join(lines), err=True)
    return INTERRUPTED
