"""The story as a store, for the tests of every page."""

from __future__ import annotations

from tests.web.story import db, reading, told

__all__ = ["db", "reading", "told"]
