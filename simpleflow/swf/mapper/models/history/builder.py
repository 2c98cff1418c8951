"""The old name of `simpleflow.swf.models.history.builder`."""

from simpleflow.swf.models.history.builder import *
