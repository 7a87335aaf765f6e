"""A site: one database and its application, as all pages of a mounted browser share them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from pathlib import PurePath
from typing import TYPE_CHECKING

from anyio import CapacityLimiter

from backstory.scope import scoped
from backstory.told import pasted
from backstory.web.stream import Streams
from backstory.web.trend import Trend

if TYPE_CHECKING:
    from backstory.application import Application
    from backstory.database import Database
    from backstory.model.elements import Model, Observed
    from backstory.web.reader import Actor, Reader


THREADS, LONG, ACTING = 16, 4, 4
"""Threads that make pages, those that go on with pages that read much, and those that write: none of the application.
"""

WAITING = 16
"""Actions that wait for a thread at most: a store that is locked keeps each for as long as it waits for the lock."""


class Site:
    """The sources of all pages. `address` names the store on the command lines that pages end in."""

    def __init__(
        self,
        db: Database,
        application: Application | None,
        actor: Actor,
        *,
        name: str | None,
        address: str,
        zone: tzinfo | None,
        secret: bytes | None,
    ) -> None:
        self.db = db
        self.application = application
        self.actor = actor
        self.address = address
        self.name = name or (PurePath(address.rpartition("/")[2]).stem if address else "store")
        self.zone = zone
        self.streams = Streams(db)
        self.trend = Trend()
        self._model: Model | None = None
        self.threads, self.long_threads = CapacityLimiter(THREADS), CapacityLimiter(LONG)
        self.action_threads = CapacityLimiter(ACTING)
        self.secret = secrets.token_bytes(32) if secret is None else secret

    def seen_by(self, reader: Reader) -> Database:
        """The database as a reader may see it: read-only, and only what is in the reader's scope."""
        return scoped(self.db, reader.scope)

    def model(self, seen: Observed | None) -> Model | None:
        """The event model of the application with what its store has seen; None without an application.

        The code is read once: it does not change while the process lives.
        """
        from backstory.model.reading import beside, model_of

        if self.application is None:
            return None
        if self._model is None:
            self._model = model_of(self.application)
        return beside(self._model, seen)

    @property
    def clock(self) -> Callable[[], datetime]:
        """The clock of the database, by which times are `2 min` ago."""
        return self.db.branches.clock

    def command(self, words: Sequence[str]) -> str:
        """A command line that says the same as a page, to paste into a shell."""
        store = ("-s", self.address) if self.address else ()
        app = ("--app", self.application.name) if self.application is not None and "--app" in words else ()
        return pasted(*store, *(word for word in words if word != "--app"), *app)
