"""The old name of `simpleflow.swf.models.base`."""

from simpleflow.swf.models.base import *
