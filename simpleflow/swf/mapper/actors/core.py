"""The old name of `simpleflow.swf.actors.core`."""

from simpleflow.swf.actors.core import *
