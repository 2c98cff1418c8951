"""Numbers that workflows and activities are written with. Durations are in seconds."""

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
