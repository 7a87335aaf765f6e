"""The list of loans."""

from __future__ import annotations

from library.events import BookLent

from backstory import Projection, Tx


class Loans(Projection, version=1):
    tables = "CREATE TABLE loans (book TEXT PRIMARY KEY, reader TEXT NOT NULL)"

    def apply(self, event: BookLent, tx: Tx) -> None:
        tx.execute("INSERT OR REPLACE INTO loans VALUES (?, ?)", (event.book, event.reader))
