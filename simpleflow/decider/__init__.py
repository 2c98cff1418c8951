"""From a decision task to its answer: the history is fed to the program, its commands become decisions."""

from simpleflow.decider.decide import Decider
from simpleflow.decider.load import LoadError, load_workflow

__all__ = ["Decider", "LoadError", "load_workflow"]
