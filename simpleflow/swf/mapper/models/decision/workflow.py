"""The old name of `simpleflow.swf.models.decision.workflow`."""

from simpleflow.swf.models.decision.workflow import *
