"""No verb of a reader's database shows what is outside of the scope: not in results, documents, or words of errors."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice, product
from typing import Any

import pytest

from backstory import Database, Projection, Query, Tx
from backstory.decide.latest import Latest
from backstory.documents.blame import blame_document
from backstory.documents.commits import commit_document, event_document
from backstory.documents.merges import merge_document
from backstory.documents.why import why_document
from backstory.errors import BackstoryError, Conflict, FoldedWarning, MergeConflict, OutOfScope, StoreRefused
from backstory.history.ask.grep import grep_events, grep_messages
from backstory.history.ask.listing import Filter, Side, listed
from backstory.history.ask.search import commits_with, commits_with_any
from backstory.history.ask.summary import keys, stats
from backstory.history.merge.merge import MergeReport, Options
from backstory.history.refs.standing import Standings
from backstory.scope import Scope, ScopedDatabase, scoped
from backstory.store import Store, write
from backstory.subject import Subjects
from backstory.unit import SetRef
from backstory.values.query import Condition
from tests.faces.test_verbs import VERBS as EVERY
from tests.scope.planted import found_in
from tests.scope.shop import Customer, Noted, Notes, Order, Paid, Placed, pay, shop, split

MINE = Scope(
    tags=("order:o-1", "order:o-3"), types=("scope.placed", "scope.paid"), hidden=("customer", "Placed.email")
)


class Orders(Projection):
    """A table of all orders."""

    tables = "CREATE TABLE orders (name TEXT PRIMARY KEY)"

    def apply(self, event: Placed, tx: Tx) -> None:
        tx.execute("INSERT INTO orders VALUES (?) ON CONFLICT DO NOTHING", (event.order,))


def told(db: Database) -> Database:
    """The shop, with branches, marks, links and a conflict."""
    db.branch("plan", at=1)
    plan = db.switch("plan")
    plan.execute(pay(Order("o-1"), 5), id="plan-1", author="ann")
    plan.execute(split(Order("o-1"), Order("planted-o-2"), 5), id="plan-2", author="ann", message="kept")
    plan.append(Placed("planted-o-4", "planted-c", 1), id="planted-plan", message="planted too")
    plan.append(Placed("o-3", "c-3", 1), Paid("planted-o-4", 1), id="plan-3", message="planted half")
    db.mark("here", at=4, message="planted why", author="planted-marker")
    cause = next(db.read(Noted))
    with db.context(because=cause, correlation="planted-correlation"):
        db.append(Paid("planted-o-2", 1), id="planted-effect", author="planted-d")
    with db.context(because=db.events("both")[0], correlation="mine"):
        db.append(Paid("o-1", 1), id="effect", author="ann")
        db.append(Paid("planted-o-2", 1), id="planted-effect-2", author="planted-e")
    db.table("people").insert("planted-p-1", {"name": "planted name"}, author="planted-f")
    db.append(Placed("planted-o-5", "planted-c", 1), author="planted-last", message="planted at the end")
    return db


def every(found: Iterator[Any]) -> list[Any]:
    return list(islice(found, 100))


NAMES = (
    "main",
    "plan",
    "here",
    "#2",
    "#4",
    "3",
    7,
    "planted-id",
    "both",
    "split",
    "main~2",
    "HEAD^",
    "plan~1",
)
STATES = (
    Order("o-1"),
    Order("planted-o-2"),
    Notes("planted-o-2"),
    Customer("planted-c-1"),
    Latest("order:o-1"),
    Latest("order:planted-o-2"),
)
WHERES = (
    "due > 0",
    "email == 'planted@x'",
    "cents > 0",
    "customer == 'planted-c-1'",
    "field('customer') == 'x'",
)


def blamed(db: Database, state: Any) -> Any:
    found = db.blame(state)
    return found, [(part, part.commit) for part in found]


def reasons(db: Database, state: Any, field: str) -> Any:
    found = db.why(state, field)
    return found, why_document(found, db.head().position, Subjects(db.log))


def merged(db: ScopedDatabase, options: Options) -> Any:
    report = db.merge("plan", options)
    sides = (Subjects(db.switch("plan").log), Subjects(db.log))
    return report, merge_document(report, *sides)


ONCE: list[tuple[Any, ...]] = [()]

ASKS: dict[str, tuple[Callable[..., Any], Iterable[tuple[Any, ...]]]] = {
    "append": (lambda db: db.append(Paid("o-1", 1), condition=Condition(Query.all(), 1)), ONCE),
    "atomic": (lambda db: db.atomic().__enter__(), ONCE),
    "backtest": (lambda db, range: db.backtest(range), product((None, "plan", "#1..main", "planted-id"))),
    "between": (
        lambda db, a, b: every(db.between(a + b)),
        product(("plan", "main", "here", "planted-id"), ("..plan", "...main~1")),
    ),
    "bisect": (lambda db, state, where: db.bisect(state, where), product(STATES, WHERES)),
    "blame": (blamed, product(STATES)),
    "branch": (lambda db: db.branch("more", at=2), ONCE),
    "causes": (lambda db, at: every(db.causes(at)), product((*NAMES, "effect", "planted-effect"))),
    "cherry_pick": (
        lambda db, at, preview: db.cherry_pick(at, Options(preview=preview, dry_run=True)),
        product(("plan", "plan~1", "plan-3", "plan-2", "planted-plan"), (True, False)),
    ),
    "close": (lambda db: db.close(), ONCE),
    "commits": (
        lambda db, how: every(db.commits(**how)),
        product(({}, {"after": 1}, {"at": "plan"}, {"backwards": True}, {"at": 4}, {"after": "2-00000000"})),
    ),
    "context": (lambda db: db.context(author="x").__enter__(), ONCE),
    "correlated": (
        lambda db, id: every(db.correlated(id)),
        product(("planted-correlation", "both", "mine", "planted-id")),
    ),
    "diff": (lambda db, state, of: db.diff(*of, state), product(STATES, ((0, "main"), ("plan", 4)))),
    "effects": (lambda db, at: every(db.effects(at)), product(NAMES)),
    "events": (lambda db, at: db.events(at), product(NAMES)),
    "execute": (lambda db: db.execute(split(Order("o-1"), Order("planted-o-2"), 1)), ONCE),
    "forget": (
        lambda db, key: db.forget(db.table("people").row(key), message="asked"),
        product(("p-1", "planted-p-1")),
    ),
    "batches": (
        lambda db, *what: [batch.to_pylist() for batch in db.batches(*what)],
        [(), (Placed,), (Paid,), (Noted,), ("planted-type",), (Order("o-1"),), (Order("planted-o-2"),)],
    ),
    "frame": (
        lambda db, *what: db.frame(*what).arrow().to_pylist(),
        [(), (Placed,), (Paid,), (Noted,), (Order,), (Customer,), (Notes,), (Order("planted-o-2"),)],
    ),
    "find": (
        lambda db, cls, where, by: db.find(cls, where, order_by=by, count=True, limit=3),
        product((Order, Notes, Customer), ("", *WHERES), ("", "-due", "email")),
    ),
    "follow": (
        lambda db, *what: next(db.follow(*what, after=0)),
        [(), (Paid,), (Noted,), (Order("o-1"),), ("scope.planted-noted",)],
    ),
    "head": (lambda db: db.head(), ONCE),
    "identities": (lambda db, cls: every(db.identities(cls)), product((Order, Notes, Customer))),
    "load": (lambda db, state, at: db.load(state, at=at), product(STATES, (None, 3, "plan", "planted-id"))),
    "mark": (lambda db: db.mark("m", at=2), ONCE),
    "materialize": (lambda db: db.materialize(Order), ONCE),
    "merge": (
        lambda db, preview, way: merged(
            db, Options(preview=preview, dry_run=True, resolution=way, message="so")
        ),
        product((True, False), (None, "redecide", "skip", "force")),
    ),
    "point": (lambda db, at: db.point(at), product((*NAMES, datetime(2026, 3, 1, 12, 0, 2, tzinfo=UTC)))),
    "preview": (
        lambda db, command: db.preview(command),
        [(pay(Order("o-1"), 1),), (split(Order("o-1"), Order("planted-o-2"), 1),)],
    ),
    "project": (lambda db: db.project(Orders), ONCE),
    "prove": (lambda db, at: db.prove(at, 1, show=["author", "message"]), product(NAMES)),
    "read": (
        lambda db, how, *what: every(db.read(*what, **how)),
        [
            *product(({}, {"backwards": True}), (Placed, Paid, Noted, "scope.planted-noted", "planted-type")),
            *product(({"tags": ["order:o-1"]}, {"tags": ["order:planted-o-2"]}), (Placed, Noted)),
            ({},),
        ],
    ),
    "rebase": (
        lambda db, at: db.switch("plan").rebase(at, Options(dry_run=True)),
        product(("main", 5, "planted-id")),
    ),
    "rebuild": (lambda db: db.rebuild(Orders), ONCE),
    "revert": (lambda db, at: db.revert(at), product(NAMES)),
    "rows": (
        lambda db, live: db.rows(Orders, "SELECT * FROM orders", live=live),
        product((True, False)),
    ),
    "run": (lambda db: db.run(Orders), ONCE),
    "see": (lambda db, state, at: db.see(state, at=at), product(STATES, (None, 3, "plan", "planted-id"))),
    "store_id": (lambda db: db.store_id(), ONCE),
    "subscribe": (lambda db: db.subscribe("crm", Noted), ONCE),
    "switch": (lambda db, name: every(db.switch(name).commits()), product(("plan", "planted-branch"))),
    "table": (
        lambda db, ask: ask(db.table("people")),
        product(
            (
                lambda table: table.get("planted-p-1"),
                lambda table: every(table.history("planted-p-1")),
                lambda table: table.find(count=True),
                lambda table: table.find("name == 'x'", order_by="name"),
                lambda table: table.insert("planted-p-1", {}),
                lambda table: table.put("planted-p-1", {}),
                lambda table: table.update("planted-p-1", name="x"),
                lambda table: table.delete("planted-p-1"),
                lambda table: table.upsert_many([("planted-p-1", {})]),
                lambda table: table.sync([], allow_deletes=9),
                lambda table: table.edit("planted-p-1").__enter__(),
            )
        ),
    ),
    "tags": (lambda db, key: db.tags(key), product((None, "order", "customer", "planted-key"))),
    "turns": (lambda db, cls, where: every(db.turns(cls, where)), product((Order, Notes, Latest), WHERES)),
    "try_out": (lambda db: db.try_out(split(Order("o-1"), Order("planted-o-2"), 1)), ONCE),
    "types": (lambda db: db.types(), ONCE),
    "undone_by": (lambda db, at: every(db.undone_by(at)), product(NAMES)),
    "unread": (lambda db, at: every(db.unread(at)), product(NAMES)),
    "wait": (lambda db: db.wait(Orders), ONCE),
    "watch": (lambda db, what: next(db.watch(what)), product((*STATES, Paid, Noted))),
    "spec": (lambda db, state: db.spec(state), product(STATES)),
    "why": (reasons, product(STATES, ("due", "email", "words", "orders", "customer", "cents"))),
    "what_if": (lambda db: db.what_if().__enter__(), ONCE),
}
"""Each verb, with questions about what is in scope and what is not. A new verb gets a line here."""

ASKS = {verb: (ask, list(given)) for verb, (ask, given) in ASKS.items()}


@pytest.fixture(scope="module")
def whole(shared_store: Store) -> Database:
    """A shop in a store of each kind, which these tests only read."""
    return told(shop(shared_store))


@pytest.fixture
def reader(whole: Database) -> Iterator[ScopedDatabase]:
    """A reader of it."""
    db = scoped(whole, MINE)
    with warnings.catch_warnings(), db.scope.applied():
        warnings.simplefilter("ignore", FoldedWarning)
        yield db


ASKED = ("planted-o-2", "planted-c-1", "planted-id", "planted-effect", "planted-correlation", "scope.planted-noted",
         "planted-type", "planted-branch", "planted-key", "planted-plan", "planted@x", "planted-p-1")  # fmt: skip
"""Names in the questions of this test: an error may repeat the one that it refuses."""


def answer(ask: Callable[..., Any], *given: Any) -> tuple[Any, ...]:
    """The answer to a question; or the error, and the names that it may repeat."""
    try:
        return (ask(*given),)
    except BackstoryError as error:
        return error, *ASKED


def test_every_verb_is_asked() -> None:
    assert set(ASKS) == set(EVERY) - {"keep"}


@pytest.mark.parametrize("verb", ASKS)
def test_no_verb_shows_what_is_outside(verb: str, reader: ScopedDatabase) -> None:
    ask, questions = ASKS[verb]
    for given in questions:
        assert found_in(*answer(ask, reader, *given)) == []


def test_no_document_shows_what_is_outside(reader: ScopedDatabase) -> None:
    log, subjects = reader.log, Subjects(reader.log)
    for commit in reader.commits():
        events = [record.stored for record in reader.events(commit)]
        assert found_in(commit_document(commit, subjects.of(commit), events)) == []
        assert found_in([event_document(event) for event in events]) == []
    assert found_in([stats(log), keys(log)]) == []
    assert found_in([each.name for each in reader.branches.all()]) == []
    assert found_in([reader.branches.marks(), list(reader.branches.reflog.read())]) == []
    assert found_in([Standings(reader.branches).of(branch) for branch in reader.branches.all()]) == []
    assert found_in(reader.store.refs.list()) == []
    assert found_in(blame_document(Order("o-1"), reader.blame(Order("o-1")), 9, subjects)) == []
    assert found_in([reader, reader.store, reader.handle.lines]) == []


def test_of_refs_a_reader_sees_the_names_of_points(reader: ScopedDatabase) -> None:
    write(reader._whole.store, SetRef("settled/planted", '["planted"]', None))
    assert {*reader._whole.store.refs.list()} > {*reader.store.refs.list()} >= {"branch/main", "mark/here"}
    assert reader.store.refs.get("settled/planted") is None
    assert reader.store.refs.get("reflog") is None
    assert reader.store.refs.get("branch/main") == "0"


def test_no_search_shows_what_is_outside(reader: ScopedDatabase) -> None:
    log = reader.log
    assert every(grep_messages(log, "planted")) == []
    assert every(grep_events(log, "planted")) == []
    assert found_in([listed([Side(log, Filter(author="planted"))])]) == []
    for path, value in (("customer", "planted-c-1"), ("email", "planted@x"), ("due", "0")):
        assert found_in(*answer(lambda *its: every(commits_with(log, Order("o-1"), *its)), path, value)) == []
        for cls in (Latest, Order):
            ask = partial(commits_with_any, log, cls, path)
            assert found_in(*answer(lambda ask, value: every(ask(value)), ask, value)) == []


def test_a_reader_merges_nothing(reader: ScopedDatabase) -> None:
    with pytest.raises(StoreRefused, match="read-only"):
        reader.merge("plan")
    with pytest.raises(StoreRefused, match="read-only"):
        reader.switch("plan").rebase("main")
    with pytest.raises(StoreRefused, match="read-only"):
        reader.cherry_pick("plan")


def test_a_conflict_names_what_is_in_scope_and_counts_the_rest(reader: ScopedDatabase) -> None:
    report: MergeReport = reader.merge("plan", Options(preview=True))
    assert [(step.commit.id, step.outcome) for step in report.steps] == [
        ("plan-1", "conflict"),
        ("plan-2", "conflict"),
        ("plan-3", "unchecked"),
    ]
    assert report.unseen == ("unchecked",)
    assert report.steps[1].unseen > 0
    assert report.steps[0].unseen == 0
    with pytest.raises(MergeConflict) as told_all:
        reader._whole.merge("plan")
    seen = reader.seen(told_all.value)
    assert found_in(seen) == []
    assert isinstance(seen, MergeConflict)
    assert seen.report.steps[0].in_the_way == report.steps[0].in_the_way


def test_a_reader_who_goes_to_another_branch_asks_about_that_one(reader: ScopedDatabase) -> None:
    plan = reader.switch("plan")
    rebased = plan.rebase("main", Options(dry_run=True))
    assert (rebased.source, [step.commit.id for step in rebased.steps]) == (
        "plan",
        ["plan-1", "plan-2", "plan-3"],
    )
    report = plan.merge("main", Options(dry_run=True))
    assert (report.source, report.target) == ("main", "plan")
    picked = plan.cherry_pick("both", Options(dry_run=True))
    assert (picked.target, [step.commit.author for step in picked.steps]) == ("plan", [""])
    assert found_in([rebased, report, picked]) == []


def test_the_conflict_of_an_append_names_what_is_in_scope_and_counts_the_rest(reader: ScopedDatabase) -> None:
    with pytest.raises(Conflict) as told_all:
        reader._whole.append(Paid("o-1", 1), condition=Condition(Query.all(), 1))
    assert found_in(told_all.value)
    seen = reader.seen(told_all.value)
    assert isinstance(seen, Conflict)
    assert found_in(seen) == []
    assert (len(seen.events), seen.unseen) == (4, len(told_all.value.events) - 4)
    assert "that are not shown" in str(seen)


def test_a_hidden_field_cannot_be_asked_for(reader: ScopedDatabase) -> None:
    with pytest.raises(OutOfScope, match="customer"):
        reader.bisect(Latest("order:o-1"), "customer == 'planted-c-1'")
    with pytest.raises(OutOfScope, match="customer"):
        every(commits_with_any(reader.log, Latest, "customer", "planted-c-1"))
    with pytest.raises(OutOfScope, match="customer"):
        reader.tags("customer")
