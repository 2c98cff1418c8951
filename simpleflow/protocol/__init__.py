"""Amazon SWF's words, and no connection.

What the service calls things - operations, events, decisions, faults, quotas - stands here as data, and the checks
of requests are generated from botocore's model. This room knows neither engine nor decider, keeps no state, and does
no input or output.
"""
