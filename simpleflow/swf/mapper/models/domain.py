"""The old name of `simpleflow.swf.models.domain`."""

from simpleflow.swf.models.domain import *
