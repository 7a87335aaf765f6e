"""A store of each kind, as the tests of history have it."""

from __future__ import annotations

from tests.history.conftest import store

__all__ = ["store"]
