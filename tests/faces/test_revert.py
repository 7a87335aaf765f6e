"""Revert: what undoes commits is appended, unless somebody else has decided since on what it would change."""

from __future__ import annotations

import pytest

from backstory import Database, Event, State, Tag, reverts
from backstory.capture.undo import undone
from backstory.errors import DefinitionError, RevertError, UnknownRevision
from backstory.history.merge.revert import inverses


class Set(Event, name="revert.set"):
    shelf: Tag[str]
    field: str
    value: int


class Removed(Event, name="revert.removed"):
    shelf: Tag[str]
    field: str


class Noticed(Event, name="revert.noticed"):
    shelf: Tag[str]


class Sealed(Event, name="revert.sealed"):
    shelf: Tag[str]


class Logged(Event, name="revert.logged"):
    shelf: Tag[str]


class Unlogged(Event, name="revert.unlogged"):
    shelf: Tag[str]


class Lent(Event, name="revert.lent"):
    shelf: Tag[str]
    to: Tag[str]


class Returned(Event, name="revert.returned"):
    shelf: Tag[str]


class Shelf(State):
    shelf: Tag[str]
    values: dict[str, int] = {}

    def apply(self, event: Set | Removed) -> None:
        match event:
            case Set(field=field, value=value):
                self.values[field] = value
            case Removed(field=field):
                self.values.pop(field, None)


@reverts(Set)
def unset(event: Set) -> list[Removed]:
    return [Removed(event.shelf, event.field)]


@reverts(Lent)
def take_back(event: Lent) -> Returned:
    return Returned(event.shelf)


@reverts(Logged)
def unlog(event: Logged) -> Unlogged:
    return Unlogged(event.shelf)


@reverts(Noticed)
def unnotice(event: Noticed) -> None:
    """Nothing undoes having noticed."""


def test_what_undoes_a_commit_is_appended_as_one_commit_that_says_so(db: Database) -> None:
    first = db.append(Set("s", "a", 1), Set("s", "b", 2), message="two things")
    made = db.revert("HEAD", author="ann")
    assert made is not None
    assert (made.size, made.author, made.message) == (2, "ann", "")
    assert made.metadata == {"reverts": [first.id]}
    assert [record.event for record in db.read(after=2)] == [Removed("s", "b"), Removed("s", "a")]
    assert db.load(Shelf("s")).values == {}
    assert db.load(Shelf("s"), at=first).values == {"a": 1, "b": 2}  # history stays as it was


def test_what_later_commits_do_not_own_may_be_undone(db: Database) -> None:
    first = db.append(Set("s", "a", 1))
    db.append(Set("s", "b", 2))
    db.append(Set("other", "a", 3))
    assert db.revert(first, message="a mistake") is not None
    assert db.load(Shelf("s")).values == {"b": 2}
    assert db.load(Shelf("other")).values == {"a": 3}
    assert list(db.commits())[-1].message == "a mistake"


def test_what_a_later_commit_owns_is_left_alone_unless_it_is_forced(db: Database) -> None:
    first = db.append(Set("s", "a", 1))
    db.append(Set("s", "a", 2))
    with pytest.raises(RevertError, match=r"/values/a of .* is #2's by now") as refused:
        db.revert(first)
    [owned] = refused.value.owned
    assert (owned.reference, owned.pointer, owned.position) == (Shelf("s"), "/values/a", 2)
    assert db.head().position == 2
    assert db.revert(first, force=True) is not None
    assert db.load(Shelf("s")).values == {}


def test_a_range_is_undone_from_its_end_and_owns_what_it_changed_itself(db: Database) -> None:
    start = db.append(Set("s", "z", 0))
    first, second = db.append(Set("s", "a", 1), message="one"), db.append(Set("s", "a", 2), message="two")
    made = db.revert(f"{start.id}..HEAD")
    assert made is not None
    assert made.metadata == {"reverts": [first.id, second.id]}
    assert made.message == ""
    assert db.load(Shelf("s")).values == {"z": 0}


def test_where_there_is_nothing_to_undo_nothing_is_appended(db: Database) -> None:
    db.append(Noticed("s"))
    assert db.revert("HEAD") is None
    assert db.head().position == 1


def test_an_event_that_nothing_undoes_is_named_with_what_to_write(db: Database) -> None:
    db.append(Set("s", "a", 1), Sealed("s"))
    with pytest.raises(RevertError, match=r"undo #2 Sealed; register it: @reverts\(Sealed\)"):
        db.revert("HEAD")
    assert db.head().position == 2


