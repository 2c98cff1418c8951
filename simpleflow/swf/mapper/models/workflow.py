"""The old name of `simpleflow.swf.models.workflow`."""

from simpleflow.swf.models.workflow import *
