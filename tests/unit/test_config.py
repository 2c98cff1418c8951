"""The settings, from an environment."""

from __future__ import annotations

import pytest

from simpleflow.config import ConfigError, lambda_functions, read


def test_lambda_functions() -> None:
    assert read({}).lambdas == {}
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:f"
    found = read({"SIMPLEFLOW_LAMBDAS": f" a=m:f, b=pkg.mod:Class.method,\n{arn}=m:g,"}).lambdas
    assert found == {"a": "m:f", "b": "pkg.mod:Class.method", arn: "m:g"}


@pytest.mark.parametrize(
    "text",
    [
        *("f", "f=", "f=m", "f=m.g", "=m:g", "f=m:", "f=:g", "f=m:g:h", "f=m:g()", "f=m-n:g", "f=m:.g", "f =m:g"),
        "f" * 65 + "=m:f",
    ],
)
def test_wrong_lambda_functions(text: str) -> None:
    with pytest.raises(ValueError, match="takes NAME=MODULE:FUNCTION, such as") as caught:
        lambda_functions([text])
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match=r"^the environment variable SIMPLEFLOW_LAMBDAS=.* takes NAME="):
        read({"SIMPLEFLOW_LAMBDAS": f"a=m:f,{text}"})


def test_a_lambda_function_is_named_once() -> None:
    with pytest.raises(ValueError, match="names f twice"):
        lambda_functions(["f=m:g", "f=m:g"])
