"""The command line: thin over `simpleflow.runtime`, one module a noun, loaded when a command of it is named."""

from simpleflow.cli.app import main

__all__ = ["main"]
