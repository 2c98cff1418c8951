"""The old name of `simpleflow.swf.models.decider`."""

from simpleflow.swf.models.decider import *
