"""Tables of states have versions by themselves: a change of the state or of the index makes new ones."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from backstory import Database, Event, Materialized, State, Tag
from backstory.errors import Behind
from backstory.projections import operate
from backstory.projections.projection import Group
from tests.projections.conftest import Opener


class Raised(Event, name="versions.raised"):
    ticket: Tag[str]
    weight: int


def first() -> type[State]:
    """A ticket, as the first version of an application has it."""

    class Ticket(State):
        ticket: Tag[str]
        weight: int = 0

        def apply(self, event: Raised) -> None:
            self.weight += event.weight

    return Ticket


def longer() -> type[State]:
    """With a field more."""

    class Ticket(State):
        ticket: Tag[str]
        weight: int = 0
        times: int = 0

        def apply(self, event: Raised) -> None:
            self.weight += event.weight
            self.times += 1

    return Ticket


def heavier() -> type[State]:
    """With the same fields, and another meaning."""

    class Ticket(State):
        ticket: Tag[str]
        weight: int = 0

        def apply(self, event: Raised) -> None:
            self.weight += 10 * event.weight

    return Ticket


def opaque() -> type[State]:
    """With code that has no fingerprint."""
    lock = threading.Lock()

    class Ticket(State):
        ticket: Tag[str]
        weight: int = 0

        def apply(self, event: Raised) -> None:
            with lock:
                self.weight += event.weight

    return Ticket


def version(kept: Materialized) -> str:
    return Group([kept]).version


def generations(db: Database, kept: Materialized) -> list[Any]:
    """The generations of this version, and those of others."""
    home = db.views.home(db.views.group_of(kept))
    return [len(home.rows()), len(home.forsaken())]


def test_the_version_follows_from_the_state_and_the_index() -> None:
    kept = [
        Materialized(first()),
        Materialized(longer()),
        Materialized(heavier()),
        Materialized(first(), index=["weight"]),
        Materialized(opaque()),
        Materialized(opaque(), index=["weight"]),
    ]
    versions = [version(each) for each in kept]
    assert len(set(versions)) == len(versions)
    assert all(each.startswith("1_") and each.replace("_", "").isalnum() for each in versions)
    assert Materialized(opaque()).code() is None
    assert version(Materialized(first())) == versions[0]
    assert version(Materialized(opaque())) == versions[4]


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize(
    ("changed", "index", "weight"), [(longer, (), 3), (heavier, (), 30), (first, ("weight",), 3)]
)
def test_a_change_makes_new_tables_beside_the_old_ones(
    connect: Opener, kind: str, changed: Any, index: Any, weight: int, *, inline: bool
) -> None:
    old = Materialized(first())
    db = connect(inline=[old] if inline else [])
    if not inline:
        db.materialize(old.cls)
    commit = db.append(Raised("t-1", 3))
    assert [each.weight for each in db.find(old.cls, commit=commit, timeout=60)] == [3]  # type: ignore[attr-defined]
    if kind != "memory":
        db.close()
    new = Materialized(changed(), index)
    later = connect(inline=[new] if inline else [])
    if not inline:
        later.materialize(new.cls, index)
    assert [each.weight for each in later.find(new.cls, timeout=60)] == [weight]  # type: ignore[attr-defined]
    if not inline and kind == "memory":
        return  # the first version still runs: its tables stay
    assert generations(later, new) == [1, 1]
    assert operate.prune(later.views, later.views.group_of(new)) == 1
    assert generations(later, new) == [1, 0]
    assert [each.weight for each in later.find(new.cls, timeout=60)] == [weight]  # type: ignore[attr-defined]


def test_a_rebuild_takes_the_tables_of_other_versions_away(connect: Opener) -> None:
    db = connect()
    db.append(Raised("t-1", 3))
    old, new = Materialized(first()), Materialized(heavier())
    db.rebuild(old)
    db.rebuild(new)
    assert generations(db, new) == [2, 0]


def test_tables_that_another_version_feeds_are_kept(connect: Opener) -> None:
    db = connect()
    commit = db.append(Raised("t-1", 3))
    old, new = Materialized(first()), Materialized(heavier())
    with db.run(old):
        db.wait(old, commit, timeout=60)
        fed = db.views.home(db.views.group_of(old))
        [before] = fed.rows()
        db.rebuild(new)
        db.rebuild(new)
        assert operate.prune(db.views, db.views.group_of(new)) == 1  # the first generation of the new one
        assert [(row.key, row.began) for row in fed.rows()] == [(before.key, before.began)]
        assert [each.weight for each in _found(db, old, commit)] == [3]


def _found(db: Database, kept: Materialized, commit: Any) -> Any:
    db.project(kept)
    return db.find(kept.cls, commit=commit, timeout=60)


def test_a_reader_waits_for_tables_that_nobody_has_made_yet(connect: Opener, kind: str) -> None:
    db = connect()
    commit = db.append(Raised("t-1", 3))
    kept = Materialized(first())
    db.project(kept)
    with pytest.raises(Behind, match="nobody has ever run it"):
        db.find(kept.cls, timeout=0)
    found: list[Any] = []
    readers = [
        threading.Thread(target=lambda: found.extend(db.find(kept.cls, timeout=60))),
        threading.Thread(target=lambda: found.extend(db.find(kept.cls, commit=commit, timeout=60))),
    ]
    for reader in readers:
        reader.start()
    other = db if kind == "memory" else connect()
    with other.run(kept):
        for reader in readers:
            reader.join()
    assert [each.weight for each in found] == [3, 3]
