"""What a command takes, what it may give, and what is recorded of it; no store in sight."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import sys
import threading
import uuid
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Union

import msgspec
import pytest

from backstory import Command, Event, Now, Personal, Refused, State, Tag, command, provided
from backstory.decide import call, register
from backstory.errors import DecisionError, DefinitionError
from backstory.testing import given
from backstory.values.masking import masked_command
from tests.state.bank import Account, Deposited, Withdrawn, deposit, transfer, withdraw


class Item(msgspec.Struct, frozen=True):
    name: str
    cents: int = 0


class Colour(enum.Enum):
    RED = "red"


class Total(State):
    cents: int = 0

    def apply(self, event: Deposited) -> None:
        self.cents += event.cents


def decide(made: Any) -> list[Any]:
    """What it decides on empty states."""
    events: list[Any] = made.decide(made.states)
    return events


def test_calling_a_command_decides_nothing_yet() -> None:
    made = withdraw(Account("a"), cents=50)
    assert str(made) == repr(made) == "withdraw(a, cents=50)"
    with pytest.raises(Refused, match="insufficient funds") as refused:
        decide(made)
    assert (refused.value.code, refused.value.details) == ("funds", {"balance": 0})


def test_a_long_command_is_shown_with_its_beginning_and_its_end() -> None:
    @command
    def note(account: Account, text: str, more: list[int]) -> None:
        pass

    made = note(Account("a" * 50), text="x" * 70_000, more=list(range(5)))
    assert str(made) == f"note({'a' * 50}, text='{'x' * 41}...{'x' * 14}', more=[0, 1, 2, 3, 4])"
    assert made.recorded()["arguments"]["text"] == "x" * 70_000
    assert len(str(note(Account("a" * 1_000), text="", more=[]))) == 200
    assert str(note(Account("a" * 1_000), text="", more=[])).endswith("text='', more=[])")


def test_a_refusal_has_its_reason_for_a_code_where_it_gives_none() -> None:
    with pytest.raises(Refused) as refused:
        decide(transfer(Account("a"), Account("b"), 1))
    assert (str(refused.value), refused.value.code, refused.value.details) == (
        "insufficient funds",
        "insufficient funds",
        {},
    )


A = Account("a")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ([A], {}),
        ([A, 1, 2], {}),
        ([A, 1], {"dollars": 2}),
        ([A, "1"], {}),
        ([A, 1.5], {}),
        ([A, None], {}),
        (["a", 1], {}),
        ([Total(), 1], {}),
        ([None, 1], {}),
        ([Account, 1], {}),
    ],
)
def test_arguments_that_do_not_fit_are_a_type_error_at_the_call(
    given: list[Any], named: dict[str, Any]
) -> None:
    call: Any = deposit
    with pytest.raises(TypeError, match=r"^deposit: "):
        call(*given, **named)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cnts": 5}, "withdraw: there is no cnts; did you mean cents?"),
        ({"cents": 5, "why": ""}, "withdraw: there is no why; its parameters are account, cents"),
    ],
)
def test_a_parameter_that_is_not_there_is_named_with_one_that_is_like_it(given: Any, words: str) -> None:
    with pytest.raises(TypeError) as wrong:
        withdraw(Account("a-7"), **given)
    assert str(wrong.value) == words


def test_parameters_may_have_defaults_and_be_keyword_only() -> None:
    @command
    def pay(
        account: Account,
        cents: int = 5,
        *,
        note: str | None = None,
        items: list[Item] = [],  # noqa: B006
    ) -> Deposited:
        return Deposited(account.account, cents + len(items))

    assert decide(pay(Account("a"))) == [Deposited("a", 5)]
    assert pay(Account("a")).recorded()["arguments"] == {
        "account": {"account": "a"},
        "cents": 5,
        "note": None,
        "items": [],
    }
    assert decide(pay(cents=7, account=Account("a"), items=[Item("x")])) == [Deposited("a", 8)]
    with pytest.raises(TypeError, match="pay: "):
        pay(Account("a"), 5, "a note")  # type: ignore[call-arg]


@pytest.mark.parametrize("wrong", ["*cents", "**cents", "cents, /"])
def test_every_parameter_has_a_name(wrong: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def pay({wrong}): ...", scope)
    with pytest.raises(DefinitionError, match="parameters have names"):
        command(scope["pay"])


def test_every_parameter_has_an_annotation() -> None:
    with pytest.raises(DefinitionError, match="parameter cents has no annotation"):

        @command
        def pay(account: Account, cents) -> Deposited:  # type: ignore[no-untyped-def]
            return Deposited(account.account, cents)


def test_an_async_command_is_refused_with_what_to_do_instead() -> None:
    with pytest.raises(DefinitionError, match=r"pure decision.*Await what it needs before"):

        @command
        async def pay(account: Account) -> None: ...

    with pytest.raises(DefinitionError, match="is async"):

        @command
        async def pay_all(account: Account) -> Any:
            yield Deposited(account.account, 1)


@pytest.mark.parametrize(
    "kind", [dict[str, Account], tuple[Account, ...], list[Account | None], list[Account] | None]
)
def test_states_inside_of_something_are_refused_because_nobody_would_load_them(kind: Any) -> None:
    def pay(accounts: Any) -> None: ...

    pay.__annotations__["accounts"] = kind
    with pytest.raises(DefinitionError, match="only as a parameter of its own"):
        command(pay)


def test_parameters_that_no_argument_can_be_checked_against_are_refused() -> None:
    with pytest.raises(DefinitionError, match=r"pay: .*union"):

        @command
        def pay(item: Item | Account2) -> None: ...


class Account2(msgspec.Struct):
    name: str


@pytest.mark.parametrize("given", ["generator", "list", "tuple", "iterator", "one"])
def test_a_command_may_give_one_event_or_several(given: str) -> None:
    event = Deposited("a", 1)

    @command
    def one() -> Any:
        return {"list": [event], "tuple": (event,), "iterator": iter([event]), "one": event}[given]

    @command
    def several() -> Any:
        yield event

    assert decide(several() if given == "generator" else one()) == [event]


def test_a_command_may_give_nothing() -> None:
    @command
    def none() -> Deposited | None:
        return None

    @command
    def empty() -> Iterator[Deposited]:
        yield from ()

    assert decide(none()) == decide(empty()) == []


@pytest.mark.parametrize(
    "given", [5, "text", {"a": 1}, object(), Deposited, [Deposited], [None], Account("a"), Item("a")]
)
def test_what_is_no_event_is_a_decision_error(given: Any) -> None:
    @command
    def wrong() -> Any:
        return given

    with pytest.raises(DecisionError, match=r"wrong gave .*, which is not an event"):
        decide(wrong())


ANNOTATIONS = [
    Withdrawn,
    Withdrawn | None,
    Iterator[Withdrawn],
    Iterable[Withdrawn],
    Generator[Withdrawn, None, None],
    Generator[Withdrawn, Deposited, Deposited],
    list[Withdrawn],
    Sequence[Withdrawn] | None,
    tuple[Withdrawn, ...],
    Union[list[Withdrawn], Withdrawn, None],  # noqa: UP007 - the old way to write it
    Iterator["Withdrawn"],
]


@pytest.mark.parametrize("annotation", ANNOTATIONS, ids=str)
def test_an_event_that_the_return_annotation_does_not_name_is_a_decision_error(annotation: Any) -> None:
    def pay(kind: str) -> Any:
        return [Withdrawn("a", 1) if kind == "right" else Deposited("a", 1)]

    pay.__annotations__["return"] = annotation
    made: Any = command(pay)
    assert decide(made("right")) == [Withdrawn("a", 1)]
    with pytest.raises(DecisionError, match="its return annotation says Withdrawn"):
        decide(made("wrong"))


@pytest.mark.parametrize(
    "annotation", [Any, None, list, Iterator, list[Any], Event, Iterator[Event], tuple[Withdrawn, Deposited]]
)
def test_other_return_annotations_take_any_event(annotation: Any) -> None:
    def pay() -> Any:
        return [Withdrawn("a", 1), Deposited("a", 1)]

    pay.__annotations__["return"] = annotation
    made: Any = command(pay)
    assert len(decide(made())) == 2


@pytest.mark.parametrize("annotation", [int, list[str], Iterator[int | Withdrawn], Account])
def test_a_return_annotation_that_names_no_event_is_an_error_when_it_is_defined(annotation: Any) -> None:
    def pay() -> Any: ...

    pay.__annotations__["return"] = annotation
    with pytest.raises(DefinitionError, match="is not an event"):
        command(pay)


def test_classes_that_are_local_to_a_function_are_found() -> None:
    class Paid(Event, name="test.paid_locally"):
        payer: Tag[str]

    class Payer(State):
        payer: Tag[str]
        times: int = 0

        def apply(self, event: Paid) -> None:
            self.times += 1

    @command
    def pay(payer: Payer) -> Iterator[Paid]:
        yield Paid(payer.payer)

    assert decide(pay(Payer("a"))) == [Paid("a")]


def test_a_name_that_is_not_defined_yet_is_looked_up_at_the_first_call() -> None:
    @command
    def pay(account: Account) -> Iterator[Later]:  # type: ignore[name-defined]  # noqa: F821
        yield Deposited(account.account, 1)

    with pytest.raises(DefinitionError, match=r"'Later' is not defined.*TYPE_CHECKING"):
        pay(Account("a"))
    globals()["Later"] = Deposited
    try:
        assert str(pay(Account("a"))) == "pay(a)"
    finally:
        del globals()["Later"]


def test_the_boundary_is_the_union_of_what_the_states_read() -> None:
    @command
    def count(account: Account, total: Total) -> None: ...

    assert count(Account("a"), Total()).query == Account("a").query() | Total().query()
    made = transfer(Account("a"), Account("b"), 1)
    assert made.query == Account("a").query() | Account("b").query()
    assert transfer(Account("a"), Account("a"), 1).query == Account("a").query()
    assert made.states == {"source": Account("a"), "target": Account("b")}


def test_a_command_is_recorded_by_name_and_arguments_with_states_by_identity() -> None:
    made = transfer(Account("a", 77), Account("ü☃"), cents=5)
    assert made.recorded() == {
        "name": "transfer",
        "arguments": {"source": {"account": "a"}, "target": {"account": "ü☃"}, "cents": 5},
        "states": ["source", "target"],
    }
    assert str(made) == "transfer(a, ü☃, cents=5)"


def test_what_was_recorded_is_a_command_again() -> None:
    @command
    def pay(
        account: Account, item: Item, colours: set[Colour], by: uuid.UUID, on: dt.date, limit: float = 1.5
    ) -> Iterator[Deposited]:
        assert isinstance(item, Item)
        assert isinstance(on, dt.date)
        yield Deposited(account.account, item.cents)

    made = pay(Account("a"), Item("x", 7), {Colour.RED}, uuid.UUID(int=1), dt.date(2026, 1, 1))
    recorded = msgspec.json.decode(msgspec.json.encode(made.recorded()))
    again = pay.parse(recorded["arguments"])
    assert again == made
    assert decide(again) == [Deposited("a", 7)]
    with pytest.raises(TypeError, match="pay has no parameter wrong"):
        pay.parse({**recorded["arguments"], "wrong": 1})
    with pytest.raises(TypeError, match="pay: "):
        pay.parse({**recorded["arguments"], "item": 5})
    del recorded["arguments"]["account"]
    with pytest.raises(TypeError, match="account"):
        pay.parse(recorded["arguments"])


def test_a_command_that_was_recorded_under_older_names_is_read_by_today_s() -> None:
    @command(name="rename.close")
    def close(account: Account, reason: str, now: Now = provided) -> Iterator[Deposited]:
        yield Deposited(account.account, len(reason))

    asked = close(Account("a"), "ok", now=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    recorded = asked.recorded()

    @command(name="rename.close", renamed={"account": "book", "reason": "resolution", "now": "at"})
    def closed(book: Account, resolution: str, at: Now = provided) -> Iterator[Deposited]:
        yield Deposited(book.account, len(resolution))

    again = closed.again(recorded, "ann")
    assert again.arguments == {"book": Account("a"), "resolution": "ok"}
    assert again.inputs == {"at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}
    assert call.same_call(asked.recorded_json(), closed(Account("a"), "ok"))
    assert not call.same_call(asked.recorded_json(), closed(Account("a"), "no"))
    both = recorded["arguments"] | {"resolution": "too"}
    with pytest.raises(TypeError, match="resolution has two values"):
        closed.parse(both)
    with pytest.raises(TypeError, match=r'no parameter book; .* @command\(renamed={"book": "..."}\)'):
        close.parse(closed(Account("a"), "ok").recorded()["arguments"])


def test_a_parameter_was_another_one_only_if_it_is_there_and_the_other_is_not() -> None:
    for renamed, why in (
        ({"euros": "amount"}, "'euros' is 'amount' now, which is no parameter"),
        ({"account": "cents"}, "'account' is still a parameter"),
    ):
        with pytest.raises(DefinitionError, match=why):

            @command(renamed=renamed)
            def pay(account: Account, cents: int) -> None: ...


def test_what_was_personal_under_another_name_is_masked() -> None:
    @command(name="rename.call")
    def dial(account: Account, name: Personal[str]) -> None: ...

    recorded = dial(Account("a"), "Ann Canary").recorded_json()

    @command(name="rename.call", renamed={"name": "full_name"})
    def dialled(account: Account, full_name: Personal[str]) -> None: ...

    assert b"Canary" not in masked_command(recorded)


def test_arguments_may_be_read_from_text() -> None:
    made = withdraw.parse({"account": "a-7", "cents": "50"}, strict=False)
    assert made == withdraw(Account("a-7"), 50)
    with pytest.raises(TypeError):
        withdraw.parse({"account": "a-7", "cents": "50"})
    with pytest.raises(TypeError, match=r"withdraw: .*cents"):
        withdraw.parse({"account": "a-7", "cents": "many"}, strict=False)


def test_commands_are_equal_by_function_and_arguments_and_have_the_functions_docs() -> None:
    assert deposit(Account("a"), 1) == deposit(Account("a"), cents=1) != deposit(Account("a"), 2)
    assert deposit(Account("a"), 1) != withdraw(Account("a"), 1)

    @command
    def pay() -> None:
        """Pays."""

    assert (pay.__doc__, pay.__name__, pay.__module__) == ("Pays.", "pay", __name__)
    assert repr(pay) == "<command pay() -> 'None'>"


def test_a_name_that_two_modules_gave_to_commands_is_known_to_clash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "definitions", {})
    monkeypatch.setattr(register, "clashes", set())

    def pay() -> list[Event]:
        return []

    command(pay)
    command(pay)
    assert not register.clashes
    pay.__module__ = "another"
    command(pay)
    assert register.clashes == {"pay"}
    command(name="another.pay")(pay)
    assert set(register.definitions) == {"pay", "another.pay"}


def test_threads_that_record_a_command_for_the_first_time_at_once_do_not_disturb_each_other() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(30):

            @command
            def pay(account: Account, cents: int) -> Deposited:
                return Deposited(account.account, cents)

            def record(made: Command, start: threading.Barrier) -> object:
                start.wait()
                return made.recorded()["arguments"]

            made, start = pay(Account("a"), 5), threading.Barrier(8)
            with ThreadPoolExecutor(8) as pool:
                runs = [pool.submit(record, made, start) for _ in range(8)]
            assert [run.result() for run in runs] == [{"account": {"account": "a"}, "cents": 5}] * 8
    finally:
        sys.setswitchinterval(before)


class Priority(enum.Enum):
    """Of a ticket."""

    NORMAL = "normal"


@command
def planned(
    account: Account,
    priority: Priority,
    day: dt.date,
    at: dt.datetime,
    cents: decimal.Decimal,
    id: uuid.UUID,
    many: list[Priority],
    by_name: dict[str, decimal.Decimal],
    note: str,
) -> None:
    """Takes a value of each kind."""


def test_a_command_is_told_without_the_words_of_python() -> None:
    made = planned(
        Account("a"),
        Priority.NORMAL,
        dt.date(2026, 11, 3),
        dt.datetime(2026, 11, 3, 10, tzinfo=dt.UTC),
        decimal.Decimal("9.90"),
        uuid.UUID(int=7),
        [Priority.NORMAL],
        {"x": decimal.Decimal(1)},
        "it's",
    )
    assert str(made) == call.shortened(
        "planned(a, priority='normal', day=2026-11-03, at=2026-11-03T10:00:00+00:00, cents=9.90,"
        " id=00000000-0000-0000-0000-000000000007, many=['normal'], by_name={'x': 1}, note=\"it's\")",
        200,
    )


class Shelved(Event, name="test.shelved"):
    """Something was put on a shelf."""

    priority: Tag[Priority]
    day: Tag[dt.date]
    was: Priority
    weight: decimal.Decimal


class Shelf(State):
    """Is told apart by a member of an enum, and a day."""

    priority: Tag[Priority]
    day: Tag[dt.date]

    def apply(self, event: Shelved) -> None: ...


@command
def shelve(shelf: Shelf) -> None:
    """Reads a shelf."""


def test_so_is_the_identity_of_a_state() -> None:
    assert str(shelve(Shelf(Priority.NORMAL, dt.date(2026, 11, 3)))) == "shelve(normal/2026-11-03)"


def test_a_specification_is_told_without_the_words_of_python() -> None:
    told = given(Shelved(Priority.NORMAL, dt.date(2026, 11, 3), Priority.NORMAL, decimal.Decimal("1.50")))
    with pytest.raises(AssertionError, match=r"Shelved\(normal, 2026-11-03, was='normal', weight=1.50\)"):
        told.then_state(Shelf(Priority.NORMAL, dt.date(2026, 11, 4)))
