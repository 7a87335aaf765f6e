from __future__ import annotations

from library.events import BookLent, BookReturned

from backstory import connect
from backstory.testing import check_projection
from evals.checking import check, ran


def truth() -> list[tuple[str, str, str]]:
    lent: dict[str, tuple[str, str, str]] = {}
    with connect("library.db", create=False) as db:
        for record in db.read():
            match record.event:
                case BookLent(book=book, reader=reader):
                    lent[book] = (book, reader, record.authored.date().isoformat())
                case BookReturned(book=book):
                    del lent[book]
    return sorted(lent.values())


def the_tables_are_fed_and_right() -> str | None:
    from library.loans import Loans

    with connect("library.db", create=False) as db:
        found = db.rows(Loans, "SELECT book, reader, since FROM loans ORDER BY book", timeout=0.5)
    return None if sorted(found) == truth() else "the rows are not those of the books that are lent"


def it_runs_and_is_not_behind() -> str | None:
    checked = ran("backstory", "projections", "--check")
    return (
        None
        if checked.returncode == 0
        else f"backstory projections --check: {checked.stdout or checked.stderr}"
    )


def it_can_be_made_again() -> None:
    from library.loans import Loans

    with connect("library.db", create=False) as db:
        check_projection(Loans, [record.event for record in db.read()][:120])


check(the_tables_are_fed_and_right, it_runs_and_is_not_behind, it_can_be_made_again)
