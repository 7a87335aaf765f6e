"""`find`: states of a kind, in a table or by folding; both give the same."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backstory import Database, Event, Materialized, State, Tag
from backstory.errors import DefinitionError, ExpressionError, FoldedWarning, ScannedWarning, UnknownRevision
from backstory.projections import count, views
from backstory.projections.find import Asked, in_table
from backstory.projections.names import declared, renamed, suffix_of
from backstory.stores.memory import MemoryStore
from tests.projections.conftest import Opener


class Opened(Event, name="find.opened"):
    account: Tag[str]
    owner: str | None


class Moved(Event, name="find.moved"):
    account: Tag[str]
    cents: int


class Account(State):
    account: Tag[str]
    owner: str | None = None
    balance: int = 0
    frozen: bool = False
    moves: list[int] = []

    def apply(self, event: Opened | Moved) -> None:
        match event:
            case Opened(owner=owner):
                self.owner = owner
            case Moved(cents=cents):
                self.balance += cents
                self.moves.append(cents)
                self.frozen = self.balance < -100


def filled(db: Database) -> None:
    """Nine accounts; two have no owner, two the same balance."""
    for number, (owner, cents) in enumerate(
        [
            ("ann", 5),
            ("bob", -5),
            (None, 0),
            ("ann", 100),
            ("cid", -200),
            (None, 7),
            ("bob", 7),
            ("dan", 1),
            ("ann", -1),
        ]
    ):
        db.append(Opened(f"a-{number}", owner), Moved(f"a-{number}", cents))


def folding(db: Database, **question: Any) -> Any:
    """What folding finds, which warns once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FoldedWarning)
        return db.find(Account, **question)


QUESTIONS: list[dict[str, Any]] = [
    {},
    {"where": "balance < 0", "order_by": "balance"},
    {"where": "owner == 'ann'", "order_by": "-balance"},
    {"where": "owner == None"},
    {"where": "owner != 'ann'", "order_by": ("owner", "-balance")},
    {"where": "not (owner < 'c')", "order_by": "-owner"},
    {"where": "frozen or balance > 50"},
    {"where": "balance > 0 and len(moves) == 1 and 100 in moves"},
    {"where": "len(moves) > 0 and balance >= 0", "order_by": "owner", "limit": 3},
    {"where": "balance * 2 > 9 or owner == 'cid'"},
    {"where": "balance == 7.0"},
    {"where": "balance == '7'"},
    {"where": f"owner == {chr(0xD800)!r}"},
    {"where": f"owner != {'a' + chr(0)!r}"},
    {"where": f"owner < {chr(0xD800)!r}", "order_by": "balance"},
    {"where": "balance < 1e999"},
]


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_a_table_and_a_fold_find_the_same(connect: Opener, question: dict[str, Any]) -> None:
    kept, plain = connect(inline=[Materialized(Account, index=["balance", ("owner", "balance")])]), connect()
    filled(kept)
    assert list(kept.find(Account, **question)) == list(folding(plain, **question))


@pytest.mark.parametrize(
    "order_by", [(), "balance", "-balance", ("owner", "balance"), ("-owner", "-balance")]
)
def test_cursors_lead_through_all_of_them(connect: Opener, order_by: Any) -> None:
    kept, plain = connect(inline=[Materialized(Account)]), connect()
    filled(kept)
    whole = list(kept.find(Account, order_by=order_by))
    for find in (kept.find, lambda cls, **question: folding(plain, **question)):
        seen: list[Any] = []
        cursor = None
        while True:
            page = find(Account, order_by=order_by, limit=2, after=cursor)
            seen += page
            cursor = page.cursor
            if cursor is None:
                break
        assert seen == whole
        assert len(whole) == 9


def test_a_count_is_that_of_all(connect: Opener) -> None:
    kept = connect(inline=[Materialized(Account)])
    filled(kept)
    page = kept.find(Account, where="balance < 0", limit=1, count=True)
    assert (len(page), page.total) == (1, 3)
    assert kept.find(Account, where="len(moves) == 1", limit=1, count=True).total == 9


