"""A codec that seals what is stored: every verb sees the events, and the store sees none of them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from itertools import count

import msgspec
import pytest

from backstory import Database, Latest, State, Tag
from backstory.errors import UnreadableEvent
from backstory.history.check.snapshots import Kept, verify_snapshots
from backstory.history.check.verify import verify
from backstory.history.merge.merge import Options
from backstory.store import write
from backstory.stores.memory import MemoryStore
from backstory.unit import Withhold
from backstory.values.codec import PLAIN, Codec
from backstory.values.commit import DATA
from backstory.values.event_data import EventData, RecordedEvent
from tests.faces.conftest import Face
from tests.faces.steps import SteppedStore
from tests.faces.test_verbs import VERBS, history
from tests.history.ledger import Book, Entered, clock, draw, enter, ids, ledger, secrets


class Sealed(msgspec.Struct):
    """What is stored: it is never the same twice, as of a cipher with a nonce."""

    nonce: int
    text: bytes


class Sealing:
    """Hides the data of events, well enough for a test that looks for it."""

    def __init__(self) -> None:
        self._nonces = count()

    def seal(self, event: EventData) -> bytes:
        return msgspec.json.encode(Sealed(next(self._nonces), event.data[::-1]))

    def open(self, record: RecordedEvent) -> bytes:
        return msgspec.json.decode(record.data, type=Sealed).text[::-1]


class Twice:
    """A second step, so that their order matters."""

    def seal(self, event: EventData) -> bytes:
        return msgspec.json.encode({"twice": base64.b64encode(event.data).decode()})

    def open(self, record: RecordedEvent) -> bytes:
        return base64.b64decode(msgspec.json.decode(record.data)["twice"])


def sealed(store: MemoryStore | None = None) -> Database:
    """A database like `ledger()`, whose events are sealed."""
    codec = Codec([Sealing(), Twice()])
    return Database(store or MemoryStore(), clock=clock(), ids=ids(), secrets=secrets(), codec=codec)


@pytest.fixture
def db(face: Face) -> Database:
    """An empty database whose events are sealed."""
    return face(sealed())


NAMES = ("book", "number", "seen")
"""What is in the data of every event here."""

SAME = ["bisect", "blame", "branch", "diff", "load", "preview"]
"""Verbs whose results have no hashes in them."""


@pytest.mark.parametrize("verb", SAME)
def test_a_verb_gives_what_it_gives_without(face: Face, verb: str) -> None:
    here, there = history(face(sealed())), history(ledger())
    assert repr(VERBS[verb](here)) == repr(VERBS[verb](there))


WRITES: dict[str, Callable[[Database], object]] = {
    "append": lambda db: db.append(Entered("a", 1, 0)),
    "execute": lambda db: db.execute(enter(Book("a"), 1)),
    "execute with an id": lambda db: db.execute(enter(Book("a"), 1), id="x"),
    "revert": lambda db: db.revert("second"),
    "merge": lambda db: db.merge("plan"),
    "cherry-pick": lambda db: db.cherry_pick("plan"),
    "rebase": lambda db: db.switch("plan").rebase("main"),
    "keep": VERBS["keep"],
}


@pytest.mark.parametrize("write", WRITES)
def test_whatever_writes_nothing_of_the_data_is_stored_and_all_is_read_again(
    db: Database, write: str
) -> None:
    history(db)
    before = len(list(db.read()))
    WRITES[write](db)
    for branch in db.branches.all():
        opened = db.switch(branch.name)
        stored = list(db.branches.view(branch.chain).read())
        assert not [one for one in stored if any(word in one.data.decode() for word in NAMES)]
        records = list(opened.read())
        assert all(isinstance(record.event, Entered) for record in records)
        assert [record.stored.data for record in records] == [
            PLAIN.encode(record.event).data for record in records
        ]
        assert len(records) == len(stored)
    assert len(list(db.read())) + len(list(db.switch("plan").read())) > before
    assert verify(db.store).problems == []


def test_states_are_the_same_whether_they_are_remembered_or_not(db: Database) -> None:
    for number in range(5):
        db.execute(enter(Book("a"), number))
        again = Database(SteppedStore(db.store), codec=db.handle.drafter.codec)
        assert db.load(Book("a")) == again.load(Book("a"))
    assert db.load(Latest("book:a")).fields["number"].value == 4


def test_what_is_decided_again_is_compared_by_what_it_says(db: Database) -> None:
    db.execute(enter(Book("a"), 10), id="start")
    plan = db.branch("plan")
    plan.execute(draw(Book("a"), 3), id="drawn")
    db.append(Entered("a", 1, 0))
    report = db.merge("plan", Options(resolution="redecide"))
    assert [step.outcome for step in report.steps] == ["same"]
    assert db.load(Book("a")).total == 8
    plan.execute(draw(Book("a"), 2))
    assert [step.outcome for step in plan.merge("main").steps][-1] == "known"


class Long(State):
    """A state of which snapshots are kept."""

    snapshot_every = 3
    book: Tag[str]
    total: int = 0

    def apply(self, event: Entered) -> None:
        self.total += event.number


def test_a_snapshot_is_of_what_was_opened(db: Database) -> None:
    codec = db.handle.drafter.codec
    db.append(*[Entered("a", 1, 0)] * 5)
    assert db.load(Long("a")).total == 5
    db.append(Entered("a", 1, 0))
    assert Database(SteppedStore(db.store), codec=codec).load(Long("a")).total == 6
    assert verify_snapshots(db.branches, [Long], codec) == Kept(compared=1)


def test_data_that_is_withheld_is_not_opened(db: Database) -> None:
    commit = db.append(Entered("a", 1, 0))
    db.append(Entered("b", 1, 0))
    write(db.store, Withhold(db.chain[-1], commit.id, (DATA,)))
    assert db.load(Book("b")).total == 1
    assert db.load(Latest("book:a")).fields == {}
    with pytest.raises(UnreadableEvent, match="its data is withheld"):
        db.load(Book("a"))


def test_who_has_another_codec_has_another_line(face: Face) -> None:
    store = MemoryStore()
    one, other = face(sealed(store)), Database(store)
    one.append(Entered("a", 1, 0))
    assert one.handle.now() is not other.handle.now()
    assert one.load(Book("a")).total == 1
