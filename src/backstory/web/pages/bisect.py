"""Bisect: since when something is true of a state, or of which states of a kind, and whether it went back and forth."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.decide.latest import Latest
from backstory.documents import document
from backstory.documents.bisect import state_turn_document, turns_document
from backstory.documents.errors import error_document
from backstory.errors import BackstoryError, OutOfScope, RevisionError
from backstory.failing import theirs
from backstory.history.ask.bisect import Looked, StateTurn, looking_for_first, looking_for_turns
from backstory.history.ask.changes import FieldChange, changed_at, on_a_line
from backstory.history.compare.jsonable import words_of
from backstory.subject import Subjects
from backstory.values.codec import Codec
from backstory.web.ask import Ask
from backstory.web.page import Answer, Pace, Page, Progress, soon
from backstory.web.question import Question, asked_by, form_values
from backstory.web.truth import Truth, drawn
from backstory.web.wrong import told

if TYPE_CHECKING:
    from backstory.decide.state import State
    from backstory.history.ask.bisect import Found
    from backstory.store import Record

AS_STORED = Codec(classes={})
"""Turns are shown as they are stored: an event that its class cannot read any more is shown too."""

TURNS, KEPT = 50, 2_000
"""Turns in the table, and the newest ones that are kept for the document."""

CHANGED, NAMED = 3, 3
"""Fields that an event changed, in its row; states that are named in the verdict."""


class Turned(msgspec.Struct, frozen=True):
    """A turn of a state, as a row of the table."""

    reference: State
    holds: bool
    record: Record


def page(ask: Ask) -> Answer:
    """The form alone, with the fields that can be asked about if it is known of what, or the answer below it."""
    if "where" not in ask.params or not (ask.one("of") or ask.one("where")):
        return _form(ask)
    try:
        asked = asked_by(ask)
    except OutOfScope:
        raise
    except RevisionError as wrong:
        return _form(ask, wrong, 404)
    except (BackstoryError, ValueError) as wrong:
        return _form(ask, wrong, 400)
    return soon(f"Since when is {asked.where}?", _steps(ask, asked))


def _form(ask: Ask, wrong: Exception | None = None, status: int = 200) -> Page:
    wrong = None if wrong is None else told(ask, wrong)
    values = form_values(ask) | {"wrong": "" if wrong is None else str(wrong)}
    if wrong is None:
        made = document("bisect")
    elif isinstance(wrong, BackstoryError):
        made = document("error", **error_document(wrong))
    else:
        made = document("error", error="bad-parameter", message=str(wrong), hints=[])
    return Page("bisect.html", "Since when is this true?", made, (), values, status)


def _steps(ask: Ask, asked: Question) -> Iterator[Progress | Page]:
    """How far it is, and then the answer; an error in the expression, or in the application's code, at the form."""
    try:
        with theirs(asked.cls):
            yield from _answers(ask, asked)
    except OutOfScope:
        raise
    except BackstoryError as wrong:
        yield _form(ask, wrong, 400)


def _answers(ask: Ask, asked: Question) -> Iterator[Progress | Page]:
    pace = Pace()
    if asked.reference is not None:
        looking = looking_for_first(
            asked.log, asked.reference, asked.holds, asked.after, asked.upto, AS_STORED
        )
        looked = Looked(asked.after, 0, 0, 0)
        while True:
            try:
                looked = next(looking)
            except StopIteration as end:
                yield _of_one(ask, asked, end.value, looked)
                return
            if pace.due():
                yield _progress(ask, asked, looked)
    kept: deque[StateTurn] = deque(maxlen=KEPT)
    true: dict[tuple[str, ...], Turned] = {}
    seen: set[tuple[str, ...]] = set()
    first: StateTurn | None = None
    looked = Looked(asked.after, 0, 0, 0)
    for each in looking_for_turns(asked.log, asked.cls, asked.holds, asked.after, asked.upto, AS_STORED):
        if isinstance(each, Looked):
            looked = each
            if pace.due():
                yield _progress(ask, asked, looked)
            continue
        kept.append(each)
        words = words_of(each.reference)
        seen.add(words)
        true.pop(words, None)
        if each.holds:
            true[words] = Turned(each.reference, True, each.record)
            first = first or each
    now = [{"words": words, "position": turn.record.position} for words, turn in islice(true.items(), NAMED)]
    answer = {"true": now, "many": len(true), "turned": len(seen), "first": first and first.record}
    yield _of_all(ask, asked, kept, looked, answer)


