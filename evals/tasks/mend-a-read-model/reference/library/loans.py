"""The list of loans."""

from __future__ import annotations

from library.events import BookLent, BookReturned

from backstory import Projection, Record, Tx


class Loans(Projection, version=2):
    tables = "CREATE TABLE loans (book TEXT PRIMARY KEY, reader TEXT NOT NULL, since TEXT NOT NULL)"

    def apply(self, event: BookLent | BookReturned, tx: Tx, record: Record) -> None:
        match event:
            case BookLent(book=book, reader=reader):
                day = record.authored.date().isoformat()
                tx.execute("INSERT INTO loans VALUES (?, ?, ?)", (book, reader, day))
            case BookReturned(book=book):
                tx.execute("DELETE FROM loans WHERE book = ?", (book,))
