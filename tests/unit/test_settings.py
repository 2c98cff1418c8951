"""Settings: where they come from, what they may be, and the users' view of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from simpleflow import config, settings
from simpleflow.config import Config, ConfigError, read


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    yield
    config._put.clear()
    config.load.cache_clear()


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = ModuleType("own_settings")
    monkeypatch.setitem(sys.modules, "own_settings", made)
    monkeypatch.setenv(config.MODULE, "own_settings")
    config.load.cache_clear()
    return made


def test_the_defaults() -> None:
    found = read({})
    assert found == Config()
    assert (found.activity_heartbeat_timeout, found.workflow_default_decision_task_timeout) == ("60", "30")
    assert (found.activity_start_to_close_timeout, found.workflow_default_execution_time) == ("300", "31536000")
    assert (found.activity_schedule_to_start_timeout, found.activity_schedule_to_close_timeout) == ("NONE", "NONE")


def test_what_was_put_goes_before_the_environment_and_that_before_the_module(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "ACTIVITY_DEFAULT_TASK_LIST"
    assert settings.ACTIVITY_DEFAULT_TASK_LIST == "default"
    module.__dict__[name] = "of the module"
    config.load.cache_clear()
    assert settings.ACTIVITY_DEFAULT_TASK_LIST == "of the module"
    monkeypatch.setenv(name, "of the environment")
    config.load.cache_clear()
    assert settings.ACTIVITY_DEFAULT_TASK_LIST == "of the environment"
    settings.put_setting(name, "put")
    assert settings.ACTIVITY_DEFAULT_TASK_LIST == "put" == config.load().activity_default_task_list
    settings.put_setting(name, None)
    assert settings.ACTIVITY_DEFAULT_TASK_LIST == "of the environment"


def test_settings_can_be_assigned(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(settings, "ACTIVITY_HEARTBEAT_TIMEOUT", "8")
        assert settings.ACTIVITY_HEARTBEAT_TIMEOUT == "8"
    assert settings.ACTIVITY_HEARTBEAT_TIMEOUT == "60"
    settings.ACTIVITY_HEARTBEAT_TIMEOUT = 7
    assert config.load().activity_heartbeat_timeout == "7"


def test_configure_sets_all_or_none() -> None:
    settings.configure({"STEP_BUCKET": "steps", "SIMPLEFLOW_S3_SSE": True})
    assert (settings.STEP_BUCKET, settings.SIMPLEFLOW_S3_SSE) == ("steps", True)
    with pytest.raises(ConfigError, match=r"the setting SIMPLEFLOW_S3_SSE='maybe' takes true or false"):
        settings.configure({"STEP_BUCKET": "others", "SIMPLEFLOW_S3_SSE": "maybe"})
    assert (settings.STEP_BUCKET, settings.SIMPLEFLOW_S3_SSE) == ("steps", True)
    with pytest.raises(ConfigError, match=r"there is no setting STEP_BUKET: did you mean STEP_BUCKET\?"):
        settings.configure({"STEP_BUKET": "x"})
    with pytest.raises(AttributeError, match="there is no setting STEP_BUKET"):
        _ = settings.STEP_BUKET


@pytest.mark.parametrize(
    ("text", "value"),
    [*((text, True) for text in ("1", "true", "Yes", "on")), *((text, False) for text in ("0", "false", "NO", "off"))],
)
def test_truth(text: str, value: bool) -> None:
    assert read({"SIMPLEFLOW_S3_SSE": text}).simpleflow_s3_sse is value
    assert read({"SIMPLEFLOW_ENABLE_DISK_CACHE": text}).simpleflow_enable_disk_cache is value


@pytest.mark.parametrize(
    ("name", "value", "read_as"),
    [
        ("ACTIVITY_HEARTBEAT_TIMEOUT", 60, "60"),
        ("ACTIVITY_HEARTBEAT_TIMEOUT", "NONE", "NONE"),
        ("ACTIVITY_SIGTERM_WAIT_SEC", "2.5", 2.5),
        ("ACTIVITY_SIGTERM_WAIT_SEC", 0, 0.0),
        ("SIMPLEFLOW_S3_SSE", True, True),
        ("SIMPLEFLOW_SYSLOG_TARGET", "localhost:514", "localhost:514"),
        ("METROLOGY_PATH_PREFIX", "a/b", "a/b"),
        ("SWF_CONNECTION_RETRIES", 3, 3),
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("LOGGING", {"version": 1}, {"version": 1}),
        ("SIMPLEFLOW_LAMBDAS", {"f": "m:g"}, {"f": "m:g"}),
        ("SIMPLEFLOW_LAMBDAS", "f=m:g", {"f": "m:g"}),
        ("WORKFLOW_DEFAULT_VERSION", 2, "2"),
    ],
)
def test_casts(name: str, value: Any, read_as: Any) -> None:
    settings.put_setting(name, value)
    assert getattr(settings, name) == read_as
    if isinstance(value, str):
        assert getattr(read({name: value}), config.NAMES[name]) == read_as


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("ACTIVITY_HEARTBEAT_TIMEOUT", "a minute", 'takes whole seconds (at most 8 digits) or "NONE"'),
        ("ACTIVITY_DEFAULT_TIMEOUT", "-1", 'takes whole seconds (at most 8 digits) or "NONE"'),
        ("ACTIVITY_SIGTERM_WAIT_SEC", "soon", "takes seconds from 0, such as 2.5"),
        ("ACTIVITY_SIGTERM_WAIT_SEC", "inf", "takes seconds from 0, such as 2.5"),
        ("SIMPLEFLOW_S3_SSE", "maybe", "takes true or false"),
        ("SIMPLEFLOW_SYSLOG_TARGET", "localhost", "takes HOST:PORT"),
        ("SIMPLEFLOW_SYSLOG_TARGET", "localhost:0", "takes HOST:PORT"),
        ("SWF_CONNECTION_RETRIES", "0", "takes a whole number from 1"),
        ("DOMAIN_RETENTION", "91", 'takes whole days from 0 to 90, or "NONE"'),
        ("LOG_LEVEL", "LOUD", "takes DEBUG, INFO, WARNING, ERROR or CRITICAL"),
        ("LOGGING", "{}", "takes a dict, as logging.config.dictConfig does: say it in a settings module"),
    ],
)
def test_a_wrong_value_is_told_in_one_line(module: ModuleType, name: str, value: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as told:
        read({name: value})
    assert str(told.value) == f"the environment variable {name}={value!r} {complaint}"
    module.__dict__[name] = value
    with pytest.raises(ConfigError) as told:
        config.load()
    assert str(told.value) == f"the settings module own_settings: {name}={value!r} {complaint}"


@pytest.mark.parametrize("value", [True, ["x"], {"a": 1}])
def test_a_text_is_a_text(value: Any) -> None:
    with pytest.raises(ConfigError, match="takes a text"):
        settings.put_setting("STEP_BUCKET", value)


def test_what_is_empty_is_not_set(module: ModuleType) -> None:
    module.__dict__["ACTIVITY_HEARTBEAT_TIMEOUT"] = None
    assert config.load().activity_heartbeat_timeout == "60"
    assert read({"ACTIVITY_HEARTBEAT_TIMEOUT": ""}).activity_heartbeat_timeout == "60"


def test_the_default_timeout_is_that_of_activities() -> None:
    assert read({"ACTIVITY_DEFAULT_TIMEOUT": "9"}).activity_start_to_close_timeout == "9"
    both = {"ACTIVITY_DEFAULT_TIMEOUT": "9", "ACTIVITY_START_TO_CLOSE_TIMEOUT": "8"}
    assert read(both).activity_start_to_close_timeout == "8"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("no.such.module", "ModuleNotFoundError: No module named 'no'"),
        ("broken_settings", "ZeroDivisionError: by hand"),
    ],
)
def test_a_settings_module_that_cannot_be_imported(
    monkeypatch: pytest.MonkeyPatch, name: str, complaint: str
) -> None:
    class Finder:
        @staticmethod
        def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
            if name == "broken_settings":
                raise ZeroDivisionError("by hand")
            return None

    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    monkeypatch.setenv(config.MODULE, name)
    config.load.cache_clear()
    with pytest.raises(ConfigError) as told:
        config.load()
    assert str(told.value) == f"the environment variable {config.MODULE}={name!r}: cannot import it: {complaint}"


def test_a_settings_module_may_read_settings() -> None:
    program = (
        "import sys, types\n"
        "class Finder:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        from importlib.machinery import ModuleSpec\n"
        "        return ModuleSpec(name, Finder) if name == 'curious' else None\n"
        "    @staticmethod\n"
        "    def create_module(spec): return None\n"
        "    @staticmethod\n"
        "    def exec_module(module):\n"
        "        from simpleflow import settings\n"
        "        module.STEP_BUCKET = settings.WORKFLOW_DEFAULT_TASK_LIST + '-steps'\n"
        "sys.meta_path.insert(0, Finder)\n"
        "from simpleflow import settings\n"
        "print(settings.STEP_BUCKET)\n"
    )
    env = {**os.environ, config.MODULE: "curious"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "default-steps\n"


def test_places_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    if sys.platform == "linux":
        assert settings.STEP_BUCKET == "/data/simpleflow/steps"
        assert settings.METROLOGY_BUCKET == "/data/simpleflow/metrology"
        assert settings.SIMPLEFLOW_BINARIES_DIRECTORY == "/cache/simpleflow/binaries"
    settings.configure({"SIMPLEFLOW_BINARIES_DIRECTORY": "/b", "METROLOGY_BUCKET": "m", "STEP_BUCKET": "s"})
    assert settings.SIMPLEFLOW_BINARIES_DIRECTORY == "/b"
    assert (settings.METROLOGY_BUCKET, settings.STEP_BUCKET) == ("m", "s")


def test_settings_are_printed_sorted(capsys: pytest.CaptureFixture[str]) -> None:
    settings.put_setting("STEP_BUCKET", "steps")
    settings.print_settings()
    lines = capsys.readouterr().out
    names = [line.partition("=")[0] for line in lines.splitlines() if not line.startswith(" ")]
    assert names == sorted(config.NAMES)
    assert "STEP_BUCKET='steps'\n" in lines and "SIMPLEFLOW_S3_SSE=False\n" in lines
    assert set(config.NAMES) <= set(dir(settings))
