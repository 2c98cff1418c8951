"""The old name of `simpleflow.swf.querysets.decider`."""

from simpleflow.swf.querysets.decider import *
