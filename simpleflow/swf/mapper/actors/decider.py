"""The old name of `simpleflow.swf.actors.decider`."""

from simpleflow.swf.actors.decider import *
