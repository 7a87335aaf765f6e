"""What a state class may say, what follows from it, and that states are never shared."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Annotated, Any, NewType

import msgspec
import pytest

from backstory import Condition, Database, Event, Latest, Query, State, Tag, Tagged
from backstory.decide.copying import immutable
from backstory.decide.state import fold, state_type
from backstory.errors import Conflict, DefinitionError, EventError, InvalidTag, UnreadableEvent
from backstory.lookup import Commits
from backstory.store import Record
from backstory.values.event_data import RecordedEvent, encoded
from tests.state.bank import Account, Book, Deposited, Withdrawn, deposit


def define(base: type[Any]) -> Any:
    """What makes a class of this kind, when a class statement cannot say what a test needs."""
    return type(base)


def tag(kind: Any) -> Any:
    """`Tag[kind]`."""
    return Annotated[kind, Tagged()]


class CourseOpened(Event, name="test.course_opened"):
    course: Tag[str]
    places: int


class StudentRegistered(Event, name="test.student_registered"):
    student: Tag[str]


class Enrolled(Event, name="test.enrolled"):
    course: Tag[str]
    student: Tag[str]


class TermBegan(Event, name="test.term_began"):
    number: int


class Enrolment(State):
    course: Tag[str]
    student: Tag[str]
    seen: list[str] = []

    def apply(self, event: CourseOpened | StudentRegistered | Enrolled) -> None:
        self.seen.append(type(event).__name__)


class Moved(Event, name="test.moved"):
    source: Annotated[str, Tagged("account")]
    target: Annotated[str, Tagged("account")]
    cents: int


def test_a_loaded_state_has_what_its_events_say_and_the_reference_stays_empty(db: Database) -> None:
    db.append(Deposited("a-7", 500), Withdrawn("a-7", 200), Deposited("b", 1))
    reference = Account("a-7")
    assert db.load(reference) == Account("a-7", 300)
    assert reference == Account("a-7")
    assert db.load(Account("nobody")) == Account("nobody")


def test_the_query_has_for_each_event_type_the_tags_in_common() -> None:
    assert Enrolment("c1", "s1").query() == (
        Query.of(["test.course_opened"], ["course:c1"])
        | Query.of(["test.student_registered"], ["student:s1"])
        | Query.of(["test.enrolled"], ["course:c1", "student:s1"])
    )


def test_a_state_over_two_entities_reads_their_events_and_those_of_both(db: Database) -> None:
    db.append(CourseOpened("c1", 3), StudentRegistered("s1"), Enrolled("c1", "s1"))
    db.append(CourseOpened("c2", 3), StudentRegistered("s2"), Enrolled("c1", "s2"), Enrolled("c2", "s1"))
    assert db.load(Enrolment("c1", "s1")).seen == ["CourseOpened", "StudentRegistered", "Enrolled"]


def test_an_event_that_two_fields_tag_under_one_key_is_in_the_history_of_both(db: Database) -> None:
    class Movements(State):
        account: Tag[str]
        cents: int = 0

        def apply(self, event: Moved) -> None:
            self.cents += event.cents if event.target == self.account else -event.cents

    db.append(Moved("a", "b", 5))
    assert (db.load(Movements("a")).cents, db.load(Movements("b")).cents) == (-5, 5)


def test_an_event_everywhere_concerns_every_identity(db: Database) -> None:
    class Student(State):
        everywhere = (TermBegan,)
        student: Tag[str]
        terms: int = 0

        def apply(self, event: StudentRegistered | TermBegan) -> None:
            if isinstance(event, TermBegan):
                self.terms += 1

    db.append(TermBegan(1), StudentRegistered("s1"), TermBegan(2))
    assert db.load(Student("s1")).terms == db.load(Student("s2")).terms == 2
    assert any(not clause.tags for clause in Student("s1").query().clauses)


def test_a_state_without_identity_reads_all_events_of_its_types(db: Database) -> None:
    class Total(State):
        cents: int = 0

        def apply(self, event: Deposited) -> None:
            self.cents += event.cents

    db.append(Deposited("a", 1), Deposited("b", 2), Withdrawn("a", 9))
    assert db.load(Total()).cents == 3


def test_a_state_may_have_a_query_of_its_own(db: Database) -> None:
    class Large(State):
        least: int
        accounts: dict[str, int] = {}

        def query(self) -> Query:
            return Query.of(["test.deposited"])

        def apply(self, event: Deposited) -> None:
            if event.cents >= self.least:
                self.accounts[event.account] = event.cents

    db.append(Deposited("a", 1), Deposited("b", 20), Deposited("c", 300))
    for _ in range(2):  # the second time from what is remembered
        assert db.load(Large(10)).accounts == {"b": 20, "c": 300}
        assert db.load(Large(100)).accounts == {"c": 300}


def test_a_query_of_its_own_may_give_events_that_apply_does_not_take(db: Database) -> None:
    class Picky(State):
        account: Tag[str]
        count: int = 0

        def query(self) -> Query:
            return Query.of(tags=[f"account:{self.account}"])

        def apply(self, event: Withdrawn) -> None:
            self.count += 1

    db.append(Deposited("a", 1), Withdrawn("a", 1))
    assert db.load(Picky("a")).count == 1


def test_apply_may_see_position_time_author_message_and_metadata(db: Database) -> None:
    class Trail(State):
        account: Tag[str]
        rows: list[tuple[int, str, str, str, Any]] = []

        def apply(self, event: Deposited | Withdrawn, record: Record) -> None:
            assert record.event is event
            assert record.tags == (f"account:{self.account}",)
            assert record.time == record.commit.time
            name, said, metadata = record.author, record.message, record.metadata
            self.rows.append((record.position, record.type, name, said, metadata))

    db.append(
        Deposited("a", 1),
        Deposited("b", 1),
        Deposited("a", 1),
        author="ann",
        message="two",
        metadata={"k": 1},
    )
    db.append(Withdrawn("a", 1), author="bob")
    expected = [
        (1, "test.deposited", "ann", "two", {"k": 1}),
        (3, "test.deposited", "ann", "two", {"k": 1}),
        (4, "test.withdrawn", "bob", "", {}),
    ]
    assert db.load(Trail("a")).rows == expected
    assert db.load(Trail("a"), at=3).rows == expected[:2]
    db.append(Deposited("a", 1), author="cy")
    assert db.load(Trail("a")).rows == [*expected, (5, "test.deposited", "cy", "", {})]


def test_a_state_may_take_stored_events_as_they_are_of_every_type_with_its_tags(db: Database) -> None:
    class Everything(State):
        account: Tag[str]
        types: list[str] = []

        def apply(self, event: RecordedEvent) -> None:
            self.types.append(event.type)

    db.append(Deposited("a", 1), encoded("Nobody.knows", b"{}", ("account:a",)), Deposited("b", 1))
    assert db.load(Everything("a")).types == ["test.deposited", "Nobody.knows"]


def test_latest_needs_no_code_and_is_a_state_like_others(db: Database) -> None:
    db.append(Deposited("a", 1))
    assert db.load(Latest("account:a")).fields["cents"].value == 1
    db.append(Withdrawn("a", 2), Deposited("b", 3))
    for _ in range(2):
        latest = db.load(Latest("account:a"))
        assert (latest.fields["cents"].value, latest.events, latest.position) == (2, 2, 2)
    assert db.load(Latest("account:a"), at=1).fields["cents"].value == 1


def test_a_derived_state_has_the_fields_and_events_of_its_base(db: Database) -> None:
    class Counted(Account):
        count: int = 0

        def apply(self, event: Deposited | Withdrawn) -> None:
            super().apply(event)
            self.count += 1

    class Renamed(Account):
        pass

    db.append(Deposited("a", 5), Withdrawn("a", 2))
    db.load(Account("a"))
    assert db.load(Counted("a")) == Counted("a", 3, 2)
    assert db.load(Renamed("a")) == Renamed("a", 3)
    assert type(db.load(Account("a"))) is Account


def test_a_derived_state_that_only_adds_a_field_is_checked_too() -> None:
    with pytest.raises(DefinitionError, match="limit has no default"):

        class Limited(Account, kw_only=True):
            limit: int


def test_an_event_type_that_shares_no_tag_is_an_error_when_the_class_is_defined() -> None:
    with pytest.raises(DefinitionError, match=r"shares no tag.*everywhere = \(TermBegan,\)"):

        class Wrong(State):
            account: Tag[str]

            def apply(self, event: Deposited | TermBegan) -> None: ...


def test_everywhere_names_only_what_apply_takes() -> None:
    with pytest.raises(DefinitionError, match=r"everywhere names test.term_began"):

        class Wrong(State):
            everywhere = (TermBegan,)
            account: Tag[str]

            def apply(self, event: Deposited) -> None: ...


def test_apply_needs_an_annotation() -> None:
    with pytest.raises(DefinitionError, match="needs an annotation"):

        class Wrong(State):
            account: Tag[str]

            def apply(self, event) -> None:  # type: ignore[no-untyped-def]
                pass


@pytest.mark.parametrize("annotation", [int, Account, Event, Deposited | str, list[Deposited]])
def test_apply_names_events_only(annotation: Any) -> None:
    def apply(self: Any, event: Any) -> None: ...

    apply.__annotations__["event"] = annotation
    with pytest.raises(DefinitionError, match="is not an event"):
        define(State)("Wrong", (State,), {"apply": apply})


def test_apply_takes_an_event_and_perhaps_its_record() -> None:
    with pytest.raises(DefinitionError, match="not 3 parameters"):

        class Wrong(State):
            def apply(self, event: Deposited, record: Record, more: int) -> None: ...

    with pytest.raises(DefinitionError, match="cannot take their records"):

        class WrongToo(State):
            def apply(self, event: RecordedEvent, record: Record) -> None: ...


def test_a_field_that_is_no_identity_needs_a_default() -> None:
    with pytest.raises(DefinitionError, match="balance has no default"):

        class Wrong(State):
            account: Tag[str]
            balance: int

            def apply(self, event: Deposited) -> None: ...


class Plain:
    """An object that anybody can change."""


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        (list[int], [1]),
        (dict[str, int], {"a": 1}),
        (Line_ := msgspec.defstruct("Line_", [("n", int)]), Line_(1)),
        (Plain, Plain()),
        (tuple[Any, ...], ([],)),
    ],
)
def test_a_default_that_all_states_would_share_is_an_error(kind: Any, default: Any) -> None:
    def apply(self: Any, event: Deposited) -> None: ...

    with pytest.raises(DefinitionError, match="default"):
        define(State)("Wrong", (State,), {"apply": apply, "__annotations__": {"held": kind}, "held": default})


def test_defaults_that_nobody_can_change_are_fine() -> None:
    class Fine(State):
        account: Tag[str]
        pair: tuple[int, ...] = (1, 2)
        kinds: frozenset[str] = frozenset({"a"})
        unset: int | msgspec.UnsetType = msgspec.UNSET
        since: dt.datetime | None = None
        event: Deposited = Deposited("a", 1)
        function: Callable[[int], int] = abs

        def apply(self, event: Deposited) -> None: ...

    assert Fine("a").event == Deposited("a", 1)


def test_what_one_caller_does_to_a_state_no_other_sees(db: Database) -> None:
    for cents in (1, 2):
        db.append(Deposited("a", cents))
        for _ in range(3):
            book = db.load(Book("a"))
            assert book == fold(Book("a"), db.log.read(), Commits(db.log))
            assert book.last is not None
            book.last.cents.append(99)
            book.lines[0].cents.clear()
            book.kinds.add("spoiled")
            book.by_kind["Deposited"].append(99)
            book.by_kind["spoiled"] = []
    assert db.load(Book("a"), at=1).lines[0].cents == [1]


def test_a_reference_may_be_a_loaded_state_which_is_then_loaded_anew(db: Database) -> None:
    db.append(Deposited("a", 5))
    loaded = db.load(Account("a"))
    db.append(Deposited("a", 1))
    assert db.load(loaded).balance == 6
    assert db.load(loaded, at=1).balance == 5
    assert loaded.balance == 5
    assert db.load(Account("b", 77)).balance == 0


def test_a_dict_with_a_default_factory_keeps_it(db: Database) -> None:
    class Sums(State):
        account: Tag[str]
        sums: dict[str, int] = msgspec.field(default_factory=lambda: defaultdict(int))
        counts: dict[str, int] = msgspec.field(default_factory=Counter)

        def apply(self, event: Deposited | Withdrawn) -> None:
            self.sums[type(event).__name__] += event.cents
            self.counts[type(event).__name__] += 1

    db.append(Deposited("a", 1))
    db.load(Sums("a"))
    db.append(Withdrawn("a", 2))
    assert db.load(Sums("a")).sums == {"Deposited": 1, "Withdrawn": 2}
    assert db.load(Sums("a")).counts == {"Deposited": 1, "Withdrawn": 1}


Key = NewType("Key", str)


class Frozen(msgspec.Struct, frozen=True):
    cents: int


class FrozenAround(msgspec.Struct, frozen=True):
    inside: list[int]


class FrozenBelow(FrozenAround, frozen=True):
    cents: int = 0


class Tree(msgspec.Struct, frozen=True):
    children: tuple[Tree, ...] = ()


@pytest.mark.parametrize(
    "kind", [int, Key, str | None, tuple[int, ...], frozenset[str], Frozen, Tree, uuid.UUID]
)
def test_types_whose_values_never_change_are_known(kind: Any) -> None:
    assert immutable(kind)


@pytest.mark.parametrize(
    "kind", [list[int], FrozenAround, FrozenBelow, tuple[list[int]], Any, object, Plain, Book]
)
def test_types_whose_values_may_change_are_known(kind: Any) -> None:
    assert not immutable(kind)


class Colour(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    SMALL = 1


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (str, "Ünïcode: ☃ 'a' \"b\"\\", "Ünïcode: ☃ 'a' \"b\"\\"),
        (str, "a:b/c", "a:b/c"),
        (int, -7, "-7"),
        (uuid.UUID, uuid.UUID(int=7), str(uuid.UUID(int=7))),
        (Colour, Colour.RED, "red"),
        (Size, Size.SMALL, "1"),
        (dt.date, dt.date(2026, 1, 2), "2026-01-02"),
        (str | None, "x", "x"),
    ],
)
def test_an_identity_may_be_any_value_that_a_tag_may_be(
    db: Database, kind: Any, value: Any, text: str
) -> None:
    happened = define(Event)(
        "Happened", (Event,), {"__annotations__": {"thing": tag(kind)}}, name=f"test.happened {text}"
    )

    def apply(self: Any, event: Any) -> None:
        self.count += 1

    apply.__annotations__["event"] = happened
    annotations = {"thing": tag(kind), "count": int}
    thing: Any = define(State)(
        "Thing", (State,), {"__annotations__": annotations, "count": 0, "apply": apply}
    )
    db.append(happened(value))
    assert thing(value).query().clauses[0].tags == (f"thing:{text}",)
    for _ in range(2):
        assert db.load(thing(value)).count == 1
        db.append(Deposited("other", 1))


def test_one_instant_is_one_entity_whatever_its_zone(db: Database) -> None:
    class Noon(Event, name="test.noon"):
        at: Tag[dt.datetime]

    class Noons(State):
        at: Tag[dt.datetime]
        count: int = 0

        def apply(self, event: Noon) -> None:
            self.count += 1

    here = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    there = here.astimezone(dt.timezone(dt.timedelta(hours=2)))
    db.append(Noon(here))
    db.append(Noon(there))
    assert db.load(Noons(here)).count == 2
    assert db.load(Noons(there)).count == 2
    assert {event.stored.tags for event in db.read()} == {("at:2026-01-01T12:00:00+00:00",)}


@pytest.mark.parametrize("value", [None, "", True, ["a"], 1.5])
def test_an_identity_without_a_value_is_refused_and_does_not_read_all_others(
    db: Database, value: Any
) -> None:
    db.append(Deposited("a", 5))
    with pytest.raises(InvalidTag):
        db.load(Account(value))
    with pytest.raises(EventError):
        db.execute(deposit(Account(value), 5))
    assert db.head().position == 1


def test_an_event_that_the_code_cannot_read_stops_the_fold_and_is_named(db: Database) -> None:
    db.append(Deposited("a", 1), encoded("test.deposited", b'{"account":"a"}', ("account:a",)))
    with pytest.raises(UnreadableEvent, match=r"#2 test.deposited"):
        db.load(Account("a"))
    assert db.load(Account("a"), at=1).balance == 1


def test_an_event_newer_than_the_code_stops_the_fold(db: Database) -> None:
    db.append(encoded("test.deposited", b'{"account":"a","cents":1}', ("account:a",), version=2))
    with pytest.raises(UnreadableEvent, match="older than the event"):
        db.load(Account("a"))


def test_what_apply_raises_comes_through_and_the_next_load_is_as_if_it_never_was(db: Database) -> None:
    class Fussy(State):
        account: Tag[str]
        balance: int = 0

        def apply(self, event: Deposited) -> None:
            if event.cents == 13:
                raise ZeroDivisionError
            self.balance += event.cents

    db.append(Deposited("a", 1))
    db.load(Fussy("a"))
    db.append(Deposited("a", 2), Deposited("a", 13))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            db.load(Fussy("a"))
    assert db.load(Fussy("a"), at=2).balance == 3


def test_a_name_that_is_not_defined_yet_is_looked_up_at_first_use(db: Database) -> None:
    class Early(State):
        account: Tag[str]
        count: int = 0

        def apply(self, event: Later) -> None:  # type: ignore[name-defined]  # noqa: F821
            self.count += 1

    with pytest.raises(DefinitionError, match="'Later' is not defined"):
        db.load(Early("a"))
    globals()["Later"] = Deposited
    try:
        db.append(Deposited("a", 1))
        assert db.load(Early("a")).count == 1
    finally:
        del globals()["Later"]


def test_the_boundary_of_a_state_protects_a_condition(db: Database) -> None:
    query = Account("a").query()
    db.append(Deposited("b", 1), condition=Condition(query, 0))
    db.append(Deposited("a", 1))
    with pytest.raises(Conflict):
        db.append(Deposited("b", 1), condition=Condition(query, 1))


def test_a_compiled_state_knows_its_identity() -> None:
    assert state_type(Enrolment).identity == ("course", "student")
    assert state_type(Latest).identity == ("tag",)