@pytest.mark.parametrize("where", ["", "balance < 0", "owner == 'ann'", "len(moves) == 1 and balance < 0"])
def test_a_count_is_about_that_of_all(
    connect: Opener, kind: str, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    kept = connect(inline=[Materialized(Account)])
    kept.append(*(Opened(f"b-{number}", "ann" if number % 4 else "bob") for number in range(400)))
    kept.append(*(Moved(f"b-{number}", -1 if number % 2 else 1) for number in range(400)))
    exact = kept.find(Account, where=where, limit=1, count=True).total
    assert kept.find(Account, where=where, limit=1, count="about").total == exact  # the table is small
    monkeypatch.setattr(count, "SAMPLE", 100)
    guess = kept.find(Account, where=where, limit=1, count="about").total
    assert exact is not None
    assert guess is not None
    assert guess >= 0
    if kind != "postgres":  # that one has statistics of its own
        assert exact / 2 <= guess <= exact * 2


@pytest.mark.parametrize(
    ("question", "served"),
    [
        ({}, True),
        ({"order_by": "balance"}, True),
        ({"order_by": "-balance", "where": "frozen"}, True),
        ({"where": "balance < 0"}, True),
        ({"where": "owner == 'ann'"}, True),
        ({"where": "owner == 'ann'", "order_by": "balance"}, True),
        ({"where": "not (balance < 0)"}, False),
        ({"where": "owner != 'ann'"}, False),
        ({"where": "frozen"}, False),
        ({"where": "len(moves) > 1"}, False),
        ({"order_by": "owner"}, False),
        ({"order_by": ("balance", "owner")}, False),
    ],
    ids=str,
)
def test_a_question_that_no_index_serves_is_told_once(
    connect: Opener, monkeypatch: pytest.MonkeyPatch, question: dict[str, Any], served: bool
) -> None:
    monkeypatch.setattr(views, "SCANNED", 3)
    db = connect(inline=[Materialized(Account, index=["balance", ("owner", "balance")])])
    filled(db)
    if not served:
        with pytest.warns(ScannedWarning, match="looks at every row"):
            db.find(Account, **question)
    db.find(Account, **question)  # a second warning is an error


def test_a_page_far_behind_is_found_by_the_index() -> None:
    db = Database(MemoryStore(), inline=[Materialized(Account, index=["balance"])])
    filled(db)
    page = db.find(Account, order_by="-balance", limit=2)
    seen: list[str] = []
    tables = db.store.tables
    assert tables is not None
    with tables.reading() as tx:
        kept = db.views.kept(Account)
        assert kept is not None
        asked = Asked("", ("-balance",), 2, page.cursor, total=False)
        in_table(kept, asked, _Explained(tx, seen))
    assert any("USING INDEX account_states_by_balance$" in line for line in seen), seen
    assert not any("TEMP B-TREE FOR ORDER BY" in line for line in seen), seen


class _Explained:
    """A transaction that notes how SQLite goes about a query."""

    dialect = "sqlite"

    def __init__(self, tx: Any, seen: list[str]) -> None:
        self._tx, self._seen = tx, seen

    def rows(self, sql: str, arguments: Any = ()) -> list[Any]:
        kept = Materialized(Account, index=["balance"])
        own = renamed(sql, declared(kept.schema("sqlite")), suffix_of(kept.group, kept.versioned(), 1))
        self._seen += [row[-1] for row in self._tx.rows(f"EXPLAIN QUERY PLAN {own}", arguments)]
        return list(self._tx.rows(own, arguments))

    def execute(self, sql: str, arguments: Any = ()) -> None: ...

    def executemany(self, sql: str, rows: Any) -> None: ...


def test_one_line_keeps_a_table(connect: Opener) -> None:
    db = connect()
    filled(db)
    db.materialize(Account)
    commit = db.append(Moved("a-0", 1_000))
    assert [each.account for each in db.find(Account, where="balance > 500", commit=commit)] == ["a-0"]
    assert db.rows(
        Materialized(Account), "SELECT balance FROM account_states WHERE key = ?", ("account:a-0",)
    ) == [(1_005,)]


def test_states_are_found_as_of_a_revision_and_on_a_branch(connect: Opener) -> None:
    db = connect(inline=[Materialized(Account)])
    filled(db)
    db.mark("filled")
    db.append(Moved("a-0", -1_000))
    assert [each.account for each in db.find(Account, where="frozen")] == ["a-0", "a-4"]
    with pytest.warns(FoldedWarning):
        assert [each.account for each in db.find(Account, where="frozen", at="filled")] == ["a-4"]
    with db.what_if() as trial:
        trial.append(Moved("a-1", -1_000))
        assert [each.account for each in trial.find(Account, where="frozen")] == ["a-0", "a-1", "a-4"]


def test_folding_is_told_once(connect: Opener, recwarn: pytest.WarningsRecorder) -> None:
    db = connect()
    filled(db)
    with pytest.warns(FoldedWarning, match=r"db\.materialize\(Account\)"):
        db.find(Account)
    db.find(Account)


def nested(depth: int, call: Callable[[], Any]) -> Any:
    return nested(depth - 1, call) if depth else call()


@pytest.mark.parametrize("depth", [0, 1, 5])
def test_a_warning_names_the_line_that_called_find(connect: Opener, depth: int) -> None:
    db = connect()
    filled(db)
    with pytest.warns(FoldedWarning) as found:
        nested(depth, lambda: db.find(Account))
    assert [each.filename for each in found] == [__file__]


def test_a_warning_of_a_module_names_its_line(tmp_path: Path) -> None:
    module = tmp_path / "plain.py"
    module.write_text(
        "from backstory import State, Event, Tag, connect\n"
        "class Made(Event):\n    thing: Tag[str]\n"
        "class Thing(State):\n    thing: Tag[str]\n    def apply(self, event: Made) -> None: ...\n"
        "db = connect()\n"
        "db.find(Thing)\n",
        encoding="utf-8",
    )
    ran = subprocess.run([sys.executable, module], capture_output=True, text=True, check=True)
    assert f"{module}:8: FoldedWarning" in ran.stderr


@pytest.mark.parametrize("kept", [True, False])
def test_a_limit_below_zero_is_refused(kept: bool) -> None:
    db = Database(MemoryStore(), inline=[Materialized(Account)] if kept else [])
    filled(db)
    with pytest.raises(ValueError, match="the most states that are given, not -1"):
        db.find(Account, limit=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FoldedWarning)
        assert db.find(Account, limit=0, count=True).total == 9


def test_what_exists_is_listed(connect: Opener) -> None:
    db = connect()
    filled(db)
    assert [each.type for each in db.types()] == ["find.moved", "find.opened"]
    assert {each.tag for each in db.tags("account")} == {f"account:a-{number}" for number in range(9)}
    assert [each.account for each in db.identities(Account)] == [f"a-{number}" for number in range(9)]


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ({"where": "nothing < 3"}, ExpressionError),
        ({"where": "balance ="}, ExpressionError),
        ({"where": "(" * 300}, ExpressionError),
        ({"where": "a\0b"}, ExpressionError),
        ({"where": "balance < 1 and " * 300 + "balance < 1"}, ExpressionError),
        ({"order_by": "nothing"}, ExpressionError),
        ({"order_by": "--balance"}, ExpressionError),
        ({"order_by": "balance + 1"}, ExpressionError),
        ({"order_by": "len(moves)"}, ExpressionError),
        ({"after": "x"}, UnknownRevision),
    ],
)
def test_a_question_without_sense_is_refused(question: dict[str, Any], error: type[Exception]) -> None:
    db = Database(MemoryStore(), inline=[Materialized(Account)])
    with pytest.raises(error):
        db.find(Account, **question)
    with pytest.raises(error):
        folding(Database(MemoryStore()), **question)


