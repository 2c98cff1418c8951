"""The old name of `simpleflow.swf.models.event.base`."""

from simpleflow.swf.models.event.base import *
