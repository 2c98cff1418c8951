"""The old name of `simpleflow.swf.querysets.history`."""

from simpleflow.swf.querysets.history import *
