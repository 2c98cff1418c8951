"""Steps of a workflow that run once and are not repeated by later runs, unless they are forced.

What was done is kept in a store (`simpleflow.storage`): a directory by default, or a bucket of Amazon S3. Which steps
run is decided by the pure rules in `simpleflow.step.utils`.
"""
