"""Many states of one decision: one read of the log gives each of them what it would have read alone."""

from __future__ import annotations

from random import Random
from typing import Annotated, Any

import pytest

from backstory import Database, Event, Record, State, Tag, Tagged, command
from backstory.decide.loading import Loader, Reads, replayed
from backstory.errors import UnreadableEvent
from backstory.stores.memory import MemoryStore
from backstory.values.event_data import RecordedEvent, encoded
from backstory.values.query import Query
from tests.state.bank import Account, Book, Deposited, Withdrawn
from tests.state.counted import Counted


class Sent(Event, name="folding.sent"):
    account: Tag[str]
    target: Annotated[str, Tagged("account")]
    cents: int


class Closed(Event, name="folding.closed"):
    cents: int


class Ledger(State):
    """Reads events of one tag, and one kind of all; and who made them."""

    account: Tag[str]
    lines: list[tuple[int, str]] = []
    everywhere = (Closed,)

    def apply(self, event: Sent | Closed | Deposited, record: Record) -> None:
        self.lines.append((record.position, record.author))


class Pair(State):
    """Reads by its own query."""

    one: str
    other: str
    seen: list[int] = []

    def query(self) -> Query:
        return Query.of(tags=[f"account:{self.one}", f"account:{self.other}"])

    def apply(self, event: RecordedEvent) -> None:
        self.seen.append(event.position)


class All(State):
    count: int = 0

    def apply(self, event: Deposited | Withdrawn | Sent | Closed) -> None:
        self.count += 1


NAMES = "abcdef"


def happened(chance: Random) -> Event:
    one, other = chance.choice(NAMES), chance.choice(NAMES)
    kind = chance.randrange(4)
    if kind == 3:
        return Closed(kind)
    return Sent(one, other, 1) if kind == 2 else (Deposited, Withdrawn)[kind](one, chance.randrange(9))


def wanted(chance: Random) -> list[State]:
    one, other = chance.choice(NAMES), chance.choice(NAMES)
    kinds: list[State] = [Account(one), Book(one), Ledger(other), Pair(one, other), All()]
    return chance.sample(kinds, chance.randrange(1, 6)) + [Account(name) for name in NAMES]


@pytest.mark.parametrize("seed", range(8))
def test_many_states_are_those_that_each_would_be_alone(db: Database, seed: int) -> None:
    chance = Random(seed)
    loader = Loader(db.log)
    for turn in range(8):
        for _ in range(chance.choice([0, 1, 3])):
            db.append(*[happened(chance) for _ in range(chance.choice([1, 2, 80]))], author=f"author {turn}")
        if chance.random() < 0.5:
            loader.load(chance.choice(wanted(chance)))
        states = wanted(chance)
        found, position = loader.load_all(Reads(states))
        assert found == [replayed(db.log, state, position) for state in states]
        past = chance.randrange(position + 1)
        assert loader.load_more(Reads(states), past) == [replayed(db.log, state, past) for state in states]


class Reading(Counted):
    """Counts the reads, too."""

    reads = 0

    def read(self, *what: Any, **where: Any) -> Any:
        self.reads += 1
        return super().read(*what, **where)


def test_a_hundred_states_take_one_read_and_later_one_of_what_is_new(db: Database) -> None:
    states: list[State] = [Account(f"a{number}") for number in range(100)]
    db.append(*[Deposited(f"a{number}", number) for number in range(100)])
    log: Any = Reading(db.log)
    loader = Loader(log)
    loader.load_all(Reads(states))
    assert (log.reads, log.events) == (1, 100)
    loader.load_all(Reads(states))
    assert (log.reads, log.events) == (1, 100)
    db.append(Deposited("a7", 1), Deposited("z", 1))
    [*found], _ = loader.load_all(Reads(states))
    assert (log.reads, log.events) == (2, 101)
    assert found[7] == Account("a7", 8)


def test_a_state_that_is_new_to_the_process_lets_no_other_be_read_again(db: Database) -> None:
    db.append(*[Deposited("a", 1)] * 300)
    log: Any = Reading(db.log)
    loader = Loader(log)
    loader.load(Account("a"))
    db.append(Deposited("b", 1), Deposited("a", 1))
    before = log.events
    found, _ = loader.load_all(Reads([Account("a"), Account("b")]))
    assert found == [Account("a", 301), Account("b", 1)]
    assert log.events == before + 2


class Long(State):
    account: Tag[str]
    count: int = 0
    snapshot_every = 10

    def apply(self, event: Deposited) -> None:
        self.count += 1


def test_snapshots_of_many_states_are_kept_and_found_together() -> None:
    store = MemoryStore()
    with Database(store) as db:
        db.append(*[Deposited(name, 1) for name in "ab" for _ in range(20)])
        assert db.preview(counts([Long("a"), Long("b"), Long("c")])).events[0].cents == 40
        assert len(db.store.caches.names("snapshot/")) == 2
        db.append(Deposited("a", 1))
        log: Any = Counted(db.log)
        loader = db.handle.now().loader
        loader.log = log
        loader._cache.clear()
        assert db.preview(counts([Long("a"), Long("b"), Long("c")])).events[0].cents == 41
        assert log.events == 1


@command
def counts(longs: list[Long]) -> Deposited:
    return Deposited("sum", sum(long.count for long in longs))


def test_an_event_that_the_code_cannot_read_is_an_error_that_names_it(db: Database) -> None:
    db.append(Deposited("a", 1))
    db.append(encoded("test.deposited", b'{"account":"b","cents":"many"}', ("account:b",)))
    loader = Loader(db.log)
    with pytest.raises(UnreadableEvent, match=r"#2 .*cents"):
        loader.load_all(Reads([Account("a"), Account("b")]))
    found, _ = loader.load_all(Reads([Account("a"), Account("c")]))
    assert found == [Account("a", 1), Account("c")]
