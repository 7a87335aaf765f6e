from __future__ import annotations

from library.events import BookLent, BookReturned

from backstory import connect
from evals.checking import answer, check


def the_answer_is_the_first_loan_of_a_book_that_was_lent() -> str | None:
    holder: dict[str, str] = {}
    with connect("library.db", create=False) as db:
        for record in db.read():
            event = record.event
            if isinstance(event, BookReturned):
                holder.pop(event.book, None)
            elif isinstance(event, BookLent):
                if event.book in holder:
                    commit = next(db.commits(after=record.position - 1))
                    truth = {
                        "book": event.book,
                        "position": record.position,
                        "author": commit.author,
                        "message": commit.message,
                        "had_it": holder[event.book],
                    }
                    wrong = [key for key in truth if answer().get(key) != truth[key]]
                    return f"wrong in answer.json: {', '.join(wrong)}" if wrong else None
                holder[event.book] = event.reader
    return "the store of the task was changed"


check(the_answer_is_the_first_loan_of_a_book_that_was_lent)
