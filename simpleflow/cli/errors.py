"""What is wrong, in one line that says what to type next."""

from __future__ import annotations

from typing import Final

from simpleflow.exceptions import one_line
from simpleflow.protocol.faults import code_of, message_of

HERE: Final = "start `simpleflow server`, or name another --engine"
#: What to do about errors of boto3's, by their class.
NEXT: Final = {
    "NoRegionError": "name it with --engine aws:REGION",
    "InvalidRegionError": "name one as in --engine aws:eu-west-1",
    "NoCredentialsError": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "PartialCredentialsError": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "ProfileNotFound": "set AWS_PROFILE to one of `aws configure list-profiles`, or unset it",
}


def explained(error: Exception) -> str:
    """One line for the user. What is not foreseen here is a fault of ours, and says so."""
    code = code_of(error)
    if code:
        return _flat(_fault(code, message_of(error)))
    if isinstance(error, _foreseen()):
        advice = _advice(getattr(error, "error_code", ""), getattr(error, "raw_error", ""))
        return _flat(str(error).rstrip(".") + advice if advice else str(error))
    if isinstance(error, OSError) and error.strerror:
        return _flat(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
    if type(error).__module__.startswith(("boto", "urllib3")):  # no credentials, no connection
        return _flat(_unreached(error))
    return f"{_flat(one_line(error))} (not foreseen: `simpleflow --debug ...` shows where)"


def _foreseen() -> tuple[type[Exception], ...]:
    """Errors whose message is written for the user. Imported here: most commands end without one."""
    from simpleflow.config import ConfigError
    from simpleflow.decider import LoadError
    from simpleflow.engine.errors import EngineError
    from simpleflow.exceptions import PayloadError, PayloadUnreachable
    from simpleflow.runtime.repair import CannotRepair
    from simpleflow.runtime.rerun import CannotRerun
    from simpleflow.runtime.runs import NoSuchRun
    from simpleflow.swf.exceptions import SWFError

    ours = CannotRepair, CannotRerun, ConfigError, EngineError, LoadError, NoSuchRun, PayloadError, PayloadUnreachable
    return *ours, SWFError


def _unreached(error: Exception) -> str:
    """An error of boto3's before there was an answer, with what to do about it."""
    kind, words = type(error).__name__, str(error)
    if kind == "EndpointConnectionError":
        amazon = ".amazonaws.com" in words
        return f"{words}: {'is that a region of Amazon SWF, and the network there?' if amazon else HERE}"
    if kind in NEXT:
        return f"{words.rstrip('.')}: {NEXT[kind]}"
    if kind == "SSLError" and ("WRONG_VERSION_NUMBER" in words or "RECORD_LAYER_FAILURE" in words):
        return f"{words}: this server does not speak TLS, write http://"
    return words


def _fault(code: str, message: str) -> str:
    """An answer of the engine, with what to do about it."""
    if code == "UnknownResourceFault" and message.startswith("Unknown domain"):
        domain = message.partition(":")[2].strip()
        return (
            f"the engine knows no domain {domain}: the first run that is started there registers it (on Amazon SWF: "
            f"aws swf register-domain --name {domain} --workflow-execution-retention-period-in-days 90)"
        )
    return (f"{message} ({code})" if message else code) + _advice(code, message)


def _advice(code: str, message: str) -> str:
    """What to do about keys that an engine does not know; nothing for other faults."""
    if code == "UnrecognizedClientException" or (code == "InvalidSignatureException" and "not match" in message):
        return (
            ": set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a pair that the engine knows, for "
            "`simpleflow server` one of its --access-keys file"
        )
    return ""


def _flat(text: str) -> str:
    return " ".join(text.split())
