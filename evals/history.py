"""A history of the library: some months, the same each time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from backstory import Command, Database, Refused, connect

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
CLERKS = ("ines", "jo", "kim")


class Library:
    """The database of a library, with a clock that is put forward."""

    def __init__(self, db: Database, now: list[datetime]) -> None:
        self.db = db
        self._now = now
        self.chance = random.Random(7)

    def at(self, days: float) -> None:
        """Let it be so many days after the beginning."""
        self._now[0] = BEGIN + timedelta(days=days)

    def do(self, command: Command, author: str = "", message: str = "", **more: Any) -> bool:
        """Execute a command; False if it was refused."""
        try:
            self.db.execute(command, author=author or self.chance.choice(CLERKS), message=message, **more)
        except Refused:
            return False
        return True


@contextmanager
def library() -> Iterator[Library]:
    """A new store, library.db in this folder."""
    now, ids = [BEGIN], count(1)
    with connect(
        "library.db",
        create=True,
        clock=lambda: now[0],
        ids=lambda: f"commit-{next(ids)}",
        secrets=lambda: bytes(16),
    ) as db:
        yield Library(db, now)


def months(here: Library, days: int = 120, *, each: Callable[[int], None] = lambda _: None) -> None:
    """Readers come and go: 40 books, 25 readers, a few loans a day. `each` is called at the end of each day."""
    from library.books import Book, buy, give_back, lend
    from library.readers import Reader, join, pay

    books = [f"b-{number}" for number in range(1, 41)]
    readers = [f"r-{number}" for number in range(1, 26)]
    for number, book in enumerate(books):
        here.do(buy(Book(book), title=f"Book {number + 1}"), "ines", "the first shelf")
    for number, reader in enumerate(readers):
        here.do(join(Reader(reader), name=f"Reader {number + 1}"), "jo")
    for day in range(1, days + 1):
        for hour in range(3):
            here.at(day + hour / 24)
            here.do(lend(Book(here.chance.choice(books)), Reader(here.chance.choice(readers))))
            if here.chance.random() < 0.8:
                here.do(give_back(Book(here.chance.choice(books))))
            if here.chance.random() < 0.1:
                reader = here.chance.choice(readers)
                owed = here.db.load(Reader(reader)).owes
                if owed:
                    here.do(pay(Reader(reader), cents=owed), reader)
        each(day)
