from __future__ import annotations

from typing import Any

from library.events import BookLent, FinePaid, ReaderFined
from library.readers import Reader

from backstory import connect
from evals.checking import answer, check


def the_explanation_is_right() -> str | None:
    with connect("library.db", create=False) as db:
        most = max((db.load(reader) for reader in db.identities(Reader)), key=lambda reader: reader.owes)
        lent: dict[str, Any] = {}
        truth: dict[str, Any] = {"reader": most.reader, "owes": most.owes}
        for record in db.read():
            event = record.event
            if isinstance(event, BookLent):
                lent[event.book] = record
            elif isinstance(event, ReaderFined | FinePaid) and event.reader == most.reader:
                assert isinstance(event, ReaderFined), "the store of the task was changed"
                commit = next(commit for commit in db.commits() if commit.position >= record.position)
                assert commit.command is not None
                truth |= {
                    "position": record.position,
                    "command": commit.command["name"],
                    "author": commit.author,
                    "due": lent[event.book].event.due.isoformat(),
                    "lent_at": lent[event.book].position,
                }
    wrong = [key for key in truth if answer().get(key) != truth[key]]
    return f"wrong in answer.json: {', '.join(wrong)}" if wrong else None


check(the_explanation_is_right)
