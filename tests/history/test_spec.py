"""A decision of the history as a test: minimal, without values of people, run before it is shown, and never code."""

from __future__ import annotations

import ast
import datetime
import decimal
import enum
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from backstory import (
    Author,
    Database,
    Event,
    NewId,
    Now,
    Personal,
    Random,
    Refused,
    Secret,
    State,
    Tag,
    Tagged,
    command,
    connect,
    provided,
)
from backstory.decide.commands import CommandType
from backstory.errors import InputError
from backstory.history.spec import make
from backstory.history.spec.layout import text
from backstory.history.spec.make import ran
from backstory.history.spec.stand_ins import StandIns
from backstory.store import Record, Store
from backstory.values.masking import personal_shown
from tests.history.ledger import Book, Entered, draw, enter, ledger, move


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


class Item(msgspec.Struct, frozen=True):
    sku: str
    count: int = 1


class Joined(Event, name="spec.joined"):
    member: Tag[str]
    email: Personal[str]
    pin: Secret[str] = ""
    born: Personal[datetime.date] | None = None
    note: str = ""


class Bought(Event, name="spec.bought"):
    member: Tag[str]
    basket: Annotated[str, Tagged("basket")]
    items: list[Item]
    size: Size
    price: decimal.Decimal
    at: datetime.datetime
    marks: dict[str, Any]
    kinds: frozenset[str] = frozenset()


class Member(State):
    member: Tag[str]
    email: Personal[str] = ""
    pin: Secret[str] = ""
    bought: int = 0
    times: list[str] = []

    def apply(self, event: Joined | Bought, record: Record) -> None:
        match event:
            case Joined():
                self.email, self.pin = event.email, event.pin
            case Bought():
                self.bought += 1
        self.times = [*self.times, f"{record.author}: {record.authored.isoformat()}"]


class Known(State):
    """A member without a look at records."""

    member: Tag[str]
    email: Personal[str] = ""
    joined: bool = False

    def apply(self, event: Joined) -> None:
        self.joined, self.email = True, event.email


@command(name="spec.lock")
def lock(member: Known, pin: Secret[str], tries: Secret[int] = 3) -> Joined:
    if len(pin) < 4:
        raise Refused("short")
    return Joined(member.member, "", note=f"locked {tries}")


@command(name="spec.set_pin")
def set_pin(member: Known, pin: Secret[str]) -> Joined:
    return Joined(member.member, "", pin)


@command(name="spec.odd")
def odd(member: Known, pin: Secret[Annotated[str, msgspec.Meta(pattern="^[0-9]-[a-z]$")]]) -> Joined:
    return Joined(member.member, "")


@command(name="spec.open_safe")
def open_safe(
    member: Known,
    code: Secret[Annotated[str, msgspec.Meta(pattern="^[0-9]{4}$")]],
    limit: Secret[Annotated[int, msgspec.Meta(gt=100, lt=102)]],
    kind: Secret[Literal["new", "old"]],
) -> Joined:
    return Joined(member.member, "")


@command(name="spec.join")
def join(known: Known, email: Personal[str], note: str = "") -> Joined:
    if known.joined:
        raise Refused("there is such a member")
    return Joined(known.member, email, note=note)


@command(name="spec.invite")
def invite(
    known: Known,
    by: Author = provided,
    id: NewId = provided,
    chance: Random = provided,
    now: Now = provided,
) -> Joined:
    words = f"{by} {chance.randrange(10**9)} {now.isoformat()}"
    return Joined(known.member, id, note=words)


@command(name="spec.greet")
def greet(known: Known) -> Joined:
    """Its decision depends on the address itself."""
    if not known.email.endswith("@corp.example"):
        raise Refused("not one of ours")
    return Joined(known.member, known.email, note="hello")


@command(name="spec.buy")
def buy(
    member: Member, items: list[Item], size: Size, price: decimal.Decimal, at: datetime.datetime, marks: dict[str, Any]
) -> Bought:  # fmt: skip
    return Bought(
        member.member, f"b-{member.bought + 1}", items, size, price, at, marks, frozenset({"a", "b"})
    )


@command(name="spec.note")
def note(known: Known, words: str, marks: dict[str, Any]) -> Joined:
    return Joined(known.member, known.email, note=words)


pytestmark = pytest.mark.filterwarnings("ignore::backstory.errors.ClearTextWarning")


@pytest.fixture
def db(store: Store) -> Database:
    return Database(store)


def formatted(code: str) -> str:
    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "-"]
    return subprocess.run(ruff, input=code, capture_output=True, text=True, check=True).stdout


