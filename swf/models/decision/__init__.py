"""The old name of `simpleflow.swf.models.decision`."""

from simpleflow.swf.models.decision import *
