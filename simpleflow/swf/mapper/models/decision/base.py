"""The old name of `simpleflow.swf.models.decision.base`."""

from simpleflow.swf.models.decision.base import *