def _progress(ask: Ask, asked: Question, looked: Looked) -> Progress:
    done = looked.position - asked.after
    return Progress(done, asked.upto - asked.after, looked.turns, ask.here(bad=f"#{looked.position}"))


def _of_one(ask: Ask, asked: Question, found: Found, looked: Looked) -> Page:
    """The answer about one state."""
    assert asked.reference is not None
    reference = asked.reference
    turns = [Turned(reference, turn.holds, turn.record) for turn in found.turns]
    answer = {
        "one": words_of(reference),
        "holds": found.holds,
        "began": found.began,
        "first": found.first,
        "last": next((turn.record for turn in reversed(found.turns) if turn.holds), None),
        "ended": found.turns[-1].record if found.turns and not found.holds else None,
    }
    words = " ".join(words_of(reference))
    made = document("bisect", **turns_document(reference, asked.where, found))
    command = ("bisect", *words_of(reference), "--where", asked.where, "--turns")
    return _page(ask, asked, turns, looked, answer, made, command, f"{words}: {asked.where}")


def _of_all(
    ask: Ask, asked: Question, kept: deque[StateTurn], looked: Looked, answer: Mapping[str, Any]
) -> Page:
    """The answer about all states of a class."""
    turns = [Turned(turn.reference, turn.holds, turn.record) for turn in kept]
    name = "tags" if asked.cls is Latest else asked.cls.__name__
    left = {"left_out": looked.turns - len(kept)} if looked.turns > len(kept) else {}
    made = document("turns", turns=list(map(state_turn_document, kept)), **left)
    command = ("bisect", name, "--all", "--where", asked.where, "--turns")
    title = f"{name}: {asked.where}"
    return _page(ask, asked, turns, looked, {"one": (), "name": name, **answer}, made, command, title)


def _page(
    ask: Ask,
    asked: Question,
    turns: list[Turned],
    looked: Looked,
    answer: Mapping[str, Any],
    made: Mapping[str, Any],
    command: tuple[str, ...],
    title: str,
) -> Page:
    subjects = Subjects(asked.log)
    newest = turns[-TURNS:][::-1]
    changed = _changed(asked, newest)
    rows = [
        {
            "holds": turn.holds,
            "words": words_of(turn.reference),
            "record": turn.record,
            "subject": subjects.of(turn.record.commit),
            "changes": each[:CHANGED],
            "left": max(0, len(each) - CHANGED),
        }
        for turn, each in zip(newest, changed, strict=True)
    ]
    drawing = drawn(
        [Truth(words_of(turn.reference), turn.record.position, turn.holds) for turn in turns],
        asked.after,
        asked.upto,
        is_end=asked.upto == asked.log.head().position,
    )
    values = form_values(ask) | {
        "answer": answer,
        "where": asked.where,
        "after": asked.after,
        "upto": asked.upto,
        "looked": looked,
        "rows": rows,
        "left": looked.turns - len(rows),
        "drawing": drawing,
    }
    good = ("--good", f"#{asked.after}") if asked.after else ()
    bad = ("--bad", f"#{asked.upto}") if ask.one("bad") or ask.is_past else ()
    app = () if asked.cls is Latest else ("--app",)
    return Page("bisect.html", title, made, (*command, *good, *bad, *app), values)


def _changed(asked: Question, turns: list[Turned]) -> list[list[FieldChange]]:
    """The fields that the event of each turn changed, those of the expression first. One pass for each state."""
    positions: dict[tuple[str, ...], tuple[State, set[int]]] = {}
    for turn in turns:
        positions.setdefault(words_of(turn.reference), (turn.reference, set()))[1].add(turn.record.position)
    found = {
        words: changed_at(asked.log, reference, wanted) for words, (reference, wanted) in positions.items()
    }
    rows = []
    for turn in turns:
        difference = found[words_of(turn.reference)].get(turn.record.position)
        changes = (
            [] if difference is None else [on_a_line(turn.reference, each) for each in difference.changes]
        )
        rows.append(sorted(changes, key=lambda each: each.field.partition(".")[0] not in asked.holds.fields))
    return rows
