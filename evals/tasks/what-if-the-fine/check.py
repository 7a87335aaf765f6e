from __future__ import annotations

from library.events import BookLent, BookReturned, FinePaid, ReaderFined

from backstory import connect
from evals.checking import answer, check


def the_numbers_are_those_of_the_other_rule() -> str | None:
    owes: dict[str, int] = {}
    lent: set[str] = set()
    cents = refused = 0
    with connect("library.db", create=False) as db:
        for commit in db.commits():
            events = [record.event for record in db.events(commit)]
            match events:
                case [BookLent(book=book, reader=reader)]:
                    if owes.get(reader, 0) >= 500:
                        refused += 1
                    else:
                        lent.add(book)
                case [BookReturned(book=book), *fines] if book in lent:
                    lent.discard(book)
                    for fine in fines:
                        assert isinstance(fine, ReaderFined)
                        cents += fine.cents // 20 * 50
                        owes[fine.reader] = owes.get(fine.reader, 0) + fine.cents // 20 * 50
                case [FinePaid(reader=reader, cents=paid)] if paid <= owes.get(reader, 0):
                    owes[reader] -= paid
    truth = {"cents": cents, "refused": refused}
    wrong = [key for key in truth if answer().get(key) != truth[key]]
    return f"wrong in answer.json: {', '.join(wrong)}" if wrong else None


check(the_numbers_are_those_of_the_other_rule)
