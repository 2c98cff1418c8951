"""References: texts that stand for texts that are too long for the engine.

    simpleflow+file://SHA256 LENGTH             in a directory that all processes of the engine share, or at its server
    simpleflow+memory://SHA256 LENGTH           in this process
    simpleflow+s3://BUCKET/DIR/SHA256 LENGTH    on Amazon S3; another name than a hash is one that simpleflow 0.x gave

The name is the SHA-256 of the content, so equal values have one reference, and what is read is checked. LENGTH is in
characters.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Final

from simpleflow.exceptions import PayloadUnreachable

SCHEME: Final = "simpleflow+"
REFERENCE: Final = re.compile(r"simpleflow\+(file|memory|s3)://([^\s\"\\]+) (\d+)")
HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference, taken apart. `key` is the hash, for S3 with bucket and directories before it."""

    text: str
    scheme: str
    key: str
    length: int

    @classmethod
    def of(cls, text: str) -> Reference:
        """Raises ValueError where `text` is none."""
        found = REFERENCE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text[:200]!r} is no reference to a payload")
        return cls(text, found[1], found[2], int(found[3]))

    def checked(self, data: bytes) -> str:
        """The text in `data`. Raises PayloadUnreachable where it is not the one that was put away."""
        name = self.key.rpartition("/")[2]
        if HASH.fullmatch(name) and hashlib.sha256(data).hexdigest() != name:
            raise PayloadUnreachable(f"the payload {self.text} is damaged: its content has another hash")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise PayloadUnreachable(f"the payload {self.text} is damaged: it is no UTF-8 text") from None


def is_reference(text: Any) -> bool:
    """Whether it is the text of a reference. JSON never is one."""
    return isinstance(text, str) and text.startswith(SCHEME) and REFERENCE.fullmatch(text) is not None


def without_place(text: str) -> str:
    """`text` with each reference in it reduced to hash and length: the same wherever the content lies."""
    return REFERENCE.sub(_hash_only, text) if SCHEME in text else text


def _hash_only(found: re.Match[str]) -> str:
    name = found[2].rpartition("/")[2]
    return f"{SCHEME}{name} {found[3]}" if HASH.fullmatch(name) else found[0]
