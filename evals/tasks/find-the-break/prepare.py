from __future__ import annotations

from datetime import date

from library.books import Book, give_back
from library.events import BookLent

from evals.history import Library, library, months


def broken(here: Library) -> None:
    lent = [f"b-{number}" for number in range(1, 41) if here.db.load(Book(f"b-{number}")).reader]
    free = next(f"b-{number}" for number in range(1, 41) if f"b-{number}" not in lent)
    due = date(2026, 4, 30)
    here.db.append(BookLent(free, "r-3", due), author="import", message="loans of the branch, part 1")
    here.db.append(BookLent(lent[3], "r-9", due), author="import", message="loans of the branch, part 2")
    here.do(give_back(Book(lent[3])), "kim")


with library() as here:
    months(here, 90, each=lambda day: broken(here) if day == 70 else None)
