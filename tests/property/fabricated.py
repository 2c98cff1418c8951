"""Histories as Amazon SWF could have written them, made of random choices; and the state that each thing is in.

Written apart from the object layer's builder and from the engine: it knows just the rules by which events follow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Choose = Callable[[list[Any]], Any]

TYPE = {"name": "t", "version": "1"}
LIST = {"name": "list"}


class Fabricated:
    """One run. `choose` picks one of several; each `step` is something that happens."""

    def __init__(self, choose: Choose) -> None:
        self.choose = choose
        self.events: list[dict[str, Any]] = []
        self.states: dict[tuple[str, Any], str] = {}  # (type, activity's id or opening event) -> state
        self.waiting = self.working = self.scheduled = self.decided = 0
        self.closed = False
        self.open: dict[tuple[str, Any], dict[str, Any]] = {}
        started = self.add("WorkflowExecutionStarted", childPolicy="TERMINATE", taskList=LIST, workflowType=TYPE)
        self.states["WorkflowExecution", started] = "started"
        self.need_decision()

    def add(self, kind: str, /, **attributes: Any) -> int:
        number = len(self.events) + 1
        member = f"{kind[0].lower()}{kind[1:]}EventAttributes"
        self.events.append(
            {"eventId": number, "eventTimestamp": 1000.0 + number, "eventType": kind, member: attributes}
        )
        return number

    def need_decision(self) -> None:
        if not self.waiting:
            self.waiting = self.add("DecisionTaskScheduled", taskList=LIST)
            self.states["DecisionTask", self.waiting] = "scheduled"

    # What can happen

    def step(self) -> None:
        moves: list[Callable[[], None]] = [self.signal, self.ask_to_cancel]
        if self.waiting and not self.working:
            moves += [self.take_decision] * 3
        if self.working:
            moves += [self.decide] * 4 + [self.lose_decision]
        moves += [self.go_on] * min(4, len(self.open))
        self.choose(moves)()

    def signal(self) -> None:
        self.add("WorkflowExecutionSignaled", signalName="s", externalInitiatedEventId=0)
        self.need_decision()

    def ask_to_cancel(self) -> None:
        self.add("WorkflowExecutionCancelRequested", externalInitiatedEventId=0)
        self.need_decision()

    def take_decision(self) -> None:
        self.scheduled, self.waiting = self.waiting, 0
        self.working = self.add("DecisionTaskStarted", scheduledEventId=self.scheduled)
        self.states["DecisionTask", self.scheduled] = "started"

    def lose_decision(self) -> None:
        self.end_decision("DecisionTaskTimedOut", timeoutType="START_TO_CLOSE")
        self.need_decision()

    def end_decision(self, kind: str, **attributes: Any) -> int:
        ended = self.add(kind, scheduledEventId=self.scheduled, startedEventId=self.working, **attributes)
        self.states["DecisionTask", self.scheduled] = "completed" if kind.endswith("Completed") else "timed_out"
        self.working = self.scheduled = 0
        return ended

    def decide(self) -> None:
        self.decided = self.end_decision("DecisionTaskCompleted")
        decisions = [self.schedule, self.cancel_activity, self.timer, self.cancel_timer, self.marker]
        decisions += [self.child, self.function, self.tell_other]
        for _ in range(self.choose([0, 1, 2, 3])):
            self.choose(decisions)()

    # Decisions

    def refused(self, kind: str, /, **attributes: Any) -> None:
        self.add(kind, **attributes, decisionTaskCompletedEventId=self.decided)
        self.need_decision()

    def accepted(self, kind: str, type_: str, name: Any, state: str, /, **attributes: Any) -> None:
        number = self.add(kind, **attributes, decisionTaskCompletedEventId=self.decided)
        key = type_, number if name is None else name
        self.open[key] = {"opened": number, "started": 0, "cancels": []}
        self.states[key] = state

    def schedule(self) -> None:
        name = self.choose(["a", "b", "c"])
        given = {"activityId": name, "activityType": TYPE}
        if ("ActivityTask", name) in self.open:
            self.refused("ScheduleActivityTaskFailed", **given, cause="ACTIVITY_ID_ALREADY_IN_USE")
        else:
            self.accepted("ActivityTaskScheduled", "ActivityTask", name, "scheduled", **given, taskList=LIST)

    def cancel_activity(self) -> None:
        name = self.choose(["a", "b", "c"])
        task = self.open.get(("ActivityTask", name))
        if task is None:
            self.refused("RequestCancelActivityTaskFailed", activityId=name, cause="ACTIVITY_ID_UNKNOWN")
            self.states.setdefault(("ActivityTask", name), "request_cancel_failed")
            return
        given = {"activityId": name, "decisionTaskCompletedEventId": self.decided}
        request = self.add("ActivityTaskCancelRequested", **given)
        self.states["ActivityTask", name] = "cancel_requested"
        task["cancels"].append(request)
        if not task["started"]:
            self.end(("ActivityTask", name), "ActivityTaskCanceled", "canceled", latestCancelRequestedEventId=request)

    def timer(self) -> None:
        name = self.choose(["t", "u"])
        if ("Timer", name) in self.open:
            self.refused("StartTimerFailed", timerId=name, cause="TIMER_ID_ALREADY_IN_USE")
        else:
            self.accepted("TimerStarted", "Timer", name, "started", timerId=name, startToFireTimeout="1")

    def cancel_timer(self) -> None:
        name = self.choose(["t", "u"])
        task = self.open.pop(("Timer", name), None)
        if task is None:
            self.refused("CancelTimerFailed", timerId=name, cause="TIMER_ID_UNKNOWN")
            self.states.setdefault(("Timer", name), "cancel_failed")
            return
        given = {"timerId": name, "startedEventId": task["opened"]}
        self.add("TimerCanceled", **given, decisionTaskCompletedEventId=self.decided)
        self.states["Timer", name] = "canceled"

    def marker(self) -> None:
        self.add("MarkerRecorded", markerName="m", decisionTaskCompletedEventId=self.decided)
        self.states["Marker", "m"] = "recorded"

    def child(self) -> None:
        given = {"workflowId": self.choose(["v", "w"]), "workflowType": TYPE}
        if self.choose([True, True, False]):
            kind = "StartChildWorkflowExecutionInitiated"
            options = {"childPolicy": "TERMINATE", "taskList": LIST}
            self.accepted(kind, "ChildWorkflowExecution", None, "start_initiated", **given, **options)
            return
        why = {"cause": "WORKFLOW_TYPE_DEPRECATED", "initiatedEventId": 0}
        self.refused("StartChildWorkflowExecutionFailed", **given, **why)
        self.states["ChildWorkflowExecution", self.last("StartChildWorkflowExecutionFailed")] = "start_failed"

    def function(self) -> None:
        name = self.choose(["f", "g"])
        given = {"id": name, "name": "function"}
        if ("LambdaFunction", name) in self.open:
            self.refused("ScheduleLambdaFunctionFailed", **given, cause="ID_ALREADY_IN_USE")
        else:
            self.accepted("LambdaFunctionScheduled", "LambdaFunction", name, "scheduled", **given)

    def tell_other(self) -> None:
        type_ = "ExternalWorkflowExecution"
        if self.choose([True, False]):
            kind, state = "SignalExternalWorkflowExecutionInitiated", "signal_execution_initiated"
            self.accepted(kind, type_, None, state, workflowId="o", signalName="s")
        else:
            kind, state = "RequestCancelExternalWorkflowExecutionInitiated", "request_cancel_execution_initiated"
            self.accepted(kind, type_, None, state, workflowId="o")

    def last(self, kind: str) -> int:
        return max(int(event["eventId"]) for event in self.events if event["eventType"] == kind)

    # The world

    def go_on(self) -> None:
        key = self.choose(sorted(self.open, key=str))
        {
            "ActivityTask": self.activity_goes_on,
            "Timer": self.fire,
            "ChildWorkflowExecution": self.child_goes_on,
            "LambdaFunction": self.function_goes_on,
            "ExternalWorkflowExecution": self.other_answers,
        }[key[0]](key)

    def start(self, key: tuple[str, Any], kind: str, **attributes: Any) -> None:
        self.open[key]["started"] = self.add(kind, **attributes)
        self.states[key] = "started"

    def end(self, key: tuple[str, Any], kind: str, state: str, **attributes: Any) -> None:
        task = self.open.pop(key)
        self.add(kind, scheduledEventId=task["opened"], startedEventId=task["started"], **attributes)
        self.states[key] = state
        self.need_decision()

    def activity_goes_on(self, key: tuple[str, Any]) -> None:
        task = self.open[key]
        how = self.choose(["Completed", "Failed", "TimedOut", "Canceled"])
        if not task["started"] and how != "TimedOut":
            self.start(key, "ActivityTaskStarted", scheduledEventId=task["opened"])
            return
        told: dict[str, Any] = {"timeoutType": "SCHEDULE_TO_CLOSE"} if how == "TimedOut" else {}
        if how == "Canceled" and task["cancels"]:
            told["latestCancelRequestedEventId"] = self.choose(task["cancels"])
        state = {"TimedOut": "timed_out"}.get(how, how.lower())
        self.end(key, f"ActivityTask{how}", state, **told)

    def fire(self, key: tuple[str, Any]) -> None:
        self.add("TimerFired", timerId=key[1], startedEventId=self.open.pop(key)["opened"])
        self.states[key] = "fired"
        self.need_decision()

    def child_goes_on(self, key: tuple[str, Any]) -> None:
        task = self.open[key]
        opening = self.events[task["opened"] - 1]["startChildWorkflowExecutionInitiatedEventAttributes"]
        named = {"initiatedEventId": task["opened"], "workflowType": TYPE}
        who = {"workflowExecution": {"workflowId": opening["workflowId"], "runId": "r"}}
        if task["started"]:
            how = self.choose(["Completed", "Failed", "TimedOut", "Canceled", "Terminated"])
            told = {"timeoutType": "START_TO_CLOSE"} if how == "TimedOut" else {}
            self.add(f"ChildWorkflowExecution{how}", **named, **who, startedEventId=task["started"], **told)
            self.states[key] = {"TimedOut": "timed_out"}.get(how, how.lower())
            del self.open[key]
        elif self.choose([True, True, False]):
            self.start(key, "ChildWorkflowExecutionStarted", **named, **who)
        else:
            decided = opening["decisionTaskCompletedEventId"]
            why = {"cause": "WORKFLOW_ALREADY_RUNNING", "decisionTaskCompletedEventId": decided}
            self.add("StartChildWorkflowExecutionFailed", **named, **why, workflowId=opening["workflowId"])
            self.states[key] = "start_failed"
            del self.open[key]
        self.need_decision()

    def function_goes_on(self, key: tuple[str, Any]) -> None:
        task = self.open[key]
        if task["started"]:
            how = self.choose(["Completed", "Failed", "TimedOut"])
            self.end(key, f"LambdaFunction{how}", {"TimedOut": "timed_out"}.get(how, how.lower()))
        elif self.choose([True, True, False]):
            self.start(key, "LambdaFunctionStarted", scheduledEventId=task["opened"])
        else:
            self.add("StartLambdaFunctionFailed", scheduledEventId=task["opened"], cause="ASSUME_ROLE_FAILED")
            self.states[key] = "start_failed"
            del self.open[key]
            self.need_decision()

    def other_answers(self, key: tuple[str, Any]) -> None:
        initiated = self.open.pop(key)["opened"]
        signals = self.states[key] == "signal_execution_initiated"
        if self.choose([True, False]):
            kind = "ExternalWorkflowExecutionSignaled" if signals else "ExternalWorkflowExecutionCancelRequested"
            self.add(kind, workflowExecution={"workflowId": "o", "runId": "r"}, initiatedEventId=initiated)
            self.states[key] = "execution_signaled" if signals else "execution_cancel_requested"
        else:
            what = "Signal" if signals else "RequestCancel"
            opening = next(iter(self.events[initiated - 1][k] for k in self.events[initiated - 1] if k.endswith("tes")))
            decided = opening["decisionTaskCompletedEventId"]
            why = {"cause": "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION", "decisionTaskCompletedEventId": decided}
            kind = f"{what}ExternalWorkflowExecutionFailed"
            self.add(kind, workflowId="o", initiatedEventId=initiated, **why)
            self.states[key] = "signal_execution_failed" if signals else "request_cancel_execution_failed"
        self.need_decision()

    def close(self) -> None:
        if self.working and not self.waiting:
            self.decided = self.end_decision("DecisionTaskCompleted")
            self.add("WorkflowExecutionCompleted", decisionTaskCompletedEventId=self.decided)
            self.states["WorkflowExecution", 1] = "completed"
        elif self.working:
            self.decided = self.end_decision("DecisionTaskCompleted")
            given = {"cause": "UNHANDLED_DECISION", "decisionTaskCompletedEventId": self.decided}
            self.add("CompleteWorkflowExecutionFailed", **given)
            return
        else:
            self.add("WorkflowExecutionTerminated", childPolicy="TERMINATE")
            self.states["WorkflowExecution", 1] = "terminated"
        self.closed = True
