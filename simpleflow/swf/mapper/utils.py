"""The old name of `simpleflow.swf.utils`."""

from simpleflow.swf.utils import *
