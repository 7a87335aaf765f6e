"""`verify_snapshots`: a snapshot is what a replay of its events gives, or it is named."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec
import pytest

from backstory import Database, State, Tag
from backstory.decide.snapshots import SNAPSHOT
from backstory.history.check.snapshots import Kept, verify_snapshots
from backstory.store import Record
from backstory.values.codec import PLAIN
from tests.state.bank import Deposited, Withdrawn


class Long(State):
    snapshot_every = 10
    account: Tag[str]
    balance: int = 0
    kinds: set[str] = set()
    authors: list[str] = []

    def apply(self, event: Deposited | Withdrawn, record: Record) -> None:
        self.balance += event.cents
        self.kinds.add(type(event).__name__)
        self.authors.append(record.author)


class Weekly(State):
    snapshot_every = 1
    account: Tag[str]
    week: Annotated[dt.date, msgspec.Meta(description="the first day")] = dt.date(2026, 1, 1)
    count: int = 0

    def apply(self, event: Deposited) -> None:
        self.count += 1


def fill(db: Database, *names: str) -> None:
    for name in names:
        db.append(*[Deposited(name, 1)] * 12, author="ann")
        db.load(Long(name))


def change(db: Database, **changes: Any) -> str:
    """Change the only snapshot that there is."""
    [name] = db.store.caches.names(SNAPSHOT)
    text = db.store.caches.get(name) or b""
    snapshot = msgspec.json.decode(text)
    snapshot["state"].update(changes.pop("state", {}))
    snapshot.update(changes)
    db.store.caches.set(name, msgspec.json.encode(snapshot))
    return name


def test_snapshots_as_they_were_kept_are_right(db: Database) -> None:
    assert verify_snapshots(db.branches, [Long], PLAIN) == Kept()
    fill(db, "a", "b/ü☃\"'")
    db.append(Withdrawn("a", 5))
    assert verify_snapshots(db.branches, [Long], PLAIN) == Kept(compared=2)


def test_a_state_with_a_tag_in_its_identity_of_any_type_is_found(db: Database) -> None:
    db.append(Deposited("a", 1))
    db.load(Weekly("a"))
    assert verify_snapshots(db.branches, [Weekly, Long], PLAIN) == Kept(compared=1)


def test_a_snapshot_that_was_changed_is_named_with_every_field_that_differs(db: Database) -> None:
    fill(db, "a")
    name = change(db, state={"balance": 1_000, "kinds": []})
    kept = verify_snapshots(db.branches, [Long], PLAIN)
    assert kept.problems == [
        f"snapshot {name}: balance of {{'account': 'a'}} is 1000 at #12, but its events give 12",
        f"snapshot {name}: kinds of {{'account': 'a'}} is set() at #12, but its events give {{'Deposited'}}",
    ]


def test_a_snapshot_that_is_ahead_of_the_log_is_named(db: Database) -> None:
    fill(db, "a")
    name = change(db, position=13)
    problem = f"snapshot {name}: it is of #13, but the log ends at #12"
    assert verify_snapshots(db.branches, [Long], PLAIN).problems == [problem]


@pytest.mark.parametrize(
    "changes", [{"fingerprint": "other"}, {"state": {"balance": "much"}}, {"position": None}]
)
def test_a_snapshot_that_would_not_be_used_is_passed_over(db: Database, changes: dict[str, Any]) -> None:
    fill(db, "a")
    change(db, **changes)
    assert verify_snapshots(db.branches, [Long], PLAIN) == Kept(passed_over=1)


def test_snapshots_of_other_classes_and_of_logs_that_are_gone_are_passed_over(db: Database) -> None:
    fill(db, "a")
    for name in (
        '0/Gone/["a"]',
        '7/Long/["a"]',
        '0-8/Long/["a"]',
        'x/Long/["a"]',
        "0/Long/[]",
        "0/Long/{",
        '0/Long/[""]',
        "0/Long",
        "0",
    ):
        db.store.caches.set(SNAPSHOT + name, b"{}")
    assert verify_snapshots(db.branches, [Long], PLAIN) == Kept(compared=1, passed_over=9)
    assert verify_snapshots(db.branches, [], PLAIN) == Kept(passed_over=10)


def test_snapshots_of_branches_are_compared_with_their_own_events(db: Database) -> None:
    fill(db, "a")
    trial = db.branch("trial")
    trial.append(*[Withdrawn("a", 1)] * 12)
    trial.load(Long("a"))
    assert verify_snapshots(db.branches, [Long], PLAIN) == Kept(compared=2)


def test_a_state_whose_events_cannot_be_applied_is_named(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(db, "a")

    def fail(self: Any, event: Any, record: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Long, "apply", fail)
    [problem] = verify_snapshots(db.branches, [Long], PLAIN).problems
    assert "cannot be applied: ZeroDivisionError()" in problem