def test_the_test_has_only_what_the_command_had_read_and_passes(db: Database) -> None:
    db.execute(enter(Book("a"), 5))
    db.execute(enter(Book("other"), 7))
    db.execute(move(Book("a"), Book("b"), 3), author="ann")
    db.append(Entered("b", 1, 0))
    found = db.spec(Book("b"))
    assert (found.passes, found.why, found.commit.position) == (True, "", 4)
    assert "other" not in found.text
    assert found.text.count("Entered(") == 3
    assert found.text.startswith(
        "from backstory.testing import given\n\nfrom tests.history.ledger import Book,"
    )
    assert "def test_ledger_move_gives_entered() -> None:" in found.text
    assert ran(found.text) is None


def test_it_is_the_last_decision_of_the_range(db: Database) -> None:
    for number in range(4):
        db.execute(enter(Book("a"), number))
    assert db.spec(Book("a"), "#0..#2").commit.position == 2
    assert "Entered(book" not in db.spec(Book("a"), "#0..#1").text.partition(".then(")[0]
    with pytest.raises(InputError, match="no command has decided anything"):
        db.spec(Book("a"), "#4..")
    db.append(Entered("fact", 1, 0))
    with pytest.raises(InputError, match="no command has decided anything"):
        db.spec(Book("fact"))


def test_it_may_end_with_the_state_or_with_a_refusal_that_is_to_come(db: Database) -> None:
    db.execute(enter(Book("a"), 5))
    db.execute(draw(Book("a"), 5))
    found = db.spec(Book("a"), then="state")
    assert found.passes
    assert '.then_state(Book("a", seen=' in found.text
    refused = db.spec(Book("a"), then="refused", code='at "most" 3')
    assert not refused.passes
    assert ".then_refused('at \"most\" 3')" in refused.text
    assert "not refused" in str(ran(refused.text))
    db.execute(join(Known("n"), "n@y.zz"))
    with pytest.raises(InputError, match="does not read"):
        db.spec(Member("n"), then="state")


def test_time_author_ids_and_chance_come_from_the_record(db: Database) -> None:
    db.execute(invite(Known("m-1")), author="ann")
    found = db.spec(Known("m-1"))
    assert (found.passes, found.matters) == (True, ())
    assert "seed=" in found.text
    assert "time=" in found.text
    assert "ann" not in re.findall(r"\w+", found.text)


def test_every_kind_of_value_is_written_so_that_it_comes_back(db: Database) -> None:
    db.append(Joined("m-1", "m@x.yz", born=datetime.date(1999, 1, 2)), author="eve")
    marks: dict[str, Any] = {
        "a": [1, -2.5, None, True],
        'q"': {"deep": "x" * 100},
        "uuid": str(uuid.UUID(int=7)),
    }
    at = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    items = [Item("pen"), Item("ink", 20)]
    db.execute(buy(Member("m-1"), items, Size.LARGE, decimal.Decimal("9.90"), at, marks), author="ann")
    found = db.spec(Member("m-1"))
    assert (found.passes, found.why) == (True, "")
    for words in ("Size.LARGE", 'Decimal("9.90")', 'Item(sku="ink", count=20)', "committed(", "frozenset({"):
        assert words in found.text
    assert formatted(found.text) == found.text


def test_personal_and_secret_values_and_authors_have_stand_ins_wherever_they_stand(db: Database) -> None:
    secret = "tr0ub4dor"
    db.append(Joined("cleo.lang@mail.example", "Cleo.Lang@mail.example", secret, datetime.date(1999, 1, 2),
                     f"says cleo.lang@mail.example, known by {secret}"), author="Cleo Lang")  # fmt: skip
    db.execute(note(Known("cleo.lang@mail.example"), "for cleo lang", {}), author="cleo")
    found = db.spec(Known("cleo.lang@mail.example"))
    assert found.passes, found.why
    for word in ("cleo", "lang", secret, "1999"):
        assert word not in found.text.lower()
    assert set(found.replaced) == {"Joined.email", "Joined.pin", "Joined.born", "author"}
    mails = re.findall(r"[\w.]+@[\w.]+", found.text)
    assert len(mails) > 4
    assert len({mail.lower() for mail in mails}) == 1
    assert {mail.rpartition(".")[2] for mail in mails} == {"test"}
    assert [len(part) for part in mails[0].replace("@", ".").split(".")[:3]] == [4, 4, 4]
    with personal_shown():
        shown = db.spec(Known("cleo.lang@mail.example"))
    assert "Cleo.Lang@mail.example" in shown.text
    assert secret not in shown.text


