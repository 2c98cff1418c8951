"""What the polls of actors give."""

from __future__ import annotations

from types import SimpleNamespace


class Response(SimpleNamespace):
    """A bag of attributes: those that it was made with. See the actor's `poll` for which."""
