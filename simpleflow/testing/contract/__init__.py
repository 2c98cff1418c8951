"""The contract of Amazon SWF as one set of tests, for any service that speaks its protocol.

    python -m simpleflow.testing.contract http://127.0.0.1:8042 --can clock

What a service can beyond Amazon's calls (move its clock, lower its quotas, ...) is declared in a `Target`; tests that
need more are left out and counted. The suite knows the methods of `boto3.client("swf")` and nothing of an engine.
docs/how-to/contract.md says how to run it.
"""

from simpleflow.testing.contract.target import CAPABILITIES, Capability, Service, Target, needs

__all__ = ["CAPABILITIES", "Capability", "Service", "Target", "needs"]
