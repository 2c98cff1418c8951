"""The old name of `simpleflow.swf.querysets`."""

from simpleflow.swf.querysets import *
