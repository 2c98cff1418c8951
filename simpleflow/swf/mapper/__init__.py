"""The old name of `simpleflow.swf`."""
