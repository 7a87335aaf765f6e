"""Why a field has its value: one answer of blame, causes, command, author, message and condition."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from backstory import Database, Event, Refused, State, Tag, command, reaction, reverts
from backstory.decide.commands import CommandType
from backstory.decide.latest import Latest
from backstory.errors import InputError
from backstory.history.ask.why import CAUSES, PARTS, STATES
from backstory.history.merge.merge import Options
from backstory.reactions.declare import Policy
from backstory.reactions.process import Deadline, Due, Process, Step, react
from backstory.right import take
from backstory.store import Store
from tests.history.ledger import Book, Entered, enter, move

reverts(Entered)(lambda event: [Entered(event.book, -event.number, 0)])


class Ordered(Event, name="why.ordered"):
    order: Tag[str]
    parts: dict[str, int]


class Dunned(Event, name="why.dunned"):
    order: Tag[str]
    fee: int


class Bill(State):
    order: Tag[str]
    parts: dict[str, int] = {}
    fee: int = 0

    def apply(self, event: Ordered | Dunned) -> None:
        match event:
            case Ordered(parts=parts):
                self.parts = parts
            case Dunned(fee=fee):
                self.fee += fee


@command(name="why.dun")
def dun(bill: Bill, fee: int) -> Dunned:
    if not bill.parts:
        raise Refused("nothing was ordered")
    return Dunned(bill.order, fee)


@command(name="why.dun_all")
def dun_all(bills: list[Bill], fee: int) -> Iterator[Dunned]:
    for bill in bills:
        yield Dunned(bill.order, fee)


@reaction(name="why_dunning", since="start")
def dunning(event: Ordered) -> object:
    return dun(Bill(event.order), 5)


class Reminding(Process):
    policy = Policy(since="start")
    order: Tag[str]
    open: bool = False

    def apply(self, event: Ordered) -> None:
        self.open = True

    @react
    def ordered(self, event: Ordered) -> Iterator[Step]:
        yield Deadline("late", after=timedelta(0))

    @react
    def late(self, due: Due) -> Iterator[Step]:
        yield dun(Bill(self.order), 7)


@pytest.fixture
def db(store: Store) -> Database:
    return Database(store)


def test_the_answer_names_event_command_author_message_and_what_the_command_had_read(db: Database) -> None:
    db.execute(enter(Book("a"), 500), author="ann", message="first pay")
    db.execute(enter(Book("c"), 1), author="eve")
    db.execute(move(Book("a"), Book("b"), 200), author="bob", message="rent")
    found = db.why(Book("b"), "total")
    assert found.record is not None
    assert found.commit is not None
    assert (found.record.position, found.record.event.number) == (4, 200)
    assert (found.commit.author, found.commit.message) == ("bob", "rent")
    assert found.part.value == 200
    source, target = found.read
    assert [(each.part.path, each.part.value, each.event.position) for each in source.sources] == [
        (("total",), 500, 1),
        (("seen",), db.load(Book("a"), at=1).seen, 1),
    ]
    assert (target.reference, target.sources, found.unknown, found.left) == (Book("b"), (), "", 0)
    assert found.decided_on is not None
    assert [(part.tags, part.count, part.last) for part in found.decided_on.clauses] == [
        (("book:a",), 1, 1),
        (("book:b",), 0, None),
    ]
    assert repr(found) == "<Why Book /total: #4 ledger.entered, 0 causes>"


def test_the_answer_is_as_of_a_revision(db: Database) -> None:
    first = db.execute(enter(Book("a"), 1))
    db.execute(enter(Book("a"), 2))
    assert db.why(Book("a"), "total", at="main~1").commit == first


def test_a_default_and_an_identity_were_given_by_no_event(db: Database) -> None:
    db.execute(enter(Book("a"), 1))
    for field in ("total", "book"):
        found = db.why(Book("nobody"), field)
        assert (found.record, found.commit, found.causes) == (None, None, ())
    assert db.why(Book("nobody"), "total").part.value == 0


@pytest.mark.parametrize("field", ["totla", "total.x", ""])
def test_a_field_that_is_not_there_is_an_error_that_names_the_likely_one(db: Database, field: str) -> None:
    db.execute(enter(Book("a"), 1))
    with pytest.raises(InputError, match=r"no part|of which field"):
        db.why(Book("a"), field)


def test_the_causes_are_followed_back_to_the_first(db: Database) -> None:
    commits = [db.append(Entered("a", 1, 0), id="c-0")]
    for number in range(1, 5):
        with db.context(because=db.events(commits[-1])[0]):
            commits.append(db.append(Entered("a", 1, 0), id=f"c-{number}"))
    assert [each.id for each in db.why(Book("a"), "total").causes] == ["c-3", "c-2", "c-1", "c-0"]


def test_a_long_chain_of_causes_is_cut_and_says_so(db: Database) -> None:
    db.execute(enter(Book("a"), 1), id="c-0")
    for number in range(1, CAUSES + 5):
        db.append(Entered("a", 1, 0), id=f"c-{number}", metadata={"causation": f"c-{number - 1}"})
    found = db.why(Book("a"), "total")
    assert (len(found.causes), found.earlier) == (CAUSES, True)


def test_causes_in_a_circle_and_causes_that_are_not_there_end_the_chain(db: Database) -> None:
    db.append(Entered("a", 1, 0), id="one", metadata={"causation": "two"})
    db.append(Entered("a", 1, 0), id="two", metadata={"causation": "one"})
    assert [each.id for each in db.why(Book("a"), "total").causes] == ["one"]
    db.append(Entered("b", 1, 0), metadata={"causation": "elsewhere"})
    [cause] = db.why(Book("b"), "total").causes
    assert (cause.id, cause.commit) == ("elsewhere", None)


def test_a_reaction_a_process_and_its_deadline_are_links_of_the_chain(db: Database) -> None:
    take(db.store)
    db.append(Ordered("o-1", {"pen": 2}), id="ordered", author="ann")
    db.run(dunning).run(once=True)
    found = db.why(Bill("o-1"), "fee")
    assert [(way.kind, way.by) for way in found.ways] == [("reaction", "why_dunning")]
    assert [each.id for each in found.causes] == ["ordered"]
    db.append(Ordered("o-2", {"pen": 2}), id="again", author="ann")
    runner = db.run(Reminding)
    for _ in range(3):
        runner.run(once=True)
    found = db.why(Bill("o-2"), "fee")
    assert found.part.value >= 7
    assert [way.by for way in found.ways] == ["reminding"]
    assert [way.kind for each in found.causes for way in each.ways] == ["deadline", "reaction"]
    assert found.causes[-1].id == "again"


def test_a_revert_and_the_commits_that_are_undone_are_named(db: Database) -> None:
    wrong = db.execute(enter(Book("a"), 5), id="wrong")
    reverting = db.revert("wrong", id="undo")
    assert db.why(Book("a"), "total", at=1).undone == ()
    assert [way.ids for way in db.why(Book("a"), "total").ways if way.kind == "revert"] == [("wrong",)]
    assert reverting is not None
    assert db.why(Book("a"), "total").commit == reverting
    assert wrong is not None
    db.execute(enter(Book("b"), 5), id="other")
    db.append(Entered("c", 1, 0), metadata={"reverts": ["other"]})
    assert [each.position for each in db.why(Book("b"), "total").undone] == [4]


def test_commits_that_came_by_merge_or_cherry_pick_or_were_decided_again_say_so(db: Database) -> None:
    db.execute(enter(Book("a"), 1))
    plan = db.branch("plan")
    plan.execute(enter(Book("b"), 2), id="picked")
    plan.execute(enter(Book("a"), 3), id="again")
    db.execute(enter(Book("a"), 9))
    db.cherry_pick("picked")
    assert [(way.kind, way.ids) for way in db.why(Book("b"), "total").ways] == [("cherry-pick", ("picked",))]
    db.merge("plan", Options(resolution="redecide", author="dana"))
    ways = {way.kind: way for way in db.why(Book("a"), "total").ways}
    assert (ways["redecided"].by, ways["redecided"].ids) == ("dana", ("again",))
    assert ways["merge"].by == "plan"


def test_an_import_is_named_by_its_format(db: Database) -> None:
    from backstory.decide.drafting import Said
    from backstory.values.ids import derived

    drafter = db.handle.drafter
    draft = drafter.for_facts([Entered("a", 1, 0)], None, Said(derived("csv", "x"), own=True))
    db.log.append([(draft,)])
    assert [(way.kind, way.by) for way in db.why(Book("a"), "total").ways] == [("import", "csv")]


def test_what_is_withheld_is_not_known_and_not_guessed(db: Database) -> None:
    from backstory.history.forget.withholding import withhold

    commit = db.execute(enter(Book("a"), 1), author="ann", id="one")
    assert commit is not None
    withhold(db.branches, commit, ["command", "query", "metadata"])
    found = Database(db.store).why(Book("a"), "total")
    assert found.commit is not None
    assert (found.decided_on, found.read, found.ways) == (None, (), ())
    assert "withheld" in found.unknown


def test_a_command_that_is_not_known_here_leaves_the_condition(db: Database) -> None:
    db.execute(enter(Book("a"), 1))
    found = db.why(Book("a"), "total", commands={})
    assert "ledger.enter is not known here" in found.unknown
    assert found.decided_on is not None


def test_many_states_and_many_parts_are_cut_and_counted(db: Database) -> None:
    for number in range(STATES + 3):
        db.append(Ordered(f"o-{number}", {f"part-{each}": each for each in range(PARTS + 5)}))
    db.execute(dun_all([Bill(f"o-{number}") for number in range(STATES + 3)], fee=1))
    found = db.why(Bill("o-1"), "fee")
    assert (len(found.read), found.left) == (STATES, 3)
    assert (len(found.read[0].sources), found.read[0].left) == (PARTS, 5)
    assert db.why(Bill("o-1"), "parts.part-3").part.value == 3


def test_a_tag_is_answered_without_code(db: Database) -> None:
    db.execute(enter(Book("a"), 1), author="ann")
    found = db.why(Latest("book:a"), "number", commands={})
    assert found.record is not None
    assert found.record.author == "ann"


def test_on_a_branch_in_memory_it_is_answered_as_anywhere(db: Database) -> None:
    db.execute(enter(Book("a"), 1))
    with db.what_if() as trial:
        trial.execute(enter(Book("a"), 2), author="guess")
        found = trial.why(Book("a"), "total")
    assert found.commit is not None
    assert found.commit.author == "guess"


def test_the_states_are_known_also_if_the_function_has_changed(db: Database) -> None:
    db.execute(enter(Book("a"), 1))

    def changed(book: Book, number: int, more: str) -> Iterator[Entered]:
        yield Entered(book.book, number, 0)

    other = CommandType(changed, name="ledger.enter")
    found = db.why(Book("a"), "total", commands={"ledger.enter": other})
    assert [had.reference for had in found.read] == [Book("a")]
