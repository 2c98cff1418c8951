"""The path of one activity, from submit to result, is short enough to follow, and the README's picture shows it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import path_flow
import simpleflow
from simpleflow.clients import client
from simpleflow.runtime.spec import Spec
from simpleflow.runtime.start import StartOptions, launch, register_domain

HERE = Path(__file__).parent
README = HERE.parent.parent / "README.md"


def test_the_readme_s_picture_shows_the_files_that_one_activity_crosses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    switch, files = tmp_path / "switch", tmp_path / "files"
    switch.write_bytes(b"0")
    files.touch()
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE / "trace"), str(HERE)]),
        "TRACE_SWITCH": str(switch),
        "TRACE_FILES": str(files),
        "TRACE_OURS": str(Path(simpleflow.__file__).parent),
    }
    url = f"sqlite:{tmp_path / 'engine.sqlite'}"
    engine = client(url)
    register_domain(engine, "Path")
    specs = [Spec("decider", url, "Path", "path-decisions"), Spec("worker", url, "Path", "path")]
    processes = [
        subprocess.Popen([sys.executable, "-m", "simpleflow.runtime", spec.to_json()], env=environment, cwd=HERE)
        for spec in specs
    ]
    try:
        assert launch(path_flow.Path, [], {}, StartOptions(domain="Path", engine=engine)).result(timeout=60) == 3
    finally:
        for process in processes:
            process.terminate()
            process.wait(20)
        engine.close()
    crossed = sorted(set(files.read_text().split()))
    with capsys.disabled():
        print(f"\none activity crosses {len(crossed)} files of ours: {', '.join(crossed)}")
    shown = set(re.findall(r"[\w/]+\.py", README.read_text().split("```text")[1].split("```")[0]))
    assert shown == set(crossed), {"missing": set(crossed) - shown, "too many": shown - set(crossed)}
