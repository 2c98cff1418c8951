"""The old name of `simpleflow.swf.querysets.activity`."""

from simpleflow.swf.querysets.activity import *
