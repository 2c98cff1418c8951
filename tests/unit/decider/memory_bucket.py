"""A bucket in memory, for tests without files."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from simpleflow import storage


def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What is pushed from now on, by ``bucket:key``."""
    kept: dict[str, str] = {}

    def push_content(bucket: str, path: str, content: str, content_type: str | None = None) -> None:
        kept[f"{bucket}:{path}"] = content

    def list_keys(bucket: str, path: str | None = None) -> list[Any]:
        keys = sorted(key.removeprefix(f"{bucket}:") for key in kept if key.startswith(f"{bucket}:{path}"))
        return [SimpleNamespace(key=key) for key in keys]

    monkeypatch.setattr(storage, "push_content", push_content)
    monkeypatch.setattr(storage, "pull_content", lambda bucket, path: kept[f"{bucket}:{path}"])
    monkeypatch.setattr(storage, "list_keys", list_keys)
    return kept
