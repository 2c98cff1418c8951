"""The old name of `simpleflow.swf.responses`."""

from simpleflow.swf.responses import *
