"""The old name of `simpleflow.swf.core`."""

from simpleflow.swf.core import *
