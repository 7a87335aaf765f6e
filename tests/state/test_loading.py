"""What is remembered: never stale, never shared, never from the past, and bounded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from itertools import cycle
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest

from backstory import Database, Refused, State, Tag, connect
from backstory.decide.cache import OVERHEAD, SELDOM, SOON, Cache
from backstory.decide.loading import FAR, Key, Loader, Reads, replayed
from backstory.errors import UnknownRevision
from backstory.values.query import Query
from tests.state.bank import Account, Book, Deposited, Withdrawn, deposit, transfer, withdraw
from tests.state.counted import Counted


def balance(db: Database, name: str = "a", **at: Any) -> int:
    return db.load(Account(name), **at).balance


def key(name: str) -> Key:
    """Under what the account of this name is remembered."""
    return Account, Account(name).query(), name


def test_only_what_is_new_is_read(db: Database) -> None:
    db.append(*[Deposited("a", 1)] * 50)
    log: Any = Counted(db.log)
    loader = Loader(log)
    assert loader.load(Account("a")).balance == 50
    assert loader.load(Account("a")).balance == 50
    assert log.events == 50
    db.append(Deposited("a", 1), Deposited("b", 1))
    assert loader.load(Account("a")).balance == 51
    assert log.events == 51
    db.append(Deposited("b", 1))
    assert loader.load(Account("a")).balance == 51
    assert log.events == 51


def test_of_the_past_the_last_state_that_was_read_is_remembered_beside_the_newest(db: Database) -> None:
    db.append(*[Deposited("a", 1)] * (FAR + 50))
    log: Any = Counted(db.log)
    loader = Loader(log)
    assert loader.load(Account("a")).balance == FAR + 50
    for at in (FAR + 10, FAR + 20, FAR + 10):
        log.events = 0
        assert loader.load(Account("a"), at).balance == at
        assert log.events in (at, 10, 0)
    log.events = 0
    loader.load(Account("a"), FAR + 30).balance = 7
    assert loader.load(Account("a"), FAR + 10).balance == FAR + 10
    assert loader.load(Account("a"), 5).balance == 5
    assert loader.load(Account("a")).balance == FAR + 50
    assert log.events == 20 + 5


def test_after_an_execution_nothing_is_read_again(db: Database) -> None:
    log: Any = Counted(db.log)
    db.handle.now().loader.log = log
    for _ in range(10):
        db.execute(deposit(Account("a"), 1))
        assert balance(db) == db.head().position
    db.execute(transfer(Account("a"), Account("b"), 3))
    assert (balance(db, "a"), balance(db, "b")) == (7, 3)
    assert log.events == 0


def test_what_others_append_is_seen_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "shared.db")
    with connect(path) as one, connect(path) as other:
        for round in range(1, 6):
            one.execute(deposit(Account("a"), 2))
            other.execute(withdraw(Account("a"), 1))
            one.append(Deposited("b", 1))
            assert balance(one) == balance(other) == round
            assert balance(one, "b") == balance(other, "b") == round


def test_what_another_process_appends_is_seen_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "shared.db")
    script = (
        "import sys; from backstory import connect; from tests.state.bank import *\n"
        "with connect(sys.argv[1]) as db: db.execute(withdraw(Account('a'), 1))"
    )
    with connect(path) as db:
        db.execute(deposit(Account("a"), 1))
        assert balance(db) == 1
        subprocess.run([sys.executable, "-c", script, path], check=True, cwd=Path(__file__).parents[2])
        assert balance(db) == 0
        with pytest.raises(Refused):
            db.execute(withdraw(Account("a"), 1))


@pytest.mark.parametrize("warm", ["cold", "warm"])
def test_the_past_is_the_same_whatever_is_remembered_and_is_not_remembered(db: Database, warm: str) -> None:
    for cents in range(1, 6):
        db.append(Deposited("a", cents))
    if warm == "warm":
        balance(db)
    for position in (3, 0, 5, 1):
        assert balance(db, at=position) == sum(range(position + 1))
        assert balance(db) == 15
    assert balance(db, at="main~2") == 6
    assert balance(db, at=next(db.commits(after=3))) == 10
    db.execute(withdraw(Account("a"), 15))
    assert balance(db) == 0
    assert balance(db, at=5) == 15


def test_the_past_of_a_state_may_be_in_the_middle_of_a_commit(db: Database) -> None:
    db.append(Deposited("a", 1), Deposited("a", 10), Deposited("a", 100))
    assert [balance(db, at=position) for position in range(4)] == [0, 1, 11, 111]


@pytest.mark.parametrize("at", [3, -1, "#3", "nothing"])
def test_a_position_that_the_log_does_not_have_is_an_error(db: Database, at: Any) -> None:
    db.append(Deposited("a", 1), Deposited("a", 10))
    with pytest.raises(UnknownRevision):
        balance(db, at=at)


def test_states_of_different_classes_with_one_identity_are_not_confused(db: Database) -> None:
    class Other(State):
        account: Tag[str]
        count: int = 0

        def apply(self, event: Deposited) -> None:
            self.count += 1

    db.append(Deposited("a", 5))
    for _ in range(2):
        assert (db.load(Account("a")), db.load(Other("a"))) == (Account("a", 5), Other("a", 1))


class Kind(Enum):
    TEXT = "1"


class Number(IntEnum):
    ONE = 1


NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
ALIKE: dict[str, list[Any]] = {
    "one": [1, True, 1.0, Decimal(1), Decimal("1.0"), Number.ONE, "1", b"1", Kind.TEXT],
    "nothing": [0.0, -0.0, 0, False, None, "", (), [], frozenset()],
    "one instant": [NOON, NOON.astimezone(AMSTERDAM), NOON.astimezone(timezone(timedelta(hours=2)))],
    "one time": [time(12), time(12, tzinfo=UTC), time(12, fold=1)],
    "inside": [(1,), (True,), [1], {1: 2}, {True: 2}, {1: 2.0}, {1}, frozenset([1])],
}
"""Values of which some are equal, and none is the same as another."""


class Shown(State):
    """A state that says what its identity is."""

    key: Any
    seen: str = ""
    count: int = 0

    def query(self) -> Query:
        return Query.of(tags=["account:a"])

    def apply(self, event: Deposited) -> None:
        self.seen = repr(self.key)
        self.count += 1


@pytest.mark.parametrize("alike", ALIKE)
def test_identities_that_are_equal_and_not_the_same_are_not_confused(db: Database, alike: str) -> None:
    db.append(Deposited("a", 1))
    for _ in range(2):
        for value in ALIKE[alike]:
            assert db.load(Shown(value)).seen == repr(value)


class Who:
    """Is written like every other one."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return "<who>"


