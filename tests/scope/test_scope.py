"""A reader sees what is in scope, and is refused what is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from backstory import Database, Query
from backstory.errors import OutOfScope, StoreRefused, UnknownRevision
from backstory.scope import Scope, scoped
from backstory.store import Store, append
from backstory.values.commit import AUTHOR, COMMAND, DATA, MESSAGE, METADATA, QUERY, content_hash, draft
from backstory.values.event_data import EventData, encoded
from tests.scope.shop import Customer, Noted, Order, Paid, shop

MINE = Scope(tags=("order:o-1",))


@pytest.fixture(scope="module")
def db(shared_store: Store) -> Database:
    """A shop in a store of each kind, which these tests only read."""
    return shop(shared_store)


def test_a_reader_gets_the_events_in_scope_without_the_tags_that_are_not(db: Database) -> None:
    records = list(scoped(db, MINE).read())
    assert [record.position for record in records] == [1, 3, 5, 6]
    assert {record.tags for record in records} == {("order:o-1",)}


def test_a_commit_is_whole_or_says_what_is_withheld_or_is_not_there(db: Database) -> None:
    first, both, paid, split = scoped(db, MINE).commits()
    whole = {commit.id: commit for commit in db.commits()}
    assert (first, paid) == (whole["placed"], whole["paid"])
    assert both.withheld == {AUTHOR, MESSAGE, COMMAND, METADATA, QUERY, DATA + 1}
    assert (both.author, both.message, both.metadata, both.condition) == ("", "", {}, None)
    assert (both.id, both.size, both.time, both.hash) == ("both", 2, whole["both"].time, whole["both"].hash)
    assert split.withheld == {COMMAND, QUERY}
    assert split.author == "ann"
    assert split.condition is not None
    assert split.condition.query == Query.none()


def test_the_hash_of_what_is_withheld_still_verifies_and_its_salts_are_gone(db: Database) -> None:
    for commit in scoped(db, MINE).commits():
        [real] = db.log.find(commit.id)
        stored = [record.stored for record in db.events(commit.id)]
        left = [
            EventData(one.type, one.version, one.tags, b"" if place in commit.withheld else one.data)
            for place, one in enumerate(stored, DATA)
        ]
        assert content_hash(commit, left) == real.content == commit.content
        assert (commit.secret == real.secret) == (not commit.withheld)


def test_the_signature_is_left_with_the_whole_of_a_commit_alone() -> None:
    db = shop()
    for id, orders in (("alone", ("o-1",)), ("among", ("o-1", "o-2"))):
        made = draft(
            [encoded("x", b"{}", (f"order:{order}",)) for order in orders], id=id, time=db.head().time
        )
        append(db.log, replace(made, signature=b"signed"))
    found = {commit.id: commit.signature for commit in scoped(db, MINE).commits()}
    assert (found["alone"], found["among"]) == (b"signed", b"")


def test_commits_are_the_same_by_every_way_to_them(db: Database) -> None:
    log = scoped(db, MINE).log
    found = list(log.commits())
    assert list(log.commits(backwards=True)) == found[::-1]
    assert list(log.commits(limit=2)) == found[:2]
    assert log.commits_at(range(1, db.head().position + 1)) == found
    for commit in found:
        assert log.find(commit.id) == log.find(commit.hash.hex()[:12]) == [commit]
        assert log.commits_at([commit.first]) == [commit]
        for after in range(commit.first - 1, commit.position):
            assert next(log.commits(after=after)) == commit
        assert next(log.commits(upto=commit.position, backwards=True)) == commit
        assert commit not in list(log.commits(upto=commit.position - 1))


def test_a_commit_outside_is_not_there(db: Database) -> None:
    seen = scoped(db, MINE)
    for name in ("planted-id", db.events("planted-id")[0].commit.hash.hex()):
        assert seen.log.find(name) == []
        with pytest.raises(UnknownRevision):
            seen.point(name)
    assert seen.log.commits_at([2, 7]) == []
    assert list(seen.log.linked("correlation", "planted-correlation")) == []
    with pytest.raises(OutOfScope):
        seen.events(2)


def test_a_revision_means_the_same_point_for_everybody(db: Database) -> None:
    seen = scoped(db, MINE)
    assert seen.head() == db.head()
    for revision in ("main", "main~1", "main~2", "#3", "5", 6, "@{2026-03-01 12:00:02+00:00}", "main~6"):
        assert seen.point(revision).position == db.point(revision).position
    assert seen.point("main").commit is None
    assert seen.point("main~1").commit == seen.log.find("split")[0]


OUTSIDE: dict[str, Callable[[Database], object]] = {
    "tag": lambda db: list(db.read(tags=["order:planted-o-2"])),
    "state": lambda db: db.load(Order("planted-o-2")),
    "state of another kind": lambda db: db.load(Customer("planted-c-1")),
    "one clause of several": lambda db: list(
        db.read(Query.of(tags=["order:o-1"]) | Query.of(tags=["order:planted-o-2"]))
    ),
    "blame": lambda db: db.blame(Order("planted-o-2")),
    "bisect": lambda db: db.bisect(Order("planted-o-2"), "due > 0"),
}


@pytest.mark.parametrize("question", OUTSIDE)
def test_a_question_about_what_is_outside_is_refused(question: str) -> None:
    with pytest.raises(OutOfScope, match="is outside of what this reader may see"):
        OUTSIDE[question](scoped(shop(), MINE))


@pytest.mark.parametrize("what", [Noted, "scope.planted-noted", "scope.planted-unknown"])
def test_a_type_outside_is_refused_whether_there_is_such_an_event_or_not(what: object) -> None:
    seen = scoped(shop(), Scope(types=("scope.placed", "scope.paid")))
    with pytest.raises(OutOfScope, match="the event type"):
        list(seen.read(what))  # type: ignore[call-overload]


def test_a_state_in_scope_is_loaded_as_ever(db: Database) -> None:
    seen = scoped(db, Scope(tags=("order:*",), types=("scope.placed", "scope.paid")))
    assert seen.load(Order("o-1")) == db.load(Order("o-1"))
    assert list(seen.read(Paid, tags=["order:o-1"])) == list(db.read(Paid, tags=["order:o-1"]))


@pytest.mark.parametrize("scope", [Scope(), MINE])
def test_nothing_is_written_by_a_reader(scope: Scope) -> None:
    db = shop()
    with pytest.raises(StoreRefused, match="read-only"):
        scoped(db, scope).append(Paid("o-1", 1))
    with pytest.raises(StoreRefused, match="read-only"):
        scoped(db, scope).mark("here")
    assert db.head().position == 7


def test_whoever_sees_everything_sees_everything(db: Database) -> None:
    seen = scoped(db, Scope())
    assert list(seen.read()) == list(db.read())
    assert list(seen.commits()) == list(db.commits())


def test_states_are_remembered_for_readers_of_one_scope_alone() -> None:
    db = shop()
    one, same, other = scoped(db, MINE), scoped(db, MINE), scoped(db, Scope(tags=("order:*",)))
    assert one.store is same.store
    assert one.store is not other.store
    assert one.handle.lines is not other.handle.lines is not db.handle.lines
