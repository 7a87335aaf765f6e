"""The promises of a unit: all of its steps are done, or none, and writing it again does no harm."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from backstory.conformance.sample import START, decided, fact, ids, one, positions
from backstory.errors import (
    Conflict,
    HeadMoved,
    HistoryMoved,
    IdReused,
    MainFixed,
    NeverBoth,
    NotThere,
    RefMoved,
)
from backstory.refs import MAIN_MOVES, MAIN_REF, REACTS
from backstory.store import Store, append, create_log, set_ref, write
from backstory.unit import (
    Append,
    DropLog,
    Holds,
    NewLog,
    Outcome,
    SetRef,
    Step,
    Unit,
    Withhold,
    Written,
    new_log,
)
from backstory.values.commit import MESSAGE, ORIGIN, Head
from backstory.values.query import Query


def outcome_of(store: Store, *steps: Step) -> Outcome:
    """The outcome of one unit."""
    [outcome] = store.write([Unit(steps)])
    return outcome


class Units:
    """Sentences about units of several steps."""

    def test_no_unit_and_a_unit_without_steps_do_nothing(self, store: Store) -> None:
        assert store.write([]) == []
        assert store.write([Unit(())]) == [Written()]

    @pytest.mark.parametrize("place", range(4))
    def test_one_step_that_cannot_be_done_takes_all_others_back(self, store: Store, place: int) -> None:
        one(store.log(0), fact("A"))
        made = new_log(store.log(0).head())
        steps: list[Step] = [made, Append(made, [decided()]), SetRef("branch/trial", made, None)]
        steps.insert(place, Append(0, [decided(query=Query.of(["A"]))]))
        before = list(store.logs())
        assert isinstance(outcome_of(store, *steps), Conflict)
        assert list(store.logs()) == before
        assert store.refs.get("branch/trial") is None
        assert store.log(0).head().position == 1

    def test_the_first_step_that_cannot_be_done_gives_the_verdict(self, store: Store) -> None:
        one(store.log(0), fact("A"))
        conflict, moved = Append(0, [decided(query=Query.of(["A"]))]), SetRef("a", "2", "1")
        guard = SetRef("a", "1", "1")
        assert isinstance(outcome_of(store, conflict, moved), Conflict)
        assert isinstance(outcome_of(store, moved, conflict), RefMoved)
        assert isinstance(outcome_of(store, guard, conflict), RefMoved)

    def test_each_step_is_judged_on_the_store_before_the_unit(self, store: Store) -> None:
        head = one(store.log(0)).point
        asked = Holds(0, head.position, head.hash, last=True)
        assert isinstance(outcome_of(store, Append(0, [decided()]), asked), Written)
        assert isinstance(outcome_of(store, Append(0, [decided()]), asked), HeadMoved)

    def test_a_unit_sees_what_the_units_before_it_did(self, store: Store) -> None:
        outcomes = store.write(
            [
                Unit((SetRef("a", "1", None),)),
                Unit((SetRef("a", "2", "1"), Append(0, [decided(fact("A"))]))),
                Unit((Append(0, [decided(query=Query.of(["A"]))]),)),
                Unit((SetRef("a", "3", "1"),)),
                Unit((SetRef("a", None, "2"),)),
            ]
        )
        assert [type(each) for each in outcomes] == [Written, Written, Conflict, RefMoved, Written]
        assert store.refs.get("a") is None

    def test_a_unit_that_was_written_is_written_again_without_harm(self, store: Store) -> None:
        made = new_log(ORIGIN)
        unit = Unit(
            (
                made,
                Append(made, [decided()]),
                Append(0, [decided()]),
                SetRef("branch/trial", made, None),
                SetRef("mark/a", "1", None),
            )
        )
        [first] = store.write([unit])
        logs = list(store.logs())
        assert isinstance(first, Written)
        assert store.write([unit]) == [first]
        assert store.write([unit, unit]) == [first, first]
        assert list(store.logs()) == logs
        assert store.log(0).head().position == 1

    def test_a_unit_that_was_written_is_done_whatever_its_guards_say(self, store: Store) -> None:
        head = store.log(0).head()
        unit = Unit(
            (
                Append(0, [decided()]),
                Holds(0, head.position, head.hash, last=True),
                SetRef("free", None, None),
            )
        )
        first = store.write([unit])
        set_ref(store, "free", "taken", old=None)
        assert store.write([unit]) == first

    def test_a_unit_of_guards_alone_is_refused_where_one_does_not_hold(self, store: Store) -> None:
        assert isinstance(outcome_of(store, SetRef("a", "1", "1")), RefMoved)
        assert isinstance(outcome_of(store, SetRef("a", None, None)), Written)
        assert isinstance(outcome_of(store, Append(0, []), SetRef("a", "1", "1")), RefMoved)

    def test_what_is_missing_of_a_unit_is_done_where_the_rest_is_known(self, store: Store) -> None:
        batch = [decided()]
        commits = append(store.log(0), *batch)
        written = write(store, Append(0, batch), SetRef("settled/main", "[]", None))
        assert written.commits == (commits,)
        assert store.refs.get("settled/main") == "[]"

    def test_a_batch_of_other_content_in_a_unit_is_refused(self, store: Store) -> None:
        one(store.log(0))
        append(store.log(0), decided(fact("A"), id="pay-1"))
        verdict = outcome_of(store, SetRef("a", "1", None), Append(0, [decided(fact("B"), id="pay-1")]))
        assert isinstance(verdict, IdReused)
        assert store.refs.get("a") is None

    def test_a_log_or_a_ref_that_a_unit_changes_twice_is_an_error(self, store: Store) -> None:
        for steps in (
            (Append(0, [decided()]), Append(0, [decided()])),
            (SetRef("a", "1", None), SetRef("a", "2", None)),
        ):
            with pytest.raises(ValueError, match="twice"):
                store.write([Unit(steps)])
        assert store.log(0).head() == ORIGIN
        assert store.refs.get("a") is None

    def test_steps_that_get_in_the_way_of_each_other_are_an_error(self, store: Store) -> None:
        number, made, other = create_log(store, ORIGIN), new_log(ORIGIN), new_log(ORIGIN)
        twice, known = NewLog(made.id, Head(7, b"x" * 32, START)), new_log(ORIGIN)
        [known_number] = write(store, known).logs
        drop = DropLog(number)
        units = [
            (made, made),
            (made, twice, Append(made, [decided()])),
            (known, Append(known, [decided()]), Append(known_number, [decided()])),
            (Append(made, [decided()]),),
            (other, SetRef("branch/trial", made, None)),
            (SetRef("branch/trial", known, None),),
            (Append(number, [decided()]), drop),
            (SetRef("branch/trial", str(number), None), drop),
            (drop, DropLog(known_number)),
            (drop, made),
        ]
        logs = list(store.logs())
        for steps in units:
            with pytest.raises(ValueError, match="a unit"):
                store.write([Unit(steps)])
        assert list(store.logs()) == logs
        assert dict(store.refs.list("branch/")) == {MAIN_REF: "0"}
        assert all(list(store.log(log).commits()) == [] for log in logs)
        assert isinstance(outcome_of(store, drop, Append(0, [decided()])), Written)

    def test_a_log_that_is_not_there_is_told(self, store: Store) -> None:
        for number in (99, -1, 2**40):
            assert isinstance(outcome_of(store, Append(number, [decided()])), NotThere)
            assert isinstance(outcome_of(store, Holds(number, 0, bytes(32))), NotThere)
            assert isinstance(outcome_of(store, Withhold(number, "x", (MESSAGE,))), NotThere)


class Spanning:
    """Sentences about units over several logs; they are not asked of a store whose units append to one log."""

    def test_a_unit_writes_to_several_logs_and_refs_at_once(self, store: Store) -> None:
        one(store.log(0))
        made, batch, other = new_log(store.log(0).head()), [decided(id="in new")], [decided(id="in main")]
        written = write(
            store,
            made,
            Append(made, batch),
            SetRef("branch/trial", made, None),
            Append(0, other),
            SetRef("mark/q3", "text", None),
        )
        [number] = written.logs
        assert [ids(commits) for commits in written.commits] == [["in new"], ["in main"]]
        assert store.refs.get("branch/trial") == str(number)
        assert store.refs.get("mark/q3") == "text"
        assert ids(store.log(number).commits()) == ["in new"]
        assert positions(store.log(number).commits()) == [2]
        assert positions(store.log(0).commits()) == [1, 2]

    def test_units_of_many_threads_on_several_logs_are_whole(self, store: Store) -> None:
        logs = [0, create_log(store, ORIGIN), create_log(store, ORIGIN)]

        def work(thread: int) -> None:
            for turn in range(10):
                steps = [Append(log, [decided(id=f"{thread}.{turn}.{log}")]) for log in logs]
                write(store, *steps, SetRef(f"seen/{thread}.{turn}", "1", None))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        orders = [[id.rpartition(".")[0] for id in ids(store.log(log).commits())] for log in logs]
        assert orders[0] == orders[1] == orders[2]
        assert len(store.refs.list("seen/")) == len(orders[0]) == 40


class Guards:
    """Sentences about `Holds`."""

    def test_a_log_holds_its_commits_its_origin_and_nothing_else(self, store: Store) -> None:
        first, last = one(store.log(0), fact(), fact()), one(store.log(0))
        number = create_log(store, last.point)
        for log, position, hash in (
            (0, 2, first.hash),
            (0, 3, last.hash),
            (0, 0, bytes(32)),
            (number, 3, last.hash),
        ):
            assert isinstance(outcome_of(store, Holds(log, position, hash)), Written)
        for log, position, hash in (
            (0, 1, first.hash),
            (0, 2, last.hash),
            (0, 9, last.hash),
            (0, 0, first.hash),
            (number, 2, first.hash),
            (0, -1, bytes(32)),
            (0, 2**62, bytes(32)),
        ):
            assert isinstance(outcome_of(store, Holds(log, position, hash)), HistoryMoved)

    def test_a_log_that_has_gone_on_does_not_end_there_any_more(self, store: Store) -> None:
        first = one(store.log(0))
        asked = Holds(0, first.position, first.hash, last=True)
        assert isinstance(outcome_of(store, asked, SetRef("a", "1", None)), Written)
        one(store.log(0))
        assert isinstance(outcome_of(store, asked, SetRef("b", "1", None)), HeadMoved)
        assert isinstance(outcome_of(store, Holds(0, first.position, first.hash)), Written)

    def test_an_empty_log_holds_its_origin(self, store: Store) -> None:
        assert isinstance(outcome_of(store, Holds(0, 0, bytes(32), last=True)), Written)
        number = create_log(store, Head(7, b"x" * 32, START))
        assert isinstance(outcome_of(store, Holds(number, 7, b"x" * 32, last=True)), Written)


class Main:
    """Sentences about the ref of main."""

    def test_a_new_store_has_the_branch_main(self, store: Store) -> None:
        assert dict(store.refs.list("branch/")) == {MAIN_REF: "0"}

    def test_main_is_moved_only_where_the_setting_allows_it(self, store: Store) -> None:
        number = create_log(store, ORIGIN)
        for value in (str(number), None):
            assert isinstance(outcome_of(store, SetRef(MAIN_REF, value, "0")), MainFixed)
        assert store.refs.get(MAIN_REF) == "0"
        assert isinstance(outcome_of(store, SetRef(MAIN_REF, "0", "0")), Written)
        set_ref(store, MAIN_MOVES, "yes", old=None)
        assert isinstance(outcome_of(store, SetRef(MAIN_REF, str(number), "0")), Written)
        assert store.refs.get(MAIN_REF) == str(number)

    def test_main_cannot_be_allowed_to_move_where_the_store_reacts_and_the_other_way_round(
        self, store: Store
    ) -> None:
        moves, reacts = SetRef(MAIN_MOVES, "yes", None), SetRef(REACTS, "here", None)
        assert isinstance(outcome_of(store, moves, reacts), NeverBoth)
        for made, other in ((moves, reacts), (reacts, moves)):
            assert isinstance(outcome_of(store, made), Written)
            assert isinstance(outcome_of(store, other), NeverBoth)
            assert store.refs.get(other.name) is None
            assert isinstance(outcome_of(store, SetRef(made.name, None, store.refs.get(made.name))), Written)

    def test_a_seat_is_a_text_that_stays_the_same_while_the_store_grows(self, store: Store) -> None:
        seat = store.seat
        assert seat is None or (isinstance(seat, str) and seat)
        one(store.log())
        assert store.seat == seat
