"""The old name of `simpleflow.swf.models.event.compiler`."""

from simpleflow.swf.models.event.compiler import *
