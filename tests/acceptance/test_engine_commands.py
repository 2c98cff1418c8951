"""The engine's file is looked after while a run is open in it."""

from __future__ import annotations

import re

from shell import Project

BASIC = "examples.basic.BasicWorkflow"


def test_check_backup_and_vacuum(project: Project) -> None:
    assert project.run("workflow.start", "-d", "D", "--workflow-id", "W", BASIC, "--input", "[1, 0]").returncode == 0
    done = project.run("engine.check")
    assert (done.returncode, done.stdout) == (0, f"{project.data}/simpleflow/engine.sqlite is whole\n")
    done = project.run("engine.backup", "copy.sqlite")
    assert done.returncode == 0 and re.fullmatch(r"copy.sqlite: [\d,]+ bytes\n", done.stdout), done.stderr
    copied = project.run("--engine", "sqlite:copy.sqlite", "standalone", "-d", "D", "--workflow-id", "W", BASIC)
    assert copied.returncode == 0 and copied.stderr.endswith("result: 4\n"), copied.stderr
    done = project.run("engine.vacuum")
    assert done.returncode == 0 and re.fullmatch(r"0 runs removed; [\d,]+ bytes before, [\d,]+ now\n", done.stdout)
    assert project.run("workflow.list", "D").stdout.startswith("W\t")


def test_what_they_refuse(project: Project) -> None:
    done = project.run("--engine", "aws", "engine.check")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "--engine sqlite:PATH" in done.stderr
    for command in (["engine.check"], ["engine.vacuum"], ["engine.backup", "copy.sqlite"]):
        done = project.run("--engine", "sqlite:nothing.sqlite", *command)
        assert done.returncode == 1 and "nothing.sqlite does not exist" in done.stderr
        assert not project.path.joinpath("nothing.sqlite").exists()


def test_damage_is_told(project: Project) -> None:
    import apsw

    project.run("workflow.start", "-d", "D", "--workflow-id", "W", BASIC, "--input", "[1, 0]")
    connection = apsw.Connection(str(project.data / "simpleflow" / "engine.sqlite"))
    connection.execute("UPDATE open_execution SET previous = 7")
    connection.close()
    done = project.run("engine.check")
    assert done.returncode == 1 and "previous is 7, and by its events 0" in done.stdout
