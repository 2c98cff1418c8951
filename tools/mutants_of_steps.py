"""What was tried of steps and of large values, to see a test notice."""

from __future__ import annotations

STEP, MIXIN = "simpleflow/step/submittable.py", "simpleflow/step/workflow.py"
LIVED = "tests/unit/decider/test_steps_lived.py"
SHELF, SERVER = "simpleflow/payload/shelf.py", "simpleflow/payload/server.py"
SERVED = "tests/acceptance/test_server_payloads.py"
CODEC = "simpleflow/payload/codec.py"

MUTANTS = [
    ("a-step-is-not-marked", STEP, "            workflow._mark_step_done(self.step_name),\n", "", LIVED),
    (
        "a-step-is-marked-before-it-has-run",
        STEP,
        "            self.activities,\n            workflow._mark_step_done(self.step_name),\n",
        "            workflow._mark_step_done(self.step_name),\n            self.activities,\n",
        LIVED,
    ),
    (
        "a-step-that-is-left-out-says-nothing",
        STEP,
        "        if self.emit_signal:",
        "        if self.emit_signal and not done:",
        LIVED,
    ),
    (
        "a-step-forces-itself-first",
        STEP,
        "if utils.step_will_run(",
        "workflow.add_forced_steps(self.force_steps_if_executed)\n        if utils.step_will_run(",
        LIVED,
    ),
    (
        "a-step-takes-nothing",
        STEP,
        "twin.activities = self.activities.with_argument(argument)",
        "twin.activities = self.activities",
        LIVED,
    ),
    ("a-step-always-bubbles", STEP, "bubbles = self.bubbles_exception_on_failure", "bubbles = True", LIVED),
    (
        "forced-steps-are-the-instances-own",
        MIXIN,
        'getattr(self, "executor", None) or self, _Chosen()',
        "self, _Chosen()",
        LIVED,
    ),
    (
        "options-of-steps-go-behind-the-defaults",
        MIXIN,
        "options | self.get_step_activity_params()",
        "self.get_step_activity_params() | options",
        LIVED,
    ),
    ("a-part-may-be-missing", SHELF, ".hexdigest() == digest", '.hexdigest() != ""', SERVED),
    ("a-part-that-is-wrong-stays", SHELF, "            part.unlink(missing_ok=True)\n", "            pass\n", SERVED),
    ("a-hash-may-be-a-path", SHELF, "if not HASH.fullmatch(digest):", "if not digest:", SERVED),
    ("large-values-are-sent-again-and-again", SERVER, "self._sent.add(digest)", "pass", SERVED),
    ("nobody-signs-large-values", SERVER, "if self._signer is not None:", "if False:", SERVED),
    (
        "large-calls-are-equal-by-their-bytes",
        CODEC,
        "if frozen.startswith(_LARGE_CALL)",
        "if not frozen",
        "tests/unit/decider/test_large_values.py",
    ),
]
