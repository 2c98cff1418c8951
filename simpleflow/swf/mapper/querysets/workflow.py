"""The old name of `simpleflow.swf.querysets.workflow`."""

from simpleflow.swf.querysets.workflow import *
