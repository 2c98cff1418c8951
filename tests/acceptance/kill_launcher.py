"""A process of the runtime with a fault in it: ``python kill_launcher.py SPEC POINT NTH HITS``.

At the NTH time that it comes by POINT it notes that in the file HITS and kills itself with SIGKILL. POINT is the
engine's ("before-commit", "after-commit") or the worker's ("before-response"); "none" never comes.
"""

from __future__ import annotations

import os
import signal
import sys

from simpleflow.runtime.__main__ import run_role
from simpleflow.runtime.spec import Spec


def main(spec: str, point: str, nth: int, hits: str) -> None:
    left = nth
    role = Spec.from_json(spec).role

    def fault(name: str, subject: str) -> None:
        nonlocal left
        if name != point:
            return
        left -= 1
        if left == 0:
            file = os.open(hits, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(file, f"{role}:{name} {subject}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    run_role(Spec.from_json(spec), point=fault)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
