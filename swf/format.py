"""The old name of `simpleflow.swf.format`."""

from simpleflow.swf.format import *