class Nobody(Who):
    """Is written by its address, which the next one may have."""

    __repr__ = object.__repr__


class Of(State):
    who: Any
    balance: int = 0

    def query(self) -> Query:
        return Query.of(tags=[f"account:{self.who.name}"])

    def apply(self, event: Deposited) -> None:
        self.balance += event.cents


@pytest.mark.parametrize("kind", [Who, Nobody])
def test_an_identity_is_not_what_is_written_of_it(db: Database, kind: type[Who]) -> None:
    db.append(Deposited("a", 1), Deposited("b", 10))
    for _ in range(20):
        for name, balance in (("a", 1), ("b", 10)):
            assert db.load(Of(kind(name))).balance == balance


def test_a_state_whose_identity_cannot_be_told_from_others_is_not_remembered(db: Database) -> None:
    db.append(Deposited("a", 1))
    log: Any = Counted(db.log)
    loader = Loader(log)
    who = Who("a")
    assert [loader.load(Of(who)).balance, loader.load(Of(who)).balance] == [1, 1]
    assert log.events == 2


def test_a_state_that_reads_something_else_by_now_is_not_remembered(db: Database) -> None:
    class Free(State):
        account: Tag[str]
        balance: int = 0
        types: ClassVar[list[str]] = ["test.deposited"]

        def query(self) -> Query:
            return Query.of(self.types, [f"account:{self.account}"])

        def apply(self, event: Deposited | Withdrawn) -> None:
            self.balance += event.cents

    db.append(Deposited("a", 1), Withdrawn("a", 10))
    assert db.load(Free("a")).balance == 1
    Free.types.append("test.withdrawn")
    assert db.load(Free("a")).balance == 11


def test_a_loader_that_knows_less_than_another_thread_does_not_lose_what_is_remembered(db: Database) -> None:
    """The head is asked for after the cache: else what is remembered would be newer, and all be read again."""
    db.append(*[Deposited("a", 1)] * 20)
    log: Any = Counted(db.log)
    loader = Loader(log)
    loader.load(Account("a"))
    head = log._log.head

    def late() -> Any:
        before = head()
        if log.events == 20:
            log.head = head
            db.append(Deposited("a", 1))
            loader.load(Account("a"))
        return before

    log.head = late
    assert loader.load(Account("a")).balance == 20
    assert loader.load(Account("a")).balance == 21
    assert log.events == 21


class Late:
    """A log in which something else happens before one of the looks at it: the one of this number."""

    def __init__(self, log: Any, late: Callable[[], None]) -> None:
        self._log = log
        self._late = late
        self.number = 0

    def __getattr__(self, name: str) -> Any:
        self.number -= 1
        if self.number == 0:
            self._late()
        return getattr(self._log, name)


