"""The old name of `simpleflow.swf.querysets.domain`."""

from simpleflow.swf.querysets.domain import *
