"""Numbers that workflows and activities are written with: durations in seconds, and the limits of Amazon SWF.

The limits are there to be read; what enforces them stands in `simpleflow.protocol`. Lengths are in characters. See
https://docs.aws.amazon.com/amazonswf/latest/developerguide/swf-dg-limits.html
"""

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

MAX_REASON_LENGTH = 256
MAX_IDENTITY_LENGTH = 256
MAX_HEARTBEAT_DETAILS_LENGTH = 2048
MAX_DETAILS_LENGTH = 32768
MAX_INPUT_LENGTH = 32768
MAX_RESULT_LENGTH = 32768
MAX_CONTROL_LENGTH = 32768
MAX_EXECUTION_CONTEXT_LENGTH = 32768

MAX_DECISIONS = 100
"""In one response of a decider."""
MAX_REQUEST_SIZE = 1_000_000
"""Bytes of one response of a decider."""
MAX_OPEN_ACTIVITY_COUNT = 1000
"""Of one run; a workflow that wants fewer says so by its attribute `max_open_activity_count`."""

JUMBO_FIELDS_PREFIX = "simpleflow+s3://"
"""How the text of a value starts that travels by reference to Amazon S3."""
