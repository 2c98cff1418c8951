"""Large values in a decider: handed on unread, the same again when replayed, and nobody's fault when they are lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from test_determinism import decide, parked

from simpleflow import Workflow, activity
from simpleflow.config import Config
from simpleflow.decider import Decider
from simpleflow.decider.translate import same_call
from simpleflow.exceptions import PayloadUnreachable, TaskFailed
from simpleflow.payload import failures
from simpleflow.payload.codec import Codec
from simpleflow.payload.store import Payloads
from simpleflow.protocol.history import attributes
from world import TYPE, World

LARGE = "x" * 100_000


def make(name: str, **options: Any) -> activity.Activity[..., Any]:
    return activity.Activity(lambda *args: None, name=name, **options)


a, b, c = make("m.a"), make("m.b"), make("m.c")


class Counted(Payloads):
    """A store that counts what is read, and can be lost."""

    def __init__(self) -> None:
        super().__init__(["memory:"])
        self.read = 0
        self.lost = False

    def get(self, text: str) -> str:
        self.read += 1
        if self.lost:
            raise PayloadUnreachable(f"the payload {text} is lost")
        return super().get(text)

    def put(self, text: str) -> str:
        if self.lost:
            raise PayloadUnreachable("a payload cannot be put anywhere")
        return super().put(text)


def decider(world: World, run: Any, payloads: Payloads) -> Decider:
    kind = type("W", (Workflow,), {"run": run})
    made = Decider(world, "D", config=Config(), payloads=payloads)  # type: ignore[arg-type]
    made._classes = {(TYPE["name"], TYPE["version"]): kind}
    return made


def handing_on(self: Workflow) -> Any:
    first = self.submit(a)
    second = self.submit(b, [first], deep={"x": first})
    return self.submit(c, second, "literal" * 10_000)


def test_a_decider_never_reads_what_it_only_hands_on() -> None:
    world, payloads = World(None), Counted()
    codec = Codec(payloads=payloads)
    by = decider(world, handing_on, payloads)
    decide(world, by)
    world.finish("activity-m.a-1", "Completed", result=codec.freeze(LARGE, "it"))
    decide(world, by)
    assert len(world.inputs["activity-m.b-1"]) < 600
    assert codec.thaw_call(world.inputs["activity-m.b-1"]) == ([[LARGE]], {"deep": {"x": LARGE}})
    world.finish("activity-m.b-1", "Completed", result=codec.freeze([LARGE], "it"))
    read = payloads.read
    decide(world, decider(world, handing_on, payloads))  # the whole history, anew
    assert codec.payloads.read == read == 1 + 1  # type: ignore[attr-defined]
    assert len(world.inputs["activity-m.c-1"]) < 400
    assert json.loads(world.inputs["activity-m.c-1"])["__simpleflow"]["heartbeat"] == "60"
    assert codec.thaw_call(world.inputs["activity-m.c-1"]) == ([[LARGE], "literal" * 10_000], {})
    world.finish("activity-m.c-1", "Completed", result=codec.freeze(LARGE, "it"))
    decide(world, by)
    assert world.closed == "Completed"
    result = attributes(world.events[-1])["result"]
    assert result.startswith("simpleflow+memory://") and codec.thaw(result) == LARGE


def test_a_result_is_read_when_the_program_reads_it() -> None:
    def run(self: Workflow) -> Any:
        future = self.submit(a)
        other = self.submit(b, future)
        return [len(other.result), len(future.result)]

    world, payloads = World(None), Counted()
    by = decider(world, run, payloads)
    decide(world, by)
    world.finish("activity-m.a-1", "Completed", result=Codec(payloads=payloads).freeze(LARGE, "it"))
    decide(world, by)
    assert payloads.read == 0
    world.finish("activity-m.b-1", "Completed", result='"small"')
    decide(world, by)
    assert payloads.read == 1 and attributes(world.events[-1])["result"] == "[5,100000]"


def catching(self: Workflow) -> Any:
    future = self.submit(a)
    try:
        return len(future.result)
    except BaseException:
        return "caught"


def test_a_lost_payload_parks_the_run_and_no_code_sees_it() -> None:
    world, payloads = World(None), Counted()
    by = decider(world, catching, payloads)
    decide(world, by)
    reference = Codec(payloads=payloads).freeze(LARGE, "it")
    world.finish("activity-m.a-1", "Completed", result=reference)
    payloads.lost = True
    for times in (1, 2):
        answer = decide(world, by)
        assert parked(answer) == f"PayloadUnreachable: the payload {reference} is lost"
        assert json.loads(answer["executionContext"])["parked"]["times"] == times
        world.fire(next(iter(world.timers)))
    payloads.lost = False
    decide(world, by)
    assert world.closed == "Completed" and attributes(world.events[-1])["result"] == "100000"


@pytest.mark.parametrize("where", ["submit", "fill", "return", "input", "failure", "fast"])
def test_a_store_that_is_lost_parks_the_run_wherever_it_is_needed(where: str) -> None:
    fast = make("m.fast", raises_on_failure=True)

    def run(self: Workflow, value: Any = None) -> Any:
        try:
            if where == "submit":
                self.submit(b, LARGE)
            if where == "fast":
                self.submit(fast)
                return self.submit(a).result
            first = self.submit(a)
            self.submit(b, [first] * 20_000 if where == "fill" else 1)
            if where == "failure":
                return str(first.exception)
            first.wait()
        except Exception:
            return "caught"
        return [LARGE, value] if where == "return" else "done"

    payloads = Counted()
    codec = Codec(payloads=payloads)
    world = World(codec.freeze([LARGE], "it") if where == "input" else None)
    by = decider(world, run, payloads)
    payloads.lost = where in ("submit", "input")
    if not payloads.lost:
        decide(world, by)
        payloads.lost = True
        reason, details = failures.describe(ValueError(LARGE), codec.keep)
        if where in ("failure", "fast"):
            payloads.lost = False
            reason, details = failures.describe(ValueError(LARGE), codec.keep)
            payloads.lost = True
            failed = "activity-m.a-1" if where == "failure" else "activity-m.fast-1"
            world.finish(failed, "Failed", reason=reason, details=details)
        else:
            world.finish("activity-m.a-1", "Completed", result="1")
    assert "PayloadUnreachable: " in parked(decide(world, by))
    assert world.closed is None
    payloads.lost = False
    world.fire(next(iter(world.timers)))
    decide(world, decider(world, run, payloads))
    for id in list(world.open):
        world.finish(id, "Completed", result="1")
        if world.has_decision:
            decide(world, by)
    assert world.closed == "Completed"


def test_a_worker_that_cannot_read_its_values_costs_no_retry_and_the_run_waits() -> None:
    world, payloads = World(None), Counted()
    by = decider(world, handing_on, payloads)
    decide(world, by)
    reason = f"{failures.UNREACHABLE}: the payload simpleflow+file://abc 5 is not in /here"
    for times in range(1, 7):  # more often than a lost worker is forgiven
        world.finish("activity-m.a-1", "Failed", reason=reason, details="{}")
        answer = decide(world, by)
        assert parked(answer) == f"activity-m.a-1 cannot be run: {reason}"
        pause = answer["decisions"][0]["startTimerDecisionAttributes"]["startToFireTimeout"]
        assert int(pause) == 5 * 2 ** (times - 1)
        assert not world.open
        world.fire(next(iter(world.timers)))
        decide(world, by)
        assert list(world.open) == ["activity-m.a-1"]
    world.finish("activity-m.a-1", "Completed", result="1")
    decide(world, by)
    assert list(world.open) == ["activity-m.b-1"]


def test_the_same_number_is_the_same_call() -> None:
    assert same_call('{"args":[1e16],"kwargs":{}}', '{"args":[1e+16],"kwargs":{}}')
    assert not same_call('{"args":[1e16],"kwargs":{}}', '{"args":[1e+17],"kwargs":{}}')


def test_the_same_content_is_the_same_call_wherever_it_lies() -> None:
    name = "0" * 64
    ours = f'{{"args":[{{"__simpleflow_payload":"simpleflow+s3://bucket/dir/{name} 5"}}],"kwargs":{{}}}}'
    theirs = ours.replace("s3://bucket/dir/", "file://")
    assert same_call(ours, theirs) and same_call(ours, f'{theirs[:-1]},"__simpleflow":{{"attempt":1}}}}')
    assert not same_call(ours, theirs.replace(name, "1" * 64))
    old = ours.replace(f"dir/{name}", "dir/5e8b")
    assert not same_call(old, old.replace("bucket", "another")) and same_call(old, old)
    whole = f"simpleflow+s3://bucket/{name} 5"
    assert same_call(whole, f"simpleflow+file://{name} 5")
    assert not same_call(whole, f"simpleflow+file://{'1' * 64} 5") and not same_call(whole, '"x"')
    assert not same_call('"x"', whole)
    codec = Codec()
    assert codec.fingerprint(ours) == codec.fingerprint(theirs) != codec.fingerprint(theirs.replace(name, "1" * 64))


def test_idempotent_calls_that_are_large_merge_whatever_the_order_of_their_keys() -> None:
    once = make("m.once", idempotent=True)

    def run(self: Workflow) -> Any:
        first = self.submit(a)
        one, two = {"x": LARGE, "y": 1}, {"y": 1, "x": LARGE}
        same = [self.submit(once, one), self.submit(once, two), self.submit(once, first), self.submit(once, [first])]
        return [future.result for future in same]

    world, payloads = World(None), Counted()
    by = decider(world, run, payloads)
    decide(world, by)
    assert sorted(id.rpartition("-")[0] for id in world.open) == ["activity-m.a", "activity-m.once"]
    read = payloads.read
    world.finish("activity-m.a-1", "Completed", result=Codec(payloads=payloads).freeze(LARGE, "it"))
    decide(world, by)
    assert len(world.open) == 3 and payloads.read == read, "what is handed on stays unread"
    for id in list(world.open):
        world.finish(id, "Completed", result=f'"{id}"')
        decide(world, by)
    one, two, three, four = json.loads(attributes(world.events[-1])["result"])
    assert one == two and len({one, three, four}) == 3


def test_a_run_fails_with_all_that_its_task_said() -> None:
    def run(self: Workflow) -> Any:
        return self.submit(a).result

    world, payloads = World(None), Counted()
    codec = Codec(payloads=payloads)
    by = decider(world, run, payloads)
    decide(world, by)
    reason, details = failures.describe(ValueError(LARGE), codec.keep)
    world.finish("activity-m.a-1", "Failed", reason=reason, details=details)
    decide(world, by)
    assert world.closed == "Failed"
    closing = attributes(world.events[-1])
    assert closing["details"] == details and "ValueError: xxx" in closing["reason"]


def test_without_a_store_what_is_too_large_fails_as_ever_and_says_what_to_set() -> None:
    def run(self: Workflow) -> Any:
        with pytest.raises(TaskFailed, match="SIMPLEFLOW_PAYLOAD_STORE"):
            self.submit(c, [self.submit(a)] * 20_000).result
        self.submit(b, LARGE)

    world = World(None)
    by = decider(world, run, Payloads())
    decide(world, by)
    world.finish("activity-m.a-1", "Completed", result='"small"')
    decide(world, by)
    assert world.closed == "Failed"
    assert attributes(world.events[-1])["reason"].startswith("PayloadTooLarge: the input of m.b is 100,")
    assert "SIMPLEFLOW_PAYLOAD_STORE=s3://BUCKET or file:DIRECTORY" in attributes(world.events[-1])["details"]


def test_the_key_of_a_reference_is_nobodys_own() -> None:
    def run(self: Workflow) -> Any:
        return self.submit(a, {"x": [{"__simpleflow_payload": "simpleflow+s3://their/secret 5"}]}).result

    world = World(None)
    decide(world, decider(world, run, Payloads()))
    assert world.closed == "Failed"
    assert "the key __simpleflow_payload is simpleflow's own" in attributes(world.events[-1])["reason"]
    text = 'words "__simpleflow_payload": of nobody'
    assert Codec().thaw(Codec().freeze([text, {text: 1}], "it")) == [text, {text: 1}]
