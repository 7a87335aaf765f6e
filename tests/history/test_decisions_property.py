"""A decision is on a branch once, whatever merges, picks and rebases Hypothesis can think of, on any graph of branches.

Each command here has a number of its own, which stays the same however often it is decided again. That is all that the
tests go by: which numbers a branch has, and what they add up to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, permutations
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from backstory.database import Database
from backstory.errors import IdReused, Refused
from backstory.history.check.verify import verify
from backstory.history.merge.merge import MergeReport, Options
from backstory.history.merge.replay import Resolution
from backstory.store import Store
from backstory.stores.sqlite import SqliteStore
from tests.history.ledger import Book, Entered, draw, enter, ledger, move, reported

NAMES = ("main", "a", "b", "c")
IDS: dict[str, Callable[[int], str]] = {
    "short": str,
    "long": lambda number: f"{number:0200}",
    "quoted": lambda number: f"again.{number}'",
}


class Made(NamedTuple):
    """A decision on a book, without a command where it is blind."""

    kind: Literal["enter", "draw", "move", "blind"]
    book: str
    id: str


class Turn(NamedTuple):
    """What two branches decide, each for itself, and what one of them then takes over from the other."""

    branches: tuple[str, str]
    sources: list[Made]
    targets: list[Made]
    verb: Literal["merge", "pick", "rebase"]
    back: int
    resolution: Resolution | None
    fork: bool


made = st.builds(
    Made,
    st.sampled_from(["enter", "enter", "draw", "move", "blind"]),
    st.sampled_from("xxxy"),
    st.sampled_from([*["short"] * 6, *IDS]),
)
turns = st.builds(
    Turn,
    st.sampled_from(list(permutations(NAMES, 2))),
    st.lists(made, max_size=2),
    st.lists(made, max_size=2),
    st.sampled_from(["merge", "merge", "pick", "pick", "rebase"]),
    st.sampled_from([0, 0, 1, 2]),
    st.sampled_from(["redecide", "redecide", "redecide", "skip", "force", None]),
    st.booleans(),
)


def told(turns: list[Turn], store: Store | None = None) -> Database:
    """Main after these turns. After each of them, each branch has each decision once."""
    main = ledger(store)
    for book in "xy":
        main.execute(enter(Book(book), 1000))
    for name in NAMES[1:]:
        main.branch(name)
    numbers = count(1)
    for turn in turns:
        source, target = turn.branches
        decide(main.switch(source), turn.sources, numbers)
        decide(main.switch(target), turn.targets, numbers)
        if turn.fork:
            main.switch(source).branch(f"fork{next(numbers)}")
        if turn.verb != "rebase" or target != "main":
            take_over(main, turn)
        for name in main.branches.names():
            once(main.switch(name))
    return main


def decide(db: Database, decisions: list[Made], numbers: Iterator[int]) -> None:
    """Make these decisions, each with a number of its own; what cannot be decided is not."""
    for one in decisions:
        number = next(numbers)
        id, book, other = IDS[one.id](number), Book(one.book), Book("y" if one.book == "x" else "x")
        try:
            match one.kind:
                case "enter":
                    db.execute(enter(book, number), id=id)
                case "draw":
                    db.execute(draw(book, 400 + number), id=id)  # the third is refused
                case "move":
                    db.execute(move(book, other, number), id=id)
                case "blind":
                    db.append(Entered(one.book, number, -1), id=id)
        except (Refused, IdReused):
            pass


def take_over(main: Database, turn: Turn) -> None:
    """Merge, pick or rebase: as a dry run, in truth, and once more."""
    source, target = turn.branches
    options = Options(resolution=turn.resolution, message="so be it")
    missing = {commit.id for commit in main.between(f"{target}..{source}")}
    newest = list(main.switch(source).commits(backwards=True))

    def run(options: Options) -> MergeReport:
        db = main.switch(target)
        if turn.verb == "pick":
            return db.cherry_pick(newest[min(turn.back, len(newest) - 1)], options)
        return db.merge(source, options) if turn.verb == "merge" else db.rebase(source, options)

    before = heads(main)
    tried = run(msgspec.structs.replace(options, dry_run=True))
    assert heads(main) == before
    report = reported(run, options)
    assert said(tried) == said(report)
    if turn.verb == "merge":
        assert missing == {step.commit.id for step in report.steps if step.outcome != "known"}
    after = heads(main)
    assert report.done or after == before
    again = reported(run, options)
    assert again.done == report.done
    assert heads(main) == after


def said(report: MergeReport) -> list[tuple[Any, ...]]:
    """What a report says of each commit, but for the time at which it was decided again."""
    return [
        (s.commit.id, s.outcome, s.reason, s.there, s.in_the_way, s.draft and (s.draft.id, s.draft.events))
        for s in report.steps
    ]


def heads(main: Database) -> dict[str, Any]:
    """Where each branch ends."""
    return {name: (main.switch(name).chain, main.switch(name).head()) for name in main.branches.names()}


def once(db: Database) -> None:
    """Each number is in each book once, and the book's total is their sum."""
    entries = [(record.event.book, record.event.number) for record in db.read(Entered)]
    assert len(set(entries)) == len(entries)
    for book in "xy":
        assert db.load(Book(book)).total == sum(number for name, number in entries if name == book)


@given(st.lists(turns, min_size=2, max_size=8))
def test_a_branch_has_each_decision_once(turns: list[Turn]) -> None:
    assert verify(told(turns).store).problems == []


ENTER, MOVE, DRAW = (Made(kind, "x", "short") for kind in ("enter", "move", "draw"))
STORY = [
    Turn(("main", "a"), [ENTER], [ENTER], "pick", 0, "redecide", fork=False),
    Turn(("a", "main"), [MOVE], [MOVE], "merge", 0, "redecide", fork=True),
    Turn(("a", "b"), [DRAW], [ENTER, DRAW], "merge", 0, "redecide", fork=False),
    Turn(("b", "main"), [ENTER], [DRAW], "merge", 0, "redecide", fork=True),
    Turn(("b", "c"), [MOVE], [MOVE], "pick", 1, "redecide", fork=False),
    Turn(("main", "b"), [], [ENTER], "rebase", 0, "redecide", fork=False),
    Turn(("c", "b"), [ENTER], [], "merge", 0, "skip", fork=False),
    Turn(("b", "a"), [], [ENTER], "rebase", 0, "redecide", fork=False),
    Turn(("a", "c"), [], [], "merge", 0, "force", fork=False),
    Turn(("c", "main"), [], [], "merge", 0, "redecide", fork=False),
]
"""Every verb and every way, with decisions that were made again going both ways between four branches."""


def test_a_branch_in_a_file_has_each_decision_once(tmp_path: Path) -> None:
    with told(STORY, SqliteStore(tmp_path / "history.db")) as db:
        again = [commit for commit in db.commits() if "redecided" in commit.metadata]
        assert len(again) > 3
        assert verify(db.store).problems == []
