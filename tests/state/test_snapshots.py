"""Snapshots: kept for long histories, thrown away when the code that made them has changed, never believed blindly."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec
import pytest

from backstory import Database, Event, Query, State, Tag, connect, upcast
from backstory.decide.fingerprint import fingerprint
from backstory.decide.snapshots import Snapshots
from backstory.errors import StoreReadOnly
from backstory.values.event_data import encoded
from tests.faces.steps import SteppedStore
from tests.state.bank import Deposited, Withdrawn


class Long(State):
    snapshot_every = 10
    account: Tag[str]
    balance: int = 0
    kinds: set[str] = set()

    def apply(self, event: Deposited | Withdrawn) -> None:
        self.balance += event.cents
        self.kinds.add(type(event).__name__)


def again(db: Database) -> Database:
    """Another object on the same store, which has no memory of it yet."""
    return Database(SteppedStore(db.store))


def kept(db: Database) -> dict[str, Any]:
    caches = db.store.caches
    return {name: msgspec.json.decode(caches.get(name) or b"") for name in caches.names("snapshot/")}


def spoil(db: Database, name: str, **changes: Any) -> None:
    """Change the state inside of a snapshot, so that one sees whether it is used."""
    text = db.store.caches.get(name)
    assert text is not None
    snapshot = msgspec.json.decode(text)
    snapshot["state"].update(changes)
    db.store.caches.set(name, msgspec.json.encode(snapshot))


def uses(state: State, db: Database) -> bool:
    """Whether this state, whose right balance is 10, is loaded from its snapshot."""
    [name] = kept(db)
    spoil(db, name, balance=1_000)
    balance: int = again(db).load(state).balance  # type: ignore[attr-defined]
    assert balance in (10, 1_000)
    spoil(db, name, balance=10)
    return balance == 1_000


def test_a_long_history_gets_a_snapshot_and_a_short_one_none(db: Database) -> None:
    db.append(*[Deposited("short", 1)] * 9)
    db.load(Long("short"))
    assert kept(db) == {}
    db.append(*[Deposited("ü/'☃\"", 1)] * 10)
    db.load(Long("ü/'☃\""))
    [snapshot] = kept(db).values()
    assert snapshot["position"] == 19
    assert snapshot["state"] == {"account": "ü/'☃\"", "balance": 10, "kinds": ["Deposited"]}


def test_what_came_after_a_snapshot_is_read(db: Database) -> None:
    db.append(*[Deposited("a", 1)] * 10)
    db.load(Long("a"))
    db.append(Withdrawn("a", 5), Withdrawn("b", 5))
    spoil(db, *kept(db), balance=1_000)
    other = again(db)
    assert other.load(Long("a")) == Long("a", 1_005, {"Deposited", "Withdrawn"})
    assert db.load(Long("a")).balance == 15


def test_a_snapshot_is_made_anew_after_so_many_events_more(db: Database) -> None:
    for more, position in ((10, 10), (9, 10), (1, 10), (10, 20), (25, 55)):
        db.append(*[Deposited("a", 1)] * more)
        assert again(db).load(Long("a")).balance == db.head().position
        [snapshot] = kept(db).values()
        if more == 1:
            assert snapshot["position"] == 20
        else:
            assert snapshot["position"] in (position, db.head().position)


def test_no_snapshots_are_kept_or_used_where_they_are_off(db: Database) -> None:
    class Off(Long):
        snapshot_every = 0

    db.append(*[Deposited("a", 1)] * 10)
    db.load(Off("a"))
    assert kept(db) == {}


@pytest.mark.parametrize("warm", ["cold", "warm"])
def test_the_past_before_a_snapshot_is_not_read_from_it_and_the_past_after_it_may_be(
    db: Database, warm: str
) -> None:
    db.append(*[Deposited("a", 1)] * 10)
    db.load(Long("a"))
    db.append(*[Deposited("a", 1)] * 5)
    spoil(db, *kept(db), balance=1_000)
    other = db if warm == "warm" else again(db)
    assert other.load(Long("a"), at=9).balance == 9
    assert other.load(Long("a"), at=0).balance == 0
    assert again(db).load(Long("a"), at=10).balance == 1_000
    assert again(db).load(Long("a"), at=12).balance == 1_002
    assert [snapshot["position"] for snapshot in kept(db).values()] == [10]


def test_loading_the_past_keeps_no_snapshot(db: Database) -> None:
    db.append(*[Deposited("a", 1)] * 20)
    db.load(Long("a"), at=15)
    assert kept(db) == {}


def test_a_snapshot_that_makes_no_sense_is_thrown_away(db: Database) -> None:
    db.append(*[Deposited("a", 1)] * 10)
    db.load(Long("a"))
    [name] = kept(db)
    for text in (
        "",
        "{",
        "[]",
        '{"position":10}',
        '{"fingerprint":"x","query":{"clauses":[]},"position":1,"state":5}',
    ):
        db.store.caches.set(name, text.encode())
        assert again(db).load(Long("a")).balance == 10
    spoil(db, name, balance="much")
    assert again(db).load(Long("a")).balance == 10


def test_a_snapshot_that_is_ahead_of_the_log_is_not_used(db: Database) -> None:
    db.append(*[Deposited("a", 1)] * 10)
    db.load(Long("a"))
    [name] = kept(db)
    text = db.store.caches.get(name)
    assert text is not None
    db.store.caches.set(name, text.replace(b'"position":10', b'"position":11'))
    assert again(db).load(Long("a")).balance == 10


class Code:
    """One state class as it is, and as it may be after somebody changed it."""

    @staticmethod
    def now() -> type[State]:
        class Changing(State):
            snapshot_every = 10
            account: Tag[str]
            balance: int = 0

            def apply(self, event: Deposited | Withdrawn) -> None:
                self.balance += self.sign(event) * event.cents

            def sign(self, event: Any) -> int:
                return 1 if isinstance(event, Deposited) else -1

        return Changing

    @staticmethod
    def moved() -> type[State]:
        # The same, elsewhere in the file.

        class Changing(State):
            snapshot_every = 10
            account: Tag[str]
            balance: int = 0

            def apply(self, event: Deposited | Withdrawn) -> None:
                # A comment.
                self.balance += self.sign(event) * event.cents

            def sign(self, event: Any) -> int:
                return 1 if isinstance(event, Deposited) else -1

        return Changing

    @staticmethod
    def apply() -> type[State]:
        class Changing(State):
            snapshot_every = 10
            account: Tag[str]
            balance: int = 0

            def apply(self, event: Deposited | Withdrawn) -> None:
                self.balance += self.sign(event) * event.cents * 1

            def sign(self, event: Any) -> int:
                return 1 if isinstance(event, Deposited) else -1

        return Changing

    @staticmethod
    def method() -> type[State]:
        class Changing(State):
            snapshot_every = 10
            account: Tag[str]
            balance: int = 0

            def apply(self, event: Deposited | Withdrawn) -> None:
                self.balance += self.sign(event) * event.cents

            def sign(self, event: Any) -> int:
                return 1 if isinstance(event, Deposited) else 0

        return Changing

    @staticmethod
    def default() -> type[State]:
        class Changing(State):
            snapshot_every = 10
            account: Tag[str]
            balance: int = 100

            def apply(self, event: Deposited | Withdrawn) -> None:
                self.balance += self.sign(event) * event.cents

            def sign(self, event: Any) -> int:
                return 1 if isinstance(event, Deposited) else -1

        return Changing

    @staticmethod
    def field() -> type[State]:
        class Changing(State):
            snapshot_every = 10
            account: Tag[str]
            balance: int = 0
            more: str = ""

            def apply(self, event: Deposited | Withdrawn) -> None:
                self.balance += self.sign(event) * event.cents

            def sign(self, event: Any) -> int:
                return 1 if isinstance(event, Deposited) else -1

        return Changing

    @staticmethod
    def events() -> type[State]:
        class Changing(State):
            snapshot_every = 10
            account: Tag[str]
            balance: int = 0

            def apply(self, event: Deposited) -> None:
                self.balance += self.sign(event) * event.cents

            def sign(self, event: Any) -> int:
                return 1 if isinstance(event, Deposited) else -1

        return Changing

    @staticmethod
    def version() -> type[State]:
        class Changing(State):
            snapshot_every = 10
            version = 2
            account: Tag[str]
            balance: int = 0

            def apply(self, event: Deposited | Withdrawn) -> None:
                self.balance += self.sign(event) * event.cents

            def sign(self, event: Any) -> int:
                return 1 if isinstance(event, Deposited) else -1

        return Changing


def test_code_that_only_moved_has_the_same_fingerprint() -> None:
    assert fingerprint(Code.now()) == fingerprint(Code.now()) == fingerprint(Code.moved())


@pytest.mark.parametrize(
    "changed",
    [Code.apply, Code.method, Code.default, Code.field, Code.events, Code.version],
    ids=lambda code: code.__name__,
)
def test_code_that_changed_has_another_fingerprint(changed: Callable[[], type[State]]) -> None:
    assert fingerprint(Code.now()) != fingerprint(changed())


def test_a_snapshot_of_other_code_is_thrown_away_and_replaced(db: Database) -> None:
    db.append(*[Deposited("a", 1)] * 10)
    first: Any = Code.now()
    second: Any = Code.version()
    first.__qualname__ = second.__qualname__ = "Changing"
    db.load(first("a"))
    assert uses(first("a"), db)
    assert not uses(second("a"), db)
    assert uses(second("a"), db)
    assert not uses(first("a"), db)


def test_what_a_base_class_does_is_part_of_the_fingerprint() -> None:
    def derived(base: Any) -> type[State]:
        class Derived(base):  # type: ignore[misc]
            def apply(self, event: Deposited) -> None:
                super().apply(event)

        return Derived

    assert fingerprint(derived(Code.now())) == fingerprint(derived(Code.moved()))
    assert fingerprint(derived(Code.now())) != fingerprint(derived(Code.method()))


def mended(factor: int, kind: type[Any] = int) -> Any:
    """A state over an event of version 2, whose upcaster and field are as given."""

    def in_cents(data: dict[str, Any]) -> dict[str, Any]:
        return {"account": data["account"], "cents": data["dollars"] * 100}

    def in_mills(data: dict[str, Any]) -> dict[str, Any]:
        return {"account": data["account"], "cents": data["dollars"] * 1_000}

    space = {
        "__annotations__": {"account": Tag[str], "cents": kind},
        "mend": upcast(1)(in_cents if factor == 100 else in_mills),
    }
    base: Any = type(Event)
    paid = base("Paid", (Event,), space, name="test.mended", version=2)

    class Payments(State):
        snapshot_every = 10
        account: Tag[str]
        balance: int = 0

        def apply(self, event: paid) -> None:  # type: ignore[valid-type]
            self.balance += event.cents  # type: ignore[attr-defined]

    return Payments


def test_an_upcaster_is_part_of_the_fingerprint_and_so_are_the_fields_of_an_event() -> None:
    assert fingerprint(mended(100)) == fingerprint(mended(100))
    assert fingerprint(mended(100)) != fingerprint(mended(1_000))
    assert fingerprint(mended(100)) != fingerprint(mended(100, float))


def test_when_an_upcaster_changes_the_history_is_read_anew(db: Database) -> None:
    db.append(*[encoded("test.mended", b'{"account":"a","dollars":1}', ("account:a",))] * 10)
    assert db.load(mended(100)("a")).balance == 1_000
    assert again(db).load(mended(1_000)("a")).balance == 10_000
    assert again(db).load(mended(100)("a")).balance == 1_000


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    script = (
        "import tests.state.test_snapshots as t; from backstory.decide.fingerprint import fingerprint as f;"
        "print(f(t.Code.now()), f(t.Chosen), f(t.mended(100)))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1


class Kind(Enum):
    CASH = "cash"
    CARD = "card"
    CHECK = "check"


KINDS = {Kind.CASH, Kind.CARD, Kind.CHECK}


class Chosen(State):
    """Its code names sets, whose order differs from process to process."""

    account: Tag[str]
    count: int = 0

    def apply(self, event: Deposited) -> None:
        if event.account in {"alpha", "beta", "gamma", "delta", "epsilon", *KINDS}:
            self.count += 1


def test_a_query_that_changed_makes_a_snapshot_useless(db: Database) -> None:
    class Free(State):
        snapshot_every = 10
        types: ClassVar[list[str]] = ["test.deposited"]
        account: Tag[str]
        balance: int = 0

        def query(self) -> Query:
            return Query.of(self.types, [f"account:{self.account}"])

        def apply(self, event: Deposited | Withdrawn) -> None:
            self.balance += event.cents

    db.append(*[Deposited("a", 1)] * 10, *[Withdrawn("a", 1)] * 10)
    assert db.load(Free("a")).balance == 10
    assert len(kept(db)) == 1
    Free.types.append("test.withdrawn")
    assert again(db).load(Free("a")).balance == 20


@dataclass
class Paid:
    cents: int


class Loose(msgspec.Struct, dict=True):
    cents: int = 0


def with_more(thing: Any) -> Any:
    """Put into an object what is none of its fields."""
    thing.more = 1
    return thing


def unlike(annotation: Any, value: Callable[[], Any]) -> type[State]:
    def apply(self: Any, event: Deposited) -> None:
        self.balance += 1
        self.held = value()

    annotations = {"account": Tag[str], "balance": int, "held": annotation}
    space = {"__annotations__": annotations, "balance": 0, "held": None, "snapshot_every": 10, "apply": apply}
    base: Any = type(State)
    made: type[State] = base("Unlike", (State,), space)
    return made


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Any, object),
        (Any, lambda: {1, 2}),
        (Any, lambda: (1, 2)),
        (Any, lambda: {1: "a"}),
        (Any, lambda: Deposited("a", 1)),
        (Any, lambda: float("nan")),
        (float | None, lambda: float("inf")),
        (float | None, lambda: 5),
        (dict[str, int] | None, lambda: defaultdict(int, a=1)),
        (str | None, lambda: "\ud800"),
        (complex | None, lambda: 1j),
        (datetime | None, lambda: datetime(2026, 3, 1, 9, tzinfo=ZoneInfo("Europe/Amsterdam"))),
        (list[datetime] | None, lambda: [datetime(2026, 3, 1, 9, tzinfo=ZoneInfo("UTC"))]),
        (Any, lambda: Kind.CASH),
        (set[Any] | None, lambda: {Kind.CASH}),
        (Any, lambda: Paid(1)),
        (Paid | None, lambda: Paid(True)),
        (Paid | None, lambda: with_more(Paid(1))),
        (Loose | None, lambda: with_more(Loose())),
    ],
)
def test_a_state_that_json_would_not_give_back_as_it_was_is_not_kept(
    db: Database, annotation: Any, value: Any
) -> None:
    db.append(*[Deposited("a", 1)] * 10)
    state = unlike(annotation, value)
    assert db.load(state("a")).balance == 10  # type: ignore[attr-defined]
    assert kept(db) == {}
    assert again(db).load(state("a")).balance == 10  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Any, lambda: [1, "a", None, 1.5, -0.0, {"b": True}]),
        (datetime | None, lambda: datetime(2026, 3, 1, 9, tzinfo=UTC)),
        (datetime | None, lambda: datetime(2026, 3, 1, 9)),  # noqa: DTZ001 - one without a zone
        (Kind | None, lambda: Kind.CASH),
        (dict[Kind, set[Kind]] | None, lambda: {Kind.CASH: {Kind.CASH}}),
        (Paid | None, lambda: Paid(1)),
        (Loose | None, Loose),
        (Decimal | None, lambda: Decimal("1.00")),
    ],
)
def test_a_state_that_json_gives_back_as_it_was_is_kept(db: Database, annotation: Any, value: Any) -> None:
    db.append(*[Deposited("a", 1)] * 10)
    state: Any = unlike(annotation, value)
    folded = db.load(state("a")).held
    assert len(kept(db)) == 1
    loaded = again(db).load(state("a")).held
    assert (repr(loaded), type(loaded)) == (repr(folded), type(folded))


def test_identities_that_json_writes_alike_do_not_get_each_others_snapshot(db: Database) -> None:
    class Keyed(State):
        snapshot_every = 1
        key: Any
        seen: str = ""

        def query(self) -> Query:
            return Query.of(["test.deposited"])

        def apply(self, event: Deposited) -> None:
            self.seen = repr(self.key)

    db.append(Deposited("a", 1))
    for key in ("cash", Kind.CASH, "cash"):
        assert again(db).load(Keyed(key)).seen == repr(key)


def test_a_state_whose_code_cannot_be_known_is_not_kept(db: Database) -> None:
    lock = threading.Lock()

    class Guarded(State):
        snapshot_every = 10
        account: Tag[str]
        balance: int = 0

        def apply(self, event: Deposited) -> None:
            with lock:
                self.balance += event.cents

    db.append(*[Deposited("a", 1)] * 10)
    assert fingerprint(Guarded) is None
    assert [again(db).load(Guarded("a")).balance for _ in range(2)] == [10, 10]
    assert kept(db) == {}


def test_an_identity_that_json_cannot_carry_has_no_snapshot(db: Database) -> None:
    class Odd(State):
        snapshot_every = 1
        key: Any
        count: int = 0

        def query(self) -> Query:
            return Query.of(["test.deposited"])

        def apply(self, event: Deposited) -> None:
            self.count += 1

    db.append(Deposited("a", 1))
    key = object()
    assert db.load(Odd(key)).count == 1
    assert db.load(Odd(key)).count == 1


def test_a_store_that_cannot_be_written_is_read_all_the_same(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> bool:
        raise StoreReadOnly("no")

    db.append(*[Deposited("a", 1)] * 10)
    monkeypatch.setattr(type(db.store.caches), "set", refuse)
    assert db.load(Long("a")).balance == 10


def test_snapshots_survive_the_process(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    with connect(path) as db:
        db.append(*[Deposited("a", 1)] * 10)
        db.load(Long("a"))
        spoil(db, *kept(db), balance=1_000)
    with connect(path) as db:
        assert db.load(Long("a")).balance == 1_000


def test_snapshots_of_branches_are_their_own(db: Database) -> None:
    db.append(*[Deposited("a", 1)] * 10)
    trial = db.branch("trial")
    trial.append(*[Withdrawn("a", 1)] * 10)
    db.load(Long("a"))
    trial.load(Long("a"))
    assert len(kept(db)) == 2
    assert again(db).load(Long("a")).balance == 10
    assert again(db).switch("trial").load(Long("a")).balance == 20


def test_a_snapshot_gives_each_caller_a_state_of_its_own(db: Database) -> None:
    db.append(*[Deposited("a", 1)] * 10)
    db.load(Long("a"))
    other = again(db)
    other.load(Long("a")).kinds.add("spoiled")
    assert other.load(Long("a")).kinds == {"Deposited"}
    snapshots = Snapshots(db.store.caches, "0")
    assert snapshots.get(Long("a"), Long("a").query(), None) == (Long("a", 10, {"Deposited"}), 10)
