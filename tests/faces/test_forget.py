"""Forget: the values that a row has had are in no part of the store any more, and the history verifies as before."""

from __future__ import annotations

from typing import Any

import pytest

from backstory import Database, RowInserted
from backstory.errors import BranchError, DefinitionError, UnreadableEvent
from backstory.history.check.verify import verify
from backstory.history.forget.withholding import withhold

WHO = "Zaphod"


def said(db: Database) -> str:
    """All that somebody can read in any log of the store."""
    store = db.store
    logs = [store.log(number) for number in store.logs()]
    return repr([(list(log.commits()), list(log.read())) for log in logs])


def test_all_values_of_a_row_go_on_every_branch_and_others_stay(db: Database) -> None:
    people = db.table("people")
    people.insert("p-1", {"name": WHO, "city": "Bern"})
    side = db.branch("side")
    side.table("people").update("p-1", city=f"{WHO}ville")
    people.upsert_many(
        [("p-2", {"name": "Ann"}), ("p-1", {"name": WHO, "city": "Basel"}), ("p-3", {"name": "Bea"})]
    )
    people.delete("p-1", author="eve", message="she asked for it")
    assert WHO in said(db)
    assert db.forget(people.row("p-1"), message="request 17") == 4
    assert WHO not in said(db)
    assert verify(db.store).problems == []
    assert people.get("p-1") is None
    assert [people.get(key) for key in ("p-2", "p-3")] == [{"name": "Ann"}, {"name": "Bea"}]
    last = list(people.history("p-1"))[-1].commit
    assert (last.author, last.message) == ("eve", "she asked for it")
    assert db.forget(people.row("p-1"), message="again") == 0
    assert [entry.details["message"] for entry in db.branches.reflog.read() if entry.kind == "Withheld"] == (
        ["request 17"] * 4
    )


def test_a_row_that_is_still_there_is_written_whole_and_begins_anew(db: Database) -> None:
    people = db.table("people")
    people.insert("p-1", {"name": WHO})
    db.forget(people.row("p-1"), message="request 17")
    with pytest.raises(UnreadableEvent, match="written whole"):
        people.get("p-1")
    people.put("p-1", {"name": ""})
    assert people.get("p-1") == {"name": ""}
    *_, last = db.read(people.row("p-1"))
    assert isinstance(last.event, RowInserted)


def test_nothing_is_found_of_a_row_that_never_was(db: Database) -> None:
    db.table("people").insert("p-1", {"name": WHO})
    assert db.forget(db.table("people").row("p-9"), message="request 17") == 0
    assert WHO in said(db)


def test_a_branch_without_a_name_takes_nothing_out_of_the_store_that_it_stands_on(db: Database) -> None:
    people = db.table("people")
    people.insert("p-1", {"name": WHO})
    with db.what_if() as trial, pytest.raises(BranchError, match="for good"):
        trial.forget(people.row("p-1"), message="what would be left?")
    assert WHO in said(db)


def test_what_is_no_row_is_refused(db: Database) -> None:
    row: Any = "p-1"
    with pytest.raises(DefinitionError, match="'p-1' is no row of a table"):
        db.forget(row, message="request 17")


@pytest.mark.parametrize("error", [OSError("the disk is gone"), KeyError("a fault")])
def test_one_that_was_broken_off_has_left_nothing_in_memory_and_is_finished_by_the_next(
    db: Database, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    people = db.table("people")
    people.insert("p-1", {"name": WHO})
    people.update("p-1", city="Bern")

    def broken_off(branches: Any, commit: Any, parts: Any, *, why: str) -> None:
        if commit.position == 2:
            raise error
        withhold(branches, commit, parts, why=why)

    with monkeypatch.context() as patched:
        patched.setattr("backstory.rows.forgetting.withhold", broken_off)
        with pytest.raises(type(error)):
            db.forget(people.row("p-1"), message="request 17")
    people.delete("p-1")
    assert WHO not in said(db)
    assert db.forget(people.row("p-1"), message="request 17") == 2
    assert verify(db.store).problems == []
