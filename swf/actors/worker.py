"""The old name of `simpleflow.swf.actors.worker`."""

from simpleflow.swf.actors.worker import *
