"""The old name of `simpleflow.swf.models.history.base`."""

from simpleflow.swf.models.history.base import *
