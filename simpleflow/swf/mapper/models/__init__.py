"""The old name of `simpleflow.swf.models`."""

from simpleflow.swf.models import *
