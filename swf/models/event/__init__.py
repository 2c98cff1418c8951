"""The old name of `simpleflow.swf.models.event`."""

from simpleflow.swf.models.event import *
