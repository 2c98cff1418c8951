"""The old name of `simpleflow.swf.exceptions`."""

from simpleflow.swf.exceptions import *
