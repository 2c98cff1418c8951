"""The object layer: Amazon SWF for people who script with it.

    from simpleflow.swf.models import Domain
    from simpleflow.swf.querysets import WorkflowExecutionQuerySet

    for execution in WorkflowExecutionQuerySet(Domain("TestDomain")).filter(close_status="FAILED", close_oldest_date=7):
        print(execution.workflow_id, execution.history().last)

- `models`: domains, types, runs, deciders, as frozen values; events, histories and decisions.
- `querysets`: lazy, paged and chainable queries for them.
- `actors`: what deciders and activity workers in a style of one's own inherit from.
- `report`, `stats`: rows and timings of runs, as plain values.

Every class takes a `connection`: an engine's URL, an object with boto3's methods, or nothing for the configured engine
(`simpleflow.swf.core`). This room must not know how an engine or a decider works: it talks to the client alone, and
reads histories by `simpleflow.protocol`.
"""

from simpleflow.swf import task as task
