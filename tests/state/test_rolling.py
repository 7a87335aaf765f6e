"""Two programs on one store, the older of which does not know what the newer one writes: what each of them is told."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import pytest

from backstory import Database, Event, Refused, State, Tag, command, upcast
from backstory.errors import UnreadableEvent
from backstory.values.codec import Codec
from backstory.values.event import Unknown

META: Any = type(State)


class Program(NamedTuple):
    """One program on the store: its database, its event, its state, and its command."""

    db: Database
    moved: Any
    account: Any
    withdraw: Any


def program(db: Database, moved: Any, applied: Any = None) -> Program:
    """The program of these classes; `applied` is a union of events that its state takes, if it takes more than one."""

    def apply(self: Any, event: Any) -> None:
        self.cents += event.cents

    def withdraw(account: Any, cents: int) -> Any:
        if account.cents < cents:
            raise Refused("insufficient funds")
        return moved(account.account, -cents)

    apply.__annotations__ = {"event": applied or moved}
    fields = {"__annotations__": {"account": Tag[str], "cents": int}, "cents": 0}
    account: Any = META("Account", (State,), {"apply": apply, "__module__": __name__, **fields})
    withdraw.__annotations__ = {"account": account, "cents": int, "return": moved}
    store = Database(db.store, codec=Codec(classes={"rolling.moved": moved}))
    return Program(store, moved, account, command(withdraw))


def old(db: Database) -> Program:
    class Moved(Event, name="rolling.moved"):
        account: Tag[str]
        cents: int
        why: Literal["pay", "rent"] = "pay"

    return program(db, Moved)


def new_version(db: Database) -> Program:
    class Moved(Event, name="rolling.moved", version=2):
        account: Tag[str]
        cents: int
        currency: str = "EUR"

        @upcast(1)
        @staticmethod
        def in_euros(data: dict[str, Any]) -> dict[str, Any]:
            return {"account": data["account"], "cents": data["cents"]}

    return program(db, Moved)


def new_field(db: Database) -> Program:
    class Moved(Event, name="rolling.moved"):
        account: Tag[str]
        cents: int
        why: Literal["pay", "rent", "fine"] = "pay"
        memo: str = ""

    return program(db, Moved)


class Charged(Event, name="rolling.charged"):
    account: Tag[str]
    cents: int


def new_type(db: Database) -> Program:
    moved = old(db).moved
    return program(db, moved, moved | Charged)


def test_a_new_version_is_read_by_new_code_and_stops_old_code_which_decides_nothing_on_it(
    db: Database,
) -> None:
    one, other = old(db), new_version(db)
    one.db.append(one.moved("a", 500))
    assert other.db.load(other.account("a")).cents == 500
    other.db.append(other.moved("a", -300))
    with pytest.raises(UnreadableEvent, match="this program is older than the event"):
        one.db.load(one.account("a"))
    with pytest.raises(UnreadableEvent, match="this program is older than the event"):
        one.db.execute(one.withdraw(one.account("a"), 400))
    assert db.head().position == 2
    _, unknown = (record.event for record in one.db.read())
    assert isinstance(unknown, Unknown)
    assert unknown.why == "it has version 2, the class here has 1"
    one.db.append(one.moved("b", 5))
    assert one.db.load(one.account("b")).cents == other.db.load(other.account("b")).cents == 5


def test_a_new_field_with_a_default_is_passed_over_by_old_code(db: Database) -> None:
    one, other = old(db), new_field(db)
    other.db.append(other.moved("a", 500, memo="rent"))
    one.db.execute(one.withdraw(one.account("a"), 100))
    assert one.db.load(one.account("a")).cents == other.db.load(other.account("a")).cents == 400


def test_a_new_value_of_an_enum_stops_old_code(db: Database) -> None:
    one, other = old(db), new_field(db)
    other.db.append(other.moved("a", 500, "fine"))
    with pytest.raises(UnreadableEvent, match="Invalid enum value"):
        one.db.load(one.account("a"))


def test_a_new_type_is_invisible_to_old_code_which_decides_without_it(db: Database) -> None:
    one, other = old(db), new_type(db)
    one.db.append(one.moved("a", 500))
    other.db.append(Charged("a", -500))
    assert (one.db.load(one.account("a")).cents, other.db.load(other.account("a")).cents) == (500, 0)
    one.db.execute(one.withdraw(one.account("a"), 100))
    assert other.db.load(other.account("a")).cents == -100


def test_programs_of_different_code_do_not_believe_each_others_snapshots(db: Database) -> None:
    one, other = old(db), new_type(db)
    for each in (one, other):
        each.account.snapshot_every = 1
    one.db.append(one.moved("a", 500))
    other.db.append(Charged("a", -200))
    for _ in range(2):
        assert one.db.load(one.account("a")).cents == 500
        assert other.db.load(other.account("a")).cents == 300
