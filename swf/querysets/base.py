"""The old name of `simpleflow.swf.querysets.base`."""

from simpleflow.swf.querysets.base import *
