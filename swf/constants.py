"""The old name of `simpleflow.swf.constants`."""

from simpleflow.swf.constants import *
