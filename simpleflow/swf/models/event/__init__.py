"""Events of a run, typed; `compiler` tells which may follow which."""

from __future__ import annotations

from simpleflow.swf.models.event.base import (
    ActivityTaskEvent,
    ChildWorkflowExecutionEvent,
    DecisionTaskEvent,
    Event,
    EventFactory,
    ExternalWorkflowExecutionEvent,
    LambdaFunctionEvent,
    MarkerEvent,
    TimerEvent,
    WorkflowExecutionEvent,
)
from simpleflow.swf.models.event.compiler import CompiledEvent, CompiledEventFactory

__all__ = [
    "ActivityTaskEvent",
    "ChildWorkflowExecutionEvent",
    "CompiledEvent",
    "CompiledEventFactory",
    "DecisionTaskEvent",
    "Event",
    "EventFactory",
    "ExternalWorkflowExecutionEvent",
    "LambdaFunctionEvent",
    "MarkerEvent",
    "TimerEvent",
    "WorkflowExecutionEvent",
]