def test_a_secret_argument_that_was_not_recorded_has_a_value_of_its_type_and_a_note(db: Database) -> None:
    db.execute(lock(Known("m-1"), "tr0ub4dor"))
    found = db.spec(Known("m-1"))
    assert (found.passes, found.unrecorded) == (True, ("pin", "tries")), found.why
    assert "    # pin was not recorded: another value stands in its place\n" in found.text
    assert formatted(found.text) == found.text
    assert "tr0ub4dor" not in found.text


def test_a_secret_argument_that_an_event_has_too_is_equal_there(db: Database) -> None:
    db.execute(set_pin(Known("m-1"), "tr0ub4dor"))
    found = db.spec(Known("m-1"))
    assert (found.passes, found.why) == (True, "")
    pins = re.findall(r'pin="(.*?)"', found.text)
    assert len(pins) == 2
    assert len(set(pins)) == 1
    assert "tr0ub4dor" not in found.text


def test_a_value_of_the_type_keeps_its_bounds(db: Database) -> None:
    db.execute(open_safe(Known("m-1"), "9876", 101, "old"))
    found = db.spec(Known("m-1"))
    assert (found.passes, found.replaced) == (True, ("Joined.email", "Joined.pin"))
    assert 'code="1234", limit=101, kind="' in found.text


def test_a_secret_that_decides_gives_no_test_and_says_so(db: Database) -> None:
    db.execute(lock(Known("m-1"), "tr0ub4dor", 5))
    with pytest.raises(
        InputError, match=r"spec\.lock had `pin` and `tries`, which is secret.*decided otherwise"
    ):
        db.spec(Known("m-1"))
    assert not db.spec(Known("m-1"), then="refused", code="short").passes
    db.execute(odd(Known("m-2"), "5-a"))
    with pytest.raises(InputError, match=r"spec\.odd"):
        db.spec(Known("m-2"))


def test_where_the_stand_ins_change_the_decision_the_field_is_named(db: Database) -> None:
    db.append(Joined("m-1", "ann@corp.example", "0000"))
    db.execute(greet(Known("m-1")))
    found = db.spec(Known("m-1"))
    assert (found.passes, found.matters) == (False, ("Joined.email",))
    assert "Joined.email matters" in found.why
    assert "corp" not in found.text + found.why


def test_code_that_decides_otherwise_than_was_recorded_is_said(db: Database) -> None:
    db.execute(enter(Book("a"), 5))

    def other(book: Book, number: int) -> Iterator[Entered]:
        yield Entered(book.book, number + 1, book.seen)

    kind = CommandType(enter.function, name="ledger.enter")
    assert db.spec(Book("a"), commands={"ledger.enter": kind}).passes
    kind = CommandType(other, name="ledger.enter")
    with pytest.raises(InputError, match="inside of a function"):
        db.spec(Book("a"), commands={"ledger.enter": kind})
    other.__qualname__, other.__module__ = "draw", "tests.history.ledger"
    found = db.spec(Book("a"), commands={"ledger.enter": CommandType(other, name="ledger.enter")})
    assert not found.passes
    assert "otherwise than was recorded" in found.why


def test_a_command_whose_arguments_are_not_known_gives_no_test(db: Database) -> None:
    from backstory.history.forget.withholding import withhold

    commit = db.execute(enter(Book("a"), 5))
    assert commit is not None
    with pytest.raises(InputError, match=r"ledger\.enter is not known"):
        db.spec(Book("a"), commands={})
    withhold(db.branches, commit, ["command"])
    with pytest.raises(InputError, match="withheld"):
        Database(db.store).spec(Book("a"))


def test_a_decision_on_too_many_events_gives_no_test(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make, "MOST", 2)
    for number in range(4):
        db.execute(enter(Book("a"), number))
    assert db.spec(Book("a"), "#0..#3").passes
    with pytest.raises(InputError, match="more than 2 events"):
        db.spec(Book("a"))


