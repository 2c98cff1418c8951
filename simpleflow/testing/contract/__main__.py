"""``python -m simpleflow.testing.contract TARGET``: the suite, with no settings but those on the command line."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pytest

from simpleflow.testing.contract.target import CAPABILITIES
from simpleflow.testing.contract.targets import FORMS, SHARED_DOMAIN

PLUGIN = "simpleflow.testing.contract.plugin"


def main(arguments: list[str]) -> int:
    """Run the suite; pytest's exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m simpleflow.testing.contract",
        description="Run the contract of Amazon SWF against a service. Other options are pytest's (-x, -k WORDS, ...).",
    )
    parser.add_argument("target", metavar="TARGET", help=FORMS)
    parser.add_argument("--can", action="append", default=[], choices=sorted(CAPABILITIES), help="what it can, beyond "
                        "Amazon's calls; once for each. The others' tests are left out, and counted.")  # fmt: skip
    parser.add_argument("--domain", help=f"the domain that the tests share ({SHARED_DOMAIN})")
    parser.add_argument("--settle", type=float, metavar="SECONDS", help="wait so long before what has changed is read")
    given, rest = parser.parse_known_args(arguments)
    options = [f"--swf-target={given.target}", *(f"--swf-can={capability}" for capability in given.can)]
    options += [] if given.domain is None else [f"--swf-domain={given.domain}"]
    options += [] if given.settle is None else [f"--swf-settle={given.settle}"]
    apart = ["-c", os.devnull, "--rootdir", str(Path(__file__).parent), "-p", "no:cacheprovider", "-p", PLUGIN]
    return int(pytest.main([*apart, *options, str(Path(__file__).parent), *rest]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
