from __future__ import annotations

from library.books import Book, buy, lend
from library.readers import Reader, join

from evals.checking import ran
from evals.history import Library, library, months


def bus(here: Library) -> None:
    """A loan of the bus, which is heard of a day later."""
    here.at(61)
    here.do(buy(Book("b-41"), title="Book 41"), "ines")
    here.do(join(Reader("r-26"), name="Reader 26"), "jo")
    away = here.db.branch("bus")
    away.execute(lend(Book("b-41"), Reader("r-26")), author="kim")
    here.at(62)
    here.do(buy(Book("b-42"), title="Book 42"), "ines")
    here.db.merge("bus")


with library() as here:
    months(here, 60)
    bus(here)
ran("backstory", "run", "--once")
