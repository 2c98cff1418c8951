"""`workflow.graph`, as it is typed: over a run that a process has run."""

from __future__ import annotations

from shell import Project


def test_a_run_is_drawn(project: Project) -> None:
    ran = project.run(
        "standalone", "--domain", "D", "--workflow-id", "w", "examples.basic.BasicWorkflow", "--input", "[1, 0]"
    )
    assert ran.returncode == 0, ran.stderr
    command = ("workflow.graph", "D", "w")

    drawn = project.run(*command)
    assert (drawn.returncode, drawn.stderr) == (0, "")
    head, *lines = drawn.stdout.split("flowchart TD\n")[1].splitlines()
    assert head.startswith('    n1["examples.basic.increment-1<br/>completed, ')
    assert [line.strip() for line in lines if " --> " in line or " -.-> " in line] == ["n1 --> n2", "n1 --> n3"]

    for name, begin in {
        "a.dot": "digraph run {",
        "a.GV": "digraph run {",
        "a.mmd": "---",
        "a.md": "# w: COMPLETED",
    }.items():
        assert project.run(*command, "--output", name).stdout == ""
        assert (project.path / name).read_text().splitlines()[0] == begin
    wrong = project.run(*command, "--output", "a.png")
    assert wrong.returncode == 2 and "a.png ends with none of .mmd, .dot, .gv, .svg, .md: say which" in wrong.stderr

    tools = project.path / "bin"
    tools.mkdir()
    missing = project.run(*command, "--as", "svg", PATH=str(tools))
    assert missing.returncode == 1
    assert missing.stderr.count("\n") == 1 and "install the package graphviz, or write mermaid or dot" in missing.stderr
    program = tools / "dot"
    program.write_text('#!/bin/sh\nread first\necho "<svg>$1 $first</svg>"\n')
    program.chmod(0o755)
    assert project.run(*command, "--as", "svg", PATH=str(tools)).stdout == "<svg>-Tsvg digraph run {</svg>\n"
    program.write_text('#!/bin/sh\necho "syntax error" >&2\nexit 3\n')
    assert "has failed with 3: syntax error" in project.run(*command, "--as", "svg", PATH=str(tools)).stderr
