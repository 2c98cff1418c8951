"""Notes, in every Python process that is started with this folder on its path, which files of ours it enters.

It does so while the first byte of the file that TRACE_SWITCH names is "1", and appends them to the file that
TRACE_FILES names, once each.
"""

from __future__ import annotations

import mmap
import os
import sys
import threading
from types import FrameType
from typing import Any

_on = mmap.mmap(os.open(os.environ["TRACE_SWITCH"], os.O_RDWR), 1)
_files = os.open(os.environ["TRACE_FILES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_ours = os.environ["TRACE_OURS"] + os.sep
_seen: set[str] = set()


def _note(frame: FrameType, event: str, argument: Any) -> None:
    if event == "call" and _on[0] == 49:
        name = frame.f_code.co_filename
        if name not in _seen and name.startswith(_ours) and frame.f_code.co_name != "<module>":
            _seen.add(name)
            os.write(_files, f"{name[len(_ours) :]}\n".encode())


sys.setprofile(_note)
threading.setprofile(_note)
