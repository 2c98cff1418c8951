"""What is wrong, in one line that says what to type next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore import exceptions as boto

from simpleflow.cli.app import run
from simpleflow.cli.errors import explained
from simpleflow.cli.finding import near
from simpleflow.cli.outcome import report_failure
from simpleflow.clients import client
from simpleflow.config import Config, ConfigError, default_database
from simpleflow.engine import EngineError
from simpleflow.exceptions import WorkflowFailed
from simpleflow.swf.exceptions import ResponseError

KEYS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (boto.NoCredentialsError(), f"Unable to locate credentials: {KEYS}, or AWS_PROFILE"),
        (
            boto.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
            f"Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY: {KEYS}, or AWS_PROFILE",
        ),
        (
            boto.ProfileNotFound(profile="nope"),
            "The config profile (nope) could not be found: set AWS_PROFILE to one of `aws configure list-profiles`, "
            "or unset it",
        ),
        (boto.NoRegionError(), "You must specify a region: name it with --engine aws:REGION"),
        (
            boto.InvalidRegionError(region_name="EU WEST"),
            "Provided region_name 'EU WEST' doesn't match a supported format: name one as in --engine aws:eu-west-1",
        ),
        (
            boto.EndpointConnectionError(endpoint_url="https://swf.no-1.amazonaws.com/"),
            'Could not connect to the endpoint URL: "https://swf.no-1.amazonaws.com/": is that a region of Amazon SWF, '
            "and the network there?",
        ),
        (
            ResponseError("cannot list the domains", "The token is invalid.", "UnrecognizedClientException"),
            f"cannot list the domains: The token is invalid: {KEYS} to a pair that the engine knows, for "
            "`simpleflow server` one of its --access-keys file",
        ),
        (ResponseError("cannot list", "It is refused.", "OperationNotPermittedFault"), "cannot list: It is refused."),
    ],
)
def test_errors_say_what_to_type_next(error: Exception, line: str) -> None:
    assert explained(error) == line


def test_users_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a container has them that runs as a user of its own choice."""

    def homeless(*_: object, **__: object) -> Path:
        raise RuntimeError("could not determine the home directory")

    for kind in ("data", "cache"):
        monkeypatch.setattr(f"platformdirs.user_{kind}_path", homeless)
    with pytest.raises(ConfigError, match=r"^this user has no home directory: set HOME or XDG_DATA_HOME$") as caught:
        default_database()
    assert "not foreseen" not in explained(caught.value)
    with pytest.raises(ConfigError, match="set HOME or XDG_CACHE_HOME"):
        assert Config().binaries
    (tmp_path / "file").touch()
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path / "file" / "simpleflow")
    with pytest.raises(EngineError) as refused:
        client(f"sqlite:{default_database()}")
    assert explained(refused.value) == (
        f"the directory {tmp_path}/file/simpleflow cannot be made (Not a directory): name a file with --engine "
        "sqlite:PATH, or set XDG_DATA_HOME"
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["workflow.info", "--format", "json", "D", "w"],
            "No such option '--format'. It stands before the command: `simpleflow --format ... workflow.info`.",
        ),
        (
            ["workflow.list", "D", "--no-header"],
            "No such option '--no-header'. It stands before the command: `simpleflow --no-header ... workflow.list`.",
        ),
        (
            ["workflow.info", "D", "-1"],
            "No such option '-1'. What begins with '-' and is an id stands behind '--'. "
            "See `simpleflow workflow.info --help`.",
        ),
        (["workflow.info", "D", "--zzz"], "No such option '--zzz'. See `simpleflow workflow.info --help`."),
        (["--zzz", "workflow.info"], "No such option '--zzz'. See `simpleflow --help`."),
    ],
)
def test_words_in_the_wrong_place(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    assert capsys.readouterr().err == f"Error: {line}\n"


@pytest.mark.parametrize(("typed", "meant"), [("testdomain", "TestDomain"), ("NIGHTLY-2", "nightly-1"), ("x", None)])
def test_a_name_is_near_in_whatever_case(typed: str, meant: str | None) -> None:
    assert near(typed, ["TestDomain", "nightly-1"]) == (f". Did you mean {meant}?" if meant else "")


def test_what_users_raise_moves_no_cursor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    details = json.dumps({"error_type": "ValueError", "traceback": "Traceback:\n  x\nValueError: \x1b[2Jno\n"})
    failure = WorkflowFailed("w", "r", "failed", "ValueError: \x1b[2Jno", details)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert report_failure(failure) == 3
    assert "Traceback:\n  x\nValueError:  [2Jno\nError: " in (told := capsys.readouterr().err) and "\x1b" not in told