FORGED: list[Any] = [
    [],
    ["k"],
    ["x", "k"],
    [None, None],
    [[1], "k"],
    [{}, 3],
    [1, ["k"]],
    [1, None],
    [1, 2],
]


@pytest.mark.parametrize("order_by", ["balance", "-balance", "owner", "frozen", "account"])
def test_a_forged_cursor_is_refused_or_leads_to_a_place(connect: Opener, order_by: str) -> None:
    texts = [json.dumps(each) for each in (*FORGED, [True, "k"], [10**30, "k"], [1e300, "k"], ["a\0", "k\0"])]
    texts += ["[" * 100_000, f'[1{"0" * 400}, "k"]', '["\\ud800", "k"]', '[NaN, "k"]']
    cursors = [base64.urlsafe_b64encode(text.encode()).decode() for text in texts]
    kept, plain = connect(inline=[Materialized(Account)]), connect()
    filled(kept)
    for cursor in [*cursors, "\ud800", "=", "é", ""]:
        for find in (kept.find, lambda cls, **question: folding(plain, **question)):
            with suppress(UnknownRevision):
                assert len(find(Account, order_by=order_by, after=cursor, limit=2)) <= 2
    with pytest.raises(UnknownRevision):
        kept.find(Account, order_by=order_by, after=base64.urlsafe_b64encode(b'[[1], "k"]').decode())


