"""Which steps run: pure rules over names.

A *pattern* is a step's name, the name of a group of steps (``a`` stands for ``a.b`` and ``a.b.c`` too), or ``*`` for
all. Forced and skipped steps are given as patterns with the reasons for each: ``{"a": ["asked for"]}``. Forcing goes
before skipping, and that before what is done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, MutableMapping

Patterns = Mapping[str, Collection[str]]


def matches(step_name: str, pattern: str) -> bool:
    """Whether a pattern stands for a step.

    >>> [matches("a.b", pattern) for pattern in ("a.b", "a", "*", "a.b.c", "a.", "b")]
    [True, True, True, False, False, False]
    """
    return pattern in ("*", step_name) or step_name.startswith(f"{pattern}.")


def add_patterns(
    patterns: MutableMapping[str, list[str]], steps: str | Iterable[str], reason: str | None = None
) -> None:
    """Add steps (a text is one) to `patterns`, with a reason for each; reasons are in order, each once."""
    for step in [steps] if isinstance(steps, str) else steps:
        reasons = patterns.setdefault(step, [])
        if reason is not None and reason not in reasons:
            reasons.append(reason)


def should_force_step(step_name: str, force_steps: Iterable[str]) -> bool:
    """Whether one of the patterns forces the step to run."""
    return any(matches(step_name, pattern) for pattern in force_steps)


def should_skip_step(step_name: str, skip_steps: Iterable[str]) -> bool:
    """Whether one of the patterns has the step left out."""
    return any(matches(step_name, pattern) for pattern in skip_steps)


def step_is_forced(step_name: str, forced: Iterable[str], force: bool = False) -> bool:
    """Whether the step runs even if it is done: it says so itself (`force`), or a pattern does."""
    return force or should_force_step(step_name, forced)


def step_is_skipped_by_force(
    step_name: str, skipped: Iterable[str], forced: Iterable[str] = (), force: bool = False
) -> bool:
    """Whether the step is left out even if it is not done."""
    return not step_is_forced(step_name, forced, force) and should_skip_step(step_name, skipped)


def step_will_run(
    step_name: str,
    done: Collection[str],
    forced: Iterable[str] = (),
    skipped: Iterable[str] = (),
    force: bool = False,
) -> bool:
    """Whether the step runs, where the steps in `done` are done."""
    if step_is_forced(step_name, forced, force):
        return True
    return not should_skip_step(step_name, skipped) and step_name not in done


def get_step_force_reasons(step_name: str, forced: Patterns) -> list[str]:
    """Why the step is forced: the reasons of all patterns that stand for it, sorted."""
    return _reasons(step_name, forced)


def get_step_skip_reasons(step_name: str, skipped: Patterns) -> list[str]:
    """Why the step is left out though it is not done: the reasons of all patterns that stand for it, sorted."""
    return _reasons(step_name, skipped)


def _reasons(step_name: str, patterns: Patterns) -> list[str]:
    return sorted(
        {reason for pattern, reasons in patterns.items() if matches(step_name, pattern) for reason in reasons}
    )
