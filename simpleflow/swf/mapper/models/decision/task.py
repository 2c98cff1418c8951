"""The old name of `simpleflow.swf.models.decision.task`."""

from simpleflow.swf.models.decision.task import *