def test_a_commit_that_is_not_on_the_branch_cannot_be_undone_there(db: Database) -> None:
    trial = db.branch("trial")
    elsewhere = trial.append(Set("s", "a", 1))
    with pytest.raises(UnknownRevision):
        db.revert("trial")
    with pytest.raises(UnknownRevision):
        db.revert("gone")
    assert trial.revert(elsewhere) is not None
    assert db.head().position == 0


def test_a_revert_is_decided_again_where_somebody_was_faster(db: Database) -> None:
    first = db.append(Set("s", "a", 1))
    late = iter([Set("s", "b", 2)])

    def undo(event: Set) -> Removed:
        for another in late:  # between looking and appending, once
            db.append(another)
        return Removed(event.shelf, event.field)

    inverses[Set] = undo
    try:
        made = db.revert(first)
    finally:
        inverses[Set] = unset
    assert made is not None
    assert made.position == 3
    assert made.condition is not None
    assert made.condition.after == 2
    assert db.load(Shelf("s")).values == {"b": 2}


def test_only_events_can_have_what_undoes_them() -> None:
    with pytest.raises(DefinitionError):
        reverts(int)


def test_a_revert_that_is_undone_first_as_advised_gives_the_field_back(db: Database) -> None:
    counters = db.table("counters")
    counters.put("c", {"n": 1})
    counters.update("c", n=2)
    counters.update("c", n=3)
    with pytest.raises(RevertError, match=r"^later .*: /row/n of counters c is #3's by now\. Revert these"):
        db.revert(2)
    db.revert(3)
    assert db.revert(2) is not None
    assert counters.get("c") == {"n": 1}
    assert db.revert(1) is not None
    assert counters.get("c") is None


def test_a_column_alone_names_a_part_of_the_blame_of_a_row(db: Database) -> None:
    counters = db.table("counters")
    counters.put("c", {"n": 1, "m": {"deep": 1}})
    blamed = db.blame(counters.row("c"))
    assert blamed["n"] == blamed["row.n"]
    assert blamed["m.deep"] == blamed["/row/m/deep"]
    with pytest.raises(KeyError, match="there is no part 'o'; it has key, m, n, row"):
        blamed["o"]


def test_a_revert_of_a_revert_gives_the_field_to_what_was_undone(db: Database) -> None:
    counters = db.table("counters")
    counters.put("c", {"n": 1})
    counters.update("c", n=2)
    db.revert(2)
    db.revert(3)
    assert counters.get("c") == {"n": 2}
    assert db.revert(2) is not None
    assert counters.get("c") == {"n": 1}


def test_what_was_undone_is_not_undone_twice(db: Database) -> None:
    counters = db.table("counters")
    counters.put("c", {"n": 1})
    counters.update("c", n=2)
    db.revert(2)
    with pytest.raises(RevertError, match=r"^#2 was already undone by #3; there is nothing to revert$") as no:
        db.revert(2)
    assert [commit.position for commit in no.value.undone] == [2]
    assert no.value.owned == ()
    db.revert("HEAD")
    assert db.revert(2) is not None  # #3 was undone itself
    with pytest.raises(RevertError, match=r"^#2 was already undone by #5;"):
        db.revert(2)
    assert counters.get("c") == {"n": 1}


def test_what_no_state_tells_of_is_not_undone_twice_either_unless_it_is_forced(db: Database) -> None:
    first = db.append(Logged("s"))
    db.revert(first)
    with pytest.raises(RevertError, match=r"^#1 was already undone by #2;"):
        db.revert(first)
    made = db.revert(first, force=True)
    assert made is not None
    assert [record.event for record in db.events(made)] == [Unlogged("s")]


def test_what_undid_an_event_may_have_fewer_tags(db: Database) -> None:
    db.append(Lent("s", "ann"))
    db.revert("HEAD")
    with pytest.raises(RevertError, match=r"^#1 was already undone by #2;"):
        db.revert(1)


def test_of_several_commits_those_that_are_undone_already_are_to_be_left_out(db: Database) -> None:
    counters = db.table("counters")
    for key in "abcdef":
        counters.put(key, {"n": 1})
    db.revert(2)
    with pytest.raises(RevertError, match=r"^#2 was already undone by #7; revert the others without it$"):
        db.revert("#1..#4")
    db.revert("#2..#6")
    said = "#2 was already undone by #7; #3, #4, #5 and 1 more were already undone by #11; there is nothing"
    with pytest.raises(RevertError, match=f"^{said} to revert$"):
        db.revert("#1..#6")
    assert counters.get("a") == {"n": 1}