@pytest.mark.parametrize("remembered", [False, True])
def test_states_of_one_command_are_of_one_position(db: Database, remembered: bool) -> None:
    """Money that moves between two accounts is in one of them, whenever one looks."""
    db.append(Deposited("a", 100))
    accounts = [Account("a"), Account("b")]
    moves = cycle([("a", "b"), ("b", "a")])

    def move() -> None:
        source, target = next(moves)
        db.append(Withdrawn(source, 100), Deposited(target, 100))
        for account in accounts if remembered else []:
            loader.load(account)  # as another thread may, which brings forward what is remembered

    log: Any = Late(db.log, move)
    loader = Loader(log)
    for turn in range(12):
        db.append(Deposited("a", 0), Deposited("b", 0))  # so that there is something to read
        log.number = 1 + turn % 3  # before the head is asked for, or one of the accounts is read
        states, _position = loader.load_all(Reads(accounts))
        assert sum(state.balance for state in states if isinstance(state, Account)) == 100
    assert db.head().position > 1 + 2 * 12, "nothing moved"


def test_threads_that_load_and_execute_at_once_see_what_a_replay_sees(db: Database) -> None:
    def work(number: int) -> None:
        name = f"n-{number % 3}"
        db.execute(deposit(Account(name), 1))
        book = db.load(Book(name))
        assert len(book.lines) == sum(book.by_kind["Deposited"])
        book.lines.clear()
        db.load(Book(name), at=db.head().position // 2)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(work, range(60)))
    for name in ("n-0", "n-1", "n-2"):
        assert db.load(Book(name)) == replayed(db.log, Book(name))
        assert balance(db, name) == 20


def test_the_cache_keeps_within_its_bound_and_throws_out_what_was_least_lately_used() -> None:
    cache = Cache(limit=3 * OVERHEAD + 200)
    for name in "abc":
        cache.put(key(name), Account(name), 1)
    cache.get(key("a"))
    cache.put(key("d"), Account("d"), 1)
    assert [name for name in "abcd" if cache.get(key(name))] == ["a", "c", "d"]
    cache.put(key("e"), Account("e" * 10_000), 1)
    assert [name for name in "abcde" if cache.get(key(name))] == []
    assert cache._size == 0
    assert not cache._entries


def test_what_json_cannot_carry_counts_by_its_size_too() -> None:
    class Odd(State):
        held: Any = None

        def apply(self, event: Deposited) -> None: ...

    cache = Cache(limit=20 * OVERHEAD)
    odd = (Odd, Query.none(), "a")
    cache.put(odd, Odd([object()] * 10_000), 1)
    assert cache.get(odd) is None


def test_an_older_state_does_not_replace_a_newer_one() -> None:
    cache = Cache()
    cache.put(key("a"), Account("a", 2), 2)
    cache.put(key("a"), Account("a", 1), 1)
    assert cache.get(key("a")) == (Account("a", 2), 2)


def test_a_database_without_room_for_states_works_all_the_same() -> None:
    with connect("memory:", cache_bytes=0) as db:
        for _ in range(3):
            db.execute(deposit(Account("a"), 1))
        assert balance(db) == 3


def test_a_state_may_hold_what_no_encoder_takes(db: Database) -> None:
    class Huge(State):
        account: Tag[str]
        product: int = 2**40

        def apply(self, event: Deposited) -> None:
            self.product *= event.cents

    db.append(Deposited("a", 2**40))
    assert db.load(Huge("a")).product == 2**80


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[State]:
    """The states whose size was measured; that of an `Account` is its balance."""
    states: list[State] = []

    def size(state: Any) -> int:
        states.append(state)
        return int(state.balance)

    monkeypatch.setattr("backstory.decide.cache._size", size)
    return states


def test_a_state_that_hardly_grows_is_measured_more_and_more_seldom(measured: list[State]) -> None:
    cache = Cache()
    last = 10 * SELDOM
    for position in range(1, last + 1):
        cache.put(key("a"), Account("a", 1_000_000 + position), position)
    assert len(measured) <= 1 + 7 + 10
    assert cache.get(key("a")) == (Account("a", 1_000_000 + last), last)


def test_what_is_known_of_the_size_of_a_state_is_never_far_from_it(measured: list[State]) -> None:
    cache, size = Cache(), 1_000_000.0
    for position in range(1, 3_000):
        size *= 1.002 if position > 1_000 else 1
        cache.put(key("a"), Account("a", int(size)), position)
        assert cache._size > size / 8
    assert len(measured) < 100


def test_many_events_at_once_are_reason_to_measure(measured: list[State]) -> None:
    cache = Cache()
    cache.put(key("a"), Account("a", 1), 1)
    cache.put(key("a"), Account("a", 500), 501, 500)
    assert len(measured) == 2


def test_the_cache_keeps_to_its_limit_however_a_state_grows() -> None:
    cache = Cache(limit=40 * OVERHEAD)
    for position in range(1, 4 * SOON):
        cache.put(key("a"), Account("a" * 1_000 * position, position), position)
        assert cache._size <= 40 * OVERHEAD
    assert cache.get(key("a")) is None
