"""The old name of `simpleflow.swf.models.activity`."""

from simpleflow.swf.models.activity import *
