from __future__ import annotations

from library.books import Book, buy, give_back, lend
from library.readers import Reader, join

from evals.history import Library, library


def loan(here: Library, day: float, book: str, reader: str, days: float) -> None:
    here.at(day)
    here.do(lend(Book(book), Reader(reader)))
    here.at(day + days)
    here.do(give_back(Book(book)))


with library() as here:
    for number in range(1, 21):
        here.do(buy(Book(f"b-{number}"), title=f"Book {number}"), "ines")
        here.do(
            join(Reader(f"r-{number}"), name="Maria Lindqvist" if number == 13 else f"Reader {number}"), "jo"
        )
    for number in range(1, 21):
        loan(here, number, f"b-{number}", f"r-{number}", 30 if number % 5 == 0 else 28)
    loan(here, 60, "b-4", "r-13", 9)
    here.at(71)
    here.do(lend(Book("b-4"), Reader("r-2")))
