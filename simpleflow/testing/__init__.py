"""What tests import: so far the contract suite, in `simpleflow.testing.contract`.

It needs pytest, which the rest of the package does not: ``pip install 'simpleflow[testing]'``.
"""

from importlib.util import find_spec

if find_spec("pytest") is None:
    raise ImportError("simpleflow.testing needs pytest; type: pip install 'simpleflow[testing]'", name=__name__)