def test_a_commit_is_undone_together_with_the_one_that_undid_it(db: Database) -> None:
    counters = db.table("counters")
    counters.put("c", {"n": 1})
    counters.update("c", n=2)
    db.revert(2)
    made = db.revert("#1..#3")
    assert made is not None
    assert made.size == 2
    assert counters.get("c") == {"n": 1}


def test_a_commit_of_which_a_part_was_undone_is_still_in_force(db: Database) -> None:
    first = db.append(Set("s", "a", 1), Set("t", "a", 1))
    db.append(Set("s", "a", 0), metadata={"reverts": [first.id]})
    with pytest.raises(RevertError, match=r"^later commits own fields"):
        db.revert(first)
    db.append(Set("t", "a", 0), metadata={"reverts": [first.id]})
    with pytest.raises(RevertError, match=r"^#2 was already undone by #3, #4; there is nothing to revert$"):
        db.revert(first)


def test_a_revert_that_did_not_restore_what_was_there_owns_the_field(db: Database) -> None:
    first, second = db.append(Set("s", "a", 1)), db.append(Set("s", "a", 2))
    db.revert(second)  # removes the field, which had been 1
    with pytest.raises(RevertError, match="is #3's by now"):
        db.revert(first)


def test_a_commit_of_many_rows_is_undone_after_the_later_change_of_one(db: Database) -> None:
    stock = db.table("stock")
    stock.upsert_many((str(key), {"status": "NEW"}) for key in range(5))
    stock.upsert_many((str(key), {"status": "PAID"}) for key in range(5))
    stock.update("2", status="CANCELLED")
    with pytest.raises(RevertError, match=r": /row/status of stock 2 is #11's by now\. Revert"):
        db.revert(10)
    db.revert(11)
    db.revert(10)
    assert [stock.get(str(key)) for key in range(5)] == [{"status": "NEW"}] * 5


def test_places_are_named_once_and_only_some_of_many(db: Database) -> None:
    counters = db.table("counters")
    counters.put("c", {"n": 0})
    for n in range(1, 5):
        counters.update("c", n=n)
    with pytest.raises(RevertError) as refused:
        db.revert("main~4..main~1")
    assert str(refused.value).count("/row/n of counters c is #5's by now") == 1
    many = [f"f{n}" for n in range(5)]
    for n in range(3):
        counters.put("many", dict.fromkeys(many, n))
    with pytest.raises(RevertError, match=r"by now; and 2 more\. Revert"):
        db.revert(7)


def test_a_field_that_was_removed_comes_back_although_others_beside_it_were_changed(db: Database) -> None:
    counters = db.table("counters")
    counters.put("c", {"n": 1, "m": 1})
    counters.put("c", {"m": 1})
    counters.update("c", m=2)
    assert db.revert(2) is not None
    assert counters.get("c") == {"n": 1, "m": 2}


def test_a_field_that_a_later_commit_removed_is_owned_by_that_one_alone(db: Database) -> None:
    first = db.append(Set("s", "a", 1))
    db.append(Removed("s", "a"))
    db.append(Set("s", "b", 2))
    with pytest.raises(RevertError, match=r"/values/a of .* is #2's by now"):
        db.revert(first)


def test_a_field_is_not_brought_back_into_a_row_that_was_deleted_since(db: Database) -> None:
    counters = db.table("counters")
    counters.put("c", {"n": 1, "m": 1})
    counters.put("c", {"m": 1})
    counters.delete("c")
    with pytest.raises(RevertError, match=r"/row/n of counters c is #3's by now"):
        db.revert(2)
    db.revert(3)
    assert db.revert(2) is not None
    assert counters.get("c") == {"n": 1, "m": 1}


def test_a_revert_of_commits_that_lie_apart_gives_each_field_back(db: Database) -> None:
    ids = [db.append(Set(shelf, "a", value)).id for shelf, value in (("x", 1), ("s", 1), ("s", 2), ("s", 3))]
    db.append(Removed("x", "a"), Set("s", "a", 2), metadata={"reverts": [ids[0], ids[3]]})
    assert db.revert(3) is not None  # it had given the 2


@pytest.mark.parametrize("skip", [False, True])
def test_rows_of_another_database_are_not_undone_with_other_events(db: Database, skip: bool) -> None:
    first = db.append(Set("a", "wide", 1))
    db.table("wares").insert("w-1", {"price": 1})
    last = db.head().position
    db.append(Set("a", "wide", 2))
    with pytest.raises(RevertError):
        undone(db, f"#{first.first - 1}..#{last}", skip=skip)
