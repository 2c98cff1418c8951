"""The old name of `simpleflow.swf.actors`."""

from simpleflow.swf.actors import *