HOSTILE = [
    '"); import os; os.system("touch pwned"); ("',
    "'''\"\"\"\\",
    "\\N{BULLET}\\x41\\",
    "line\nbreak\r\x00\x1b[31m\u2028\u202e",
    "{__import__('os').getpid()}",
    "# noqa\n@evil",
    "\U0001d4b3 \u0301 ünï 漢字 🎉 \ufeff",
    "x" * 20_000,
    "",
]


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_a_value_never_becomes_code(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    db = ledger()
    tag = words[:50].replace("\n", " ").strip() or "m"
    member = "".join(sign for sign in tag if sign.isprintable())
    db.append(Joined(member, words, words, note=words), author=words.replace("\x00", ""))
    db.execute(note(Known(member), words, {words: words}), author="ann")
    found = db.spec(Known(member))
    assert (found.passes, found.why) == (True, "")
    assert list(tmp_path.iterdir()) == []
    with personal_shown():
        shown = db.spec(Known(member))
    assert shown.passes
    assert formatted(shown.text) == shown.text
    literals = [node.value for node in ast.walk(ast.parse(shown.text)) if isinstance(node, ast.Constant)]
    assert shown.text.isprintable() or "\n" in shown.text
    assert all(isinstance(value, str | int | float | bool | None) for value in literals)
    assert all(line.isprintable() for line in shown.text.splitlines())


def test_code_that_is_more_than_imports_calls_and_literals_is_never_run() -> None:
    for code in (
        "while True: pass",
        "def test_x() -> None:\n    (lambda: 1)()",
        "def test_x() -> None:\n    f'{1}'",
    ):
        with pytest.raises(InputError, match="would have a"):
            ran(code)


TEXTS = st.text(max_size=60) | st.text(st.sampled_from("\"'\\\n\x00aé漢"), max_size=20)


@drawn(TEXTS)
def test_a_text_comes_back_from_its_literal(value: str) -> None:
    assert ast.literal_eval(text(value)) == value


@drawn(st.binary(max_size=40) | st.lists(st.sampled_from(b"\"'\\\na"), max_size=20).map(bytes))
def test_bytes_come_back_from_their_literal(value: bytes) -> None:
    assert ast.literal_eval(text(value)) == value


@settings(max_examples=10, deadline=None)
@drawn(st.lists(TEXTS, min_size=1, max_size=40))
def test_literals_are_as_a_formatter_writes_them(values: list[str]) -> None:
    code = "".join(f"a = {text(value)}\n" for value in values)
    assert formatted(code) == code


@drawn(st.lists(st.text(max_size=12), max_size=8))
def test_stand_ins_have_the_form_of_what_they_stand_for_and_are_equal_for_equal_ones(
    values: list[str],
) -> None:
    stand_ins = StandIns([("field", value) for value in values])
    for value in values:
        other = stand_ins.of(value)
        assert stand_ins.of(value) == other
        assert [sign.isdecimal() for sign in other] == [sign.isdecimal() for sign in value] or "@" in value
        assert len(other) == len(value) or "@" in value


def test_stand_ins_of_numbers_and_dates_are_numbers_and_dates() -> None:
    values: list[Any] = [12345, -7, 2.5, decimal.Decimal("10.20"), datetime.date(1980, 5, 4), b"abc", True, None,
                         datetime.timedelta(3), uuid.UUID(int=9), datetime.datetime.now(datetime.UTC)]  # fmt: skip
    stand_ins = StandIns([("f", value) for value in values])
    others = [stand_ins.of(value) for value in values]
    assert list(map(type, others)) == list(map(type, values))
    assert [len(str(other)) for other in others[:4]] == [len(str(value)) for value in values[:4]]
    assert all(other != value for other, value in zip(others[:6], values[:6], strict=True))


def test_the_printed_test_is_typed(tmp_path: Path) -> None:
    db = ledger()
    db.execute(enter(Book("a"), 5))
    db.execute(move(Book("a"), Book("b"), 3))
    (tmp_path / "test_printed.py").write_text(db.spec(Book("b"), then="state").text, encoding="utf-8")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", str(tmp_path / "test_printed.py")],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert checked.stdout.startswith("Success"), checked.stdout


Shelved = connect().table("spec_shelves").state


@command(name="spec.take_down")
def take_down(shelf: Shelved, member: Known) -> Joined:  # type: ignore[valid-type]
    return Joined(member.member, "")


def test_a_write_of_rows_is_refused_with_the_true_reason_and_the_way_out() -> None:
    db = connect()
    shelves = db.table("spec_shelves")
    shelves.insert("3", {"status": "NEW"})
    with pytest.raises(
        InputError, match=r"of #1: it is a write of rows, .* no code of yours. Test the function"
    ):
        db.spec(shelves.row("3"))
    shelves.upsert_many([("3", {"status": "PAID"}), ("4", {"status": "NEW"})])
    with pytest.raises(InputError, match=r"it is a write of rows"):
        db.spec(shelves.row("4"))
    with pytest.raises(InputError, match=r"decided anything about spec_shelves 5 in"):
        db.spec(shelves.row("5"))


def test_a_command_that_had_read_rows_is_refused_with_the_true_reason() -> None:
    db = connect()
    shelves = db.table("spec_shelves")
    shelves.insert("3", {"status": "NEW"})
    db.execute(take_down(shelves.row("3"), Known("ann")))
    with pytest.raises(InputError, match=r"no test can import it: such are the events and rows of a table"):
        db.spec(Known("ann"))
