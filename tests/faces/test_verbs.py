"""Every public verb gives on both faces what it gives on the plain one, and keeps the same rules when it writes."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backstory import Database, Event, Projection, Query, Secret, Tx, command, reverts
from backstory.database import WhatIf
from backstory.errors import (
    AheadOfLog,
    BranchError,
    ClearTextWarning,
    Conflict,
    DecisionError,
    FoldedWarning,
    IdReused,
    InvalidEvent,
    InvalidTag,
    StoreClosed,
    UnknownRevision,
)
from backstory.right import take
from backstory.store import Record
from backstory.values.commit import Commit
from backstory.values.query import Condition
from tests.faces.conftest import Face
from tests.history.ledger import Book, Entered, draw, enter, ledger

reverts(Entered)(lambda event: [Entered(event.book, -event.number, 0)])


def history(db: Database) -> Database:
    """Two commits on main, and another one on `plan`, which stands on the first."""
    db.execute(enter(Book("a"), 1), id="first")
    db.branch("plan").execute(enter(Book("b"), 2), id="planned")
    db.append(Entered("a", 3, 0), id="second", author="ann")
    return db


def trial(db: Database) -> object:
    with db.what_if() as trial:
        trial.append(Entered("a", 9, 0), id="guess")
        return trial.load(Book("a")), [plain(one) for one in trial.read()]


def kept(db: Database) -> object:
    with db.what_if() as trial:
        trial.append(Entered("a", 9, 0), id="guess")
        branch = trial.keep("kept")
    return branch.name, list(branch.commits())


def undone(db: Database) -> object:
    commit = db.revert("second", author="ann")
    return None if commit is None else (commit.author, commit.metadata, commit.condition, commit.size)


def around(db: Database) -> object:
    with db.context(author="bob", tenant="t"):
        return db.append(Entered("a", 1, 0), id="inside")


def caused(db: Database) -> Commit:
    record = next(db.read(Entered, backwards=True, limit=1))
    with db.context(because=record):
        return db.append(Entered("a", 1, 0), id="effect")


class Sums(Projection):
    """A table of all entries."""

    tables = "CREATE TABLE sums (book TEXT PRIMARY KEY, total BIGINT NOT NULL)"

    def apply(self, event: Entered, tx: Tx) -> None:
        sql = "INSERT INTO sums VALUES (?, ?) ON CONFLICT (book) DO UPDATE SET total = sums.total + excluded.total"
        tx.execute(sql, (event.book, event.number))


def projected(db: Database) -> object:
    db.project(Sums)
    with db.run(Sums):
        db.wait(Sums, timeout=60)
        return db.rows(Sums, "SELECT * FROM sums", after=db.append(Entered("a", 1, 0)), timeout=60)


def rebuilt(db: Database) -> object:
    db.project(Sums)
    db.rebuild(Sums)
    with db.run(Sums):
        return db.rows(Sums, "SELECT * FROM sums", timeout=60)


def found(db: Database) -> object:
    db.materialize(Book, index=["total"])
    page = db.find(Book, "total > 1", order_by="-total", limit=5, count=True, timeout=60)
    return list(page), page.total


def together(db: Database) -> object:
    with db.atomic() as tx:
        one = tx.execute(enter(Book("c"), 1), id="one", author="ann")
        two = tx.execute(enter(Book("c"), 2), id="two")
    return one.commit, two.commit, two.events


def subscribed(db: Database) -> object:
    take(db.store)
    with db.subscribe("crm", Entered, after=0) as events:
        return next(events).event


def tabled(db: Database) -> object:
    table = db.table("people", unique=["name"])
    table.insert("p-1", {"name": "Ann"}, id="one", author="ann")
    table.put("p-1", {"name": "Bea"}, id="two")
    table.patch("p-1", {"city": None}, ["name"], id="three")
    table.update("p-1", city=None)
    with table.edit("p-1", id="four") as row:
        row["city"] = "Bern"
    table.delete("p-1", id="five")
    many = table.upsert_many([("p-2", {"name": "Cy"}), ("p-3", {"name": "Di"})])
    most = table.sync([("p-3", {"name": "Di"})], allow_deletes=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FoldedWarning)
        found = list(table.find("name == 'Di'", at="HEAD"))
    events = [plain(one) for one in table.history("p-1")]
    return (
        table.name,
        table.get("p-1"),
        table.get("p-1", at="main~1"),
        table.row("p-1"),
        table.state,
        events,
        many,
        most,
        found,
    )


def forgotten(db: Database) -> object:
    table = db.table("people")
    table.insert("p-1", {"name": "Ann"})
    return db.forget(table.row("p-1"), message="asked"), [plain(one)[:2] for one in table.history("p-1")]


VERBS: dict[str, Callable[[Database], object]] = {
    "append": lambda db: db.append(
        Entered("c", 1, 0), id="fact", author="ann", message="why", metadata={"k": 1}
    ),
    "atomic": together,
    "backtest": lambda db: (db.backtest(), db.backtest("main~1..plan", each=True)),
    "between": lambda db: list(db.between("plan..main")),
    "bisect": lambda db: db.bisect(Book("a"), "total > 10"),
    "blame": lambda db: db.blame(Book("a"))["total"].position,
    "branch": lambda db: (db.branch("more", at=1).name, db.switch("more").chain),
    "cherry_pick": lambda db: db.cherry_pick("plan"),
    "causes": lambda db: [(cause.id, cause.commit) for cause in db.causes(caused(db).id)],
    "close": lambda db: db.close(),
    "commits": lambda db: list(db.commits(after=1)),
    "context": around,
    "correlated": lambda db: [caused(db), list(db.correlated("second", limit=3))],
    "diff": lambda db: str(db.diff(1, "main", Book("a"))),
    "effects": lambda db: [caused(db), list(db.effects("second", at="main", limit=3))],
    "events": lambda db: [plain(one) for one in db.events("plan")],
    "execute": lambda db: db.execute(enter(Book("c"), 1), id="done", author="ann", message="why"),
    "batches": lambda db: [batch.to_pylist() for batch in db.batches(Entered, size=2)],
    "find": found,
    "forget": forgotten,
    "follow": lambda db: plain(next(db.follow(Entered, tags=["book:a"], after=1))),
    "frame": lambda db: db.frame(Entered, tags=["book:a"], at="plan").arrow().to_pylist(),
    "head": lambda db: db.head(),
    "identities": lambda db: list(db.identities(Book)),
    "keep": kept,
    "load": lambda db: (db.load(Book("a")), db.load(Book("a"), at=1), db.load(Book("b"), at="plan")),
    "mark": lambda db: db.mark("m", at=1, message="why", author="ann"),
    "materialize": found,
    "merge": lambda db: db.merge("plan"),
    "point": lambda db: (db.point("main~1"), db.point("plan")),
    "preview": lambda db: db.preview(enter(Book("a"), 1)).after,
    "project": projected,
    "prove": lambda db: db.prove("second", 1, show=["author"], head="main").check(db.head().hash.hex()),
    "read": lambda db: [plain(one) for one in db.read(Entered, tags=["book:a"], after=1)],
    "rebase": lambda db: db.switch("plan").rebase("main"),
    "rebuild": rebuilt,
    "revert": undone,
    "rows": projected,
    "run": projected,
    "see": lambda db: (db.see(Book("a")), db.see(Book("a"), at=1), db.see(Book("z"))),
    "spec": lambda db: (db.execute(enter(Book("b"), 1), id="new"), db.spec(Book("b"), then="state")),
    "store_id": lambda db: len(db.store_id()),
    "subscribe": subscribed,
    "switch": lambda db: list(db.switch("plan").commits()),
    "table": tabled,
    "tags": lambda db: db.tags("book"),
    "try_out": lambda db: [(one := db.try_out(draw(Book("a"), 1), at=1)).preview, one.at, one.starts],
    "turns": lambda db: [repr(turn) for turn in db.turns(Book, "total > 0", bad="plan", limit=5)],
    "types": lambda db: db.types(),
    "undone_by": lambda db: [undone(db), [commit.metadata for commit in db.undone_by("second")]],
    "unread": lambda db: (db.execute(enter(Book("b"), 1), id="new"), list(db.unread("new"))),
    "wait": projected,
    "watch": lambda db: next(db.watch(Book("a"))),
    "what_if": trial,
    "why": lambda db: (db.execute(enter(Book("b"), 1), id="new"), db.why(Book("b"), "total")),
}


def plain(record: Record) -> tuple[int, Any, Commit]:
    """What there is to know about an event."""
    return record.position, record.event, record.commit


def test_every_public_verb_is_here() -> None:
    verbs = {
        name
        for kind in (Database, WhatIf)
        for name, value in inspect.getmembers(kind)
        if not name.startswith("_") and callable(value)
    }
    assert set(VERBS) == verbs


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_gives_on_both_faces_what_it_gives_on_the_plain_one(face: Face, verb: str) -> None:
    with history(ledger()) as there:
        here = history(face(ledger()))
        assert repr(VERBS[verb](here)) == repr(VERBS[verb](there))


class Hidden(Event, name="verbs.hidden"):
    word: Secret[str]


class Strange:
    """Is no event."""

    def __repr__(self) -> str:
        return "<strange>"


@command(name="verbs.strange")
def strange(book: Book) -> Iterator[Any]:
    yield Strange()


ON_A = Query.of(tags=["book:a"])

RULES: dict[str, tuple[type[Exception], Callable[[Database], object]]] = {
    "a fact is an event": (Exception, lambda db: db.append(Strange())),
    "a commit has an event": (InvalidEvent, lambda db: db.append()),
    "a decision is made of events": (DecisionError, lambda db: db.execute(strange(Book("a")))),
    "an event is what its class says": (
        InvalidEvent,
        lambda db: db.append(Entered("a", "much", 0)),  # type: ignore[arg-type]
    ),
    "a tag is not empty": (InvalidTag, lambda db: db.append(Entered("", 1, 0))),
    "an identity is not empty": (InvalidTag, lambda db: db.execute(enter(Book(""), 1))),
    "an id is of one commit": (IdReused, lambda db: db.append(Entered("a", 4, 0), id="second")),
    "an id is of one command": (IdReused, lambda db: db.execute(enter(Book("a"), 4), id="first")),
    "an id of a fact is of no command": (IdReused, lambda db: db.execute(enter(Book("a"), 4), id="second")),
    "an id is not reserved": (InvalidEvent, lambda db: db.append(Entered("a", 4, 0), id="backstory.x")),
    "an id of a command is not reserved": (
        InvalidEvent,
        lambda db: db.execute(enter(Book("a"), 4), id="backstory.x"),
    ),
    "a condition holds": (
        Conflict,
        lambda db: db.append(Entered("a", 4, 0), condition=Condition(ON_A, 1)),
    ),
    "a condition is on this history": (
        AheadOfLog,
        lambda db: db.append(Entered("a", 4, 0), condition=Condition(ON_A, 99)),
    ),
    "metadata is JSON": (InvalidEvent, lambda db: db.append(Entered("a", 4, 0), metadata={"x": Strange()})),
    "metadata of a command is JSON": (
        InvalidEvent,
        lambda db: db.execute(enter(Book("a"), 4), metadata={"x": Strange()}),
    ),
    "an author is text": (InvalidEvent, lambda db: db.append(Entered("a", 4, 0), author="\ud800")),
    "a name is of one branch": (BranchError, lambda db: db.branch("plan")),
    "main is not moved": (BranchError, lambda db: db.rebase("plan")),
    "what is reverted is on the branch": (UnknownRevision, lambda db: db.revert("plan")),
}


@pytest.mark.parametrize("rule", RULES)
def test_what_breaks_a_rule_is_refused_on_both_faces_with_the_same_words(face: Face, rule: str) -> None:
    told = []
    for db in (history(face(ledger())), history(ledger())):
        before = db.head().position
        with pytest.raises(RULES[rule][0]) as error:
            RULES[rule][1](db)
        told.append((type(error.value), str(error.value)))
        assert db.head().position == before
    assert told[0] == told[1]


def test_what_is_marked_and_lies_in_clear_text_is_told_once(face: Face) -> None:
    db = face(ledger())
    with pytest.warns(ClearTextWarning, match=r"verbs\.hidden"):
        db.append(Hidden("x"))
    db.append(Hidden("y"))  # another warning would be an error


def test_what_is_closed_takes_nothing_any_more(face: Face) -> None:
    db = history(face(ledger()))
    db.close()
    for write in (VERBS["append"], VERBS["execute"]):
        with pytest.raises(StoreClosed):
            write(db)
