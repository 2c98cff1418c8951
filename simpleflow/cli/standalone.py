"""The command `standalone`: one run, with all the processes that it needs, from start to result."""

from __future__ import annotations

import shlex
from dataclasses import fields

import click

from simpleflow import config
from simpleflow.cli import options
from simpleflow.cli.app import INTERRUPTED, Globals
from simpleflow.cli.progress import Progress
from simpleflow.cli.repair import FormerRun, force_activities, repaired
from simpleflow.cli.workflow import report_failure
from simpleflow.clients import SWFClient
from simpleflow.decider import load_workflow
from simpleflow.exceptions import WorkflowFailed
from simpleflow.observe import configure_logging
from simpleflow.payload.codec import Codec
from simpleflow.payload.notes import Notes
from simpleflow.protocol.faults import code_of
from simpleflow.runtime import runs
from simpleflow.runtime import standalone as alone
from simpleflow.runtime.poll import Stop
from simpleflow.runtime.repair import previous
from simpleflow.runtime.start import StartOptions, codec_of
from simpleflow.runtime.streams import hold_nobody_up
from simpleflow.runtime.supervise import Spec, Work
from simpleflow.runtime.telling import overview
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
    watch = runs.Watch(client, place.run)
    try:
        closed = _work(watch, place, crew, stop, display_status)
    except Exception as error:
        if watch.closing is None and code_of(error) != "UnknownResourceFault":  # else there is no run
            _interrupted(common, place, workflow, words)
        raise
    return _outcome(watch, codec_of(url)) if closed else _interrupted(common, place, workflow, words)


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
        place = alone.begin_repair(previous(client, domain, *former), workflow, how, call, force)
    elif run.workflow_id and (found := alone.attach(client, domain, run.workflow_id, workflow)):
        ignored = ", its own input stands" if run.input or run.input_file else ""
        place, going_on = found, f"\n{run.workflow_id} is open: going on with it{ignored}"
    else:
        place = alone.begin(workflow, *run.call_of(workflow), how)
    click.echo(f"engine: {how.engine}{going_on}", err=True)
    return place


def _work(watch: runs.Watch, place: alone.Place, crew: alone.Crew, stop: Stop, shown: bool | None) -> bool:
    """Work on the run until it closes or we are told to stop; whether it closed."""
    told: set[str] = set()
    notes = Notes(config.load().payload_stores(crew.engine))
    with Progress(shown) as progress:

        def saw(watch: runs.Watch) -> None:
            progress.show(watch, lambda: overview(notes, watch.run.run_id, watch.attempts))
            if watch.parked and watch.parked not in told:
                told.add(watch.parked)
                click.echo(f"the run waits: {watch.parked}", err=True)

        return alone.drive(watch, place, crew, stop, saw)


def _outcome(watch: runs.Watch, codec: Codec) -> int:
    """Tell how the run ended; the exit code."""
    assert watch.closing is not None
    try:
        result = runs.result_of(watch.run, watch.closing, codec)
    except WorkflowFailed as failure:
        return report_failure(failure)
    click.echo(f"result: {options.brief(result)}", err=True)
    return 0


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
