"""The old name of `simpleflow.swf.models.history`."""

from simpleflow.swf.models.history import *
