"""The old name of `simpleflow.swf.settings`."""

from simpleflow.swf.settings import *