@pytest.mark.parametrize("cursor", FORGED)
def test_a_cursor_of_another_order_is_refused(cursor: list[Any]) -> None:
    db = Database(MemoryStore(), inline=[Materialized(Account)])
    with pytest.raises(UnknownRevision, match="no cursor of find with this order_by"):
        db.find(
            Account, order_by="balance", after=base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode()
        )


@pytest.mark.parametrize("limit", [2**63 - 1, 2**63, 10**30])
def test_a_limit_may_be_of_any_size(connect: Opener, limit: int) -> None:
    kept, plain = connect(inline=[Materialized(Account)]), connect()
    filled(kept)
    assert len(kept.find(Account, limit=limit)) == len(folding(plain, limit=limit)) == 9


def test_a_state_whose_events_lack_a_part_of_its_identity_has_no_table() -> None:
    class Seat(State):
        account: Tag[str]
        seat: Tag[str]

        def apply(self, event: Opened | Taken) -> None: ...

    class Unindexed(State):
        account: Tag[str]
        moves: list[int] = []

        def apply(self, event: Moved) -> None: ...

    with pytest.raises(DefinitionError, match="lack a part of its identity"):
        Materialized(Seat)
    with pytest.raises(DefinitionError, match="no plain field 'moves' to index"):
        Materialized(Unindexed, index=["moves"])


class Odd(State):
    """Fields whose names are taken, in SQLite or in PostgreSQL."""

    account: Tag[str]
    owner: int = 0
    Owner: int = 0
    owner_id: int = 0
    id: int = 0
    Key: int = 0
    rowid: int = 5_000_000
    xmin: int = 0
    odd_states: int = 0
    odd_states_by_id: int = 0
    a_name_that_is_longer_than_postgresql_takes_one_to_be_and_goes_on_1: int = 0
    a_name_that_is_longer_than_postgresql_takes_one_to_be_and_goes_on_2: int = 0

    def apply(self, event: Moved) -> None:
        for name in type(self).__struct_fields__[1:]:
            setattr(self, name, getattr(self, name) + event.cents)


@pytest.mark.parametrize("name", [each for each in Odd.__struct_fields__ if each != "account"])
def test_a_field_may_have_any_name(connect: Opener, name: str) -> None:
    indexes = ["id", "id", ("owner", "id"), ("owner_id",), ("owner_id", "id"), ()]
    kept = connect(inline=[Materialized(Odd, index=indexes)])
    kept.append(*(Moved(f"a-{number}", number % 2) for number in range(5)))
    least = getattr(Odd("a-0"), name)
    page = kept.find(Odd, f"{name} == {least}", order_by=("Key", f"-{name}"), limit=2, count="about")
    assert ([each.account for each in page], page.total) == (["a-0", "a-2"], 3)


def test_keys_come_in_the_order_of_their_letters_whatever_the_database_takes_for_an_order(
    connect: Opener,
) -> None:
    db = connect(inline=[Materialized(Account)])
    names = ["b", "A", "a", "B", "é", "z", "a-b", "a b", "ab", "_"]
    db.append(*(Moved(name, 1) for name in names))
    assert [each.account for each in db.find(Account)] == sorted(names)
    schema = Materialized(Account).schema("postgresql")
    assert 'key TEXT COLLATE "C" PRIMARY KEY' in schema


class Taken(Event, name="find.taken"):
    account: Tag[str]
    seat: Tag[str]


names = st.sampled_from(["owner", "balance", "frozen"])
values = st.sampled_from(["None", "'ann'", "'bob'", "0", "-5", "7", "100", "True", "1.5"])
comparison = st.tuples(names, st.sampled_from(["==", "!="]), values).map(" ".join) | st.tuples(
    st.just("balance"), st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from(["0", "-5", "7.5", "100"])
).map(" ".join)
condition = st.recursive(
    comparison,
    lambda inner: (
        st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map(lambda it: f"({''.join(it)})")
        | inner.map(lambda it: f"(not {it})")
    ),
    max_leaves=4,
)


@settings(max_examples=60)
@given(where=condition)
def test_any_condition_means_the_same_in_sql_and_in_python(where: str) -> None:
    db = _kept()
    found = [each.account for each in db.find(Account, where=where)]
    from backstory.history.ask.expression import predicate

    holds = predicate(where, Account)
    assert found == [each.account for each in db.find(Account) if holds(each)]


_databases: list[Database] = []


def _kept() -> Database:
    if not _databases:
        _databases.append(Database(MemoryStore(), inline=[Materialized(Account)]))
        filled(_databases[0])
    return _databases[0]
