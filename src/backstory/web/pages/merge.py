"""The preview of a merge: each commit's verdict, what is in the way, and the ways out. Nothing is appended."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from backstory.errors import HeadMoved, RefMoved
from backstory.history.merge.merge import MergeReport
from backstory.web import merging, verdicts
from backstory.web.ask import Ask
from backstory.web.page import Answer, Pace, Page, Progress, soon

TRIES = 10
"""How often a merge is judged, if its branches go on meanwhile."""


def page(ask: Ask) -> Answer:
    """The preview of a merge, with the answers of the address."""
    answers = merging.answers_of(ask.params.multi_items())
    asked = merging.looked(ask, answers)
    return soon(f"Merge {asked.source} into {asked.target}", _steps(ask, asked))


def _steps(ask: Ask, asked: merging.Looked) -> Iterator[Progress | Page]:
    number = merging.waiting(ask, asked)
    if number > merging.MOST_JUDGED:
        yield verdicts.too_many(asked)
        return
    asked, report = yield from _judging(ask, asked, number)
    yield verdicts.page_of(ask, asked, report)


def _judging(
    ask: Ask, asked: merging.Looked, number: int, tries: int = TRIES
) -> Generator[Progress, None, tuple[merging.Looked, MergeReport]]:
    """The report of the merge, and the ends for which it was made: branches may go on meanwhile."""
    pace, done = Pace(), 0
    judging = merging.judging(ask, asked)
    try:
        while True:
            next(judging)
            done += 1
            if pace.due():
                yield Progress(1 + (done - 1) % number, number, None, what="commits")
    except StopIteration as end:
        return asked, end.value
    except (HeadMoved, RefMoved):
        if tries == 1:
            raise
    return (yield from _judging(ask, merging.looked(ask, asked.answers), number, tries - 1))
