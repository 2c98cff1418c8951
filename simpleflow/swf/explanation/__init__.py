"""Why a run failed, or why it waits: what its history tells, and a few questions to the engine, in sentences.

Each reason is one thing, with what to type about it where that is known. What is asked of the engine is given from
outside (`Look`), so that this must not know how an engine is reached, nor how reasons are shown.
"""

from __future__ import annotations

from simpleflow.swf.explanation import closed, waits
from simpleflow.swf.explanation.reasons import Look as Look
from simpleflow.swf.explanation.reasons import Named as Named
from simpleflow.swf.explanation.reasons import Reason as Reason
from simpleflow.swf.models.history import History


def explain(history: History, run: Named, look: Look) -> list[Reason]:
    """Why a closed run has closed as it did; of an open one, everything that it waits for, most urgent first."""
    return list((closed if history.finished else waits).reasons(history, run, look))
