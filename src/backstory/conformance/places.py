"""The promises of a store beyond one log: several logs, refs, opening again, and closing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backstory.conformance.sample import FAR, START, decided, fact, fill, ids, one, positions
from backstory.errors import AheadOfLog, Conflict, IdReused, StoreClosed
from backstory.refs import MAIN_REF
from backstory.store import Log, Store, append, create_log, set_ref
from backstory.values.commit import ORIGIN, Head
from backstory.values.hashes import commit_hash
from backstory.values.query import Query


def branched(store: Store) -> tuple[Log, Log]:
    """Main with three events, and a log that stands on it with two of its own."""
    main = store.log()
    append(main, decided(fact("A", "x:1"), fact("A"), id="one", at=60), decided(fact("B"), id="two", at=60))
    other = store.log(create_log(store, main.head()))
    append(other, decided(fact("A", "x:1"), id="three"), decided(fact("C", "x:1"), id="four"))
    return main, other


class Logs:
    """Sentences about several logs in one store."""

    def test_main_is_log_zero_and_always_there(self, store: Store) -> None:
        one(store.log())
        assert store.log(0).head().position == 1
        assert store.origin(0) == ORIGIN

    def test_a_log_that_was_not_created_is_a_key_error(self, store: Store) -> None:
        for number in (1, -1, 2**20, 2**40, 2**63, -(2**70)):
            with pytest.raises(KeyError):
                store.log(number)
            with pytest.raises(KeyError):
                store.origin(number)

    def test_logs_are_numbered_in_the_order_of_their_creation(self, store: Store) -> None:
        assert [create_log(store, ORIGIN) for _ in range(3)] == [1, 2, 3]

    def test_all_logs_are_listed_mains_first(self, store: Store) -> None:
        assert list(store.logs()) == [0]
        created = [create_log(store, ORIGIN) for _ in range(12)]
        one(store.log(7))
        assert list(store.logs()) == [0, *created]

    def test_an_empty_log_ends_where_its_origin_does(self, store: Store) -> None:
        origin = Head(41, bytes(range(32)), START)
        number = create_log(store, origin)
        assert store.origin(number) == store.log(number).head() == origin
        assert list(store.log(number).read()) == []
        assert list(store.log(number).commits()) == []

    def test_positions_continue_after_the_origin(self, store: Store) -> None:
        _, other = branched(store)
        assert positions(other.read()) == [4, 5]
        assert [event.commit for event in other.read()] == [4, 5]
        assert positions(other.commits()) == [4, 5]

    def test_the_first_commit_stands_on_the_hash_of_the_origin(self, store: Store) -> None:
        main, other = branched(store)
        first = next(other.commits())
        assert first.hash == commit_hash(main.head().hash, first.content, None)

    def test_time_does_not_go_back_behind_the_origin(self, store: Store) -> None:
        _, other = branched(store)
        assert {commit.time for commit in other.commits()} == {START + timedelta(seconds=60)}

    def test_what_one_log_has_is_not_read_in_another(self, store: Store) -> None:
        main, other = branched(store)
        for query in (Query.all(), Query.of(["A", "C"]), Query.of(tags=["x:1"]), Query.of(["A"], ["x:1"])):
            for backwards in (False, True):
                assert all(event.position <= 3 for event in main.read(query, backwards=backwards))
                assert all(event.position > 3 for event in other.read(query, backwards=backwards))
        assert positions(other.read(Query.of(tags=["x:1"]))) == [4, 5]

    def test_what_one_log_has_is_not_read_in_another_by_an_index(self, store: Store) -> None:
        main, other = branched(store)
        fill(main)
        fill(other)
        one(main, fact("A", "x:1"))
        assert positions(main.read(Query.of(tags=["x:1"]))) == [1, FAR + 4]
        assert positions(other.read(Query.of(tags=["x:1"]))) == [4, 5]
        assert positions(other.read(Query.of(["A"]))) == [4]

    def test_what_one_log_has_is_not_in_the_way_in_another(self, store: Store) -> None:
        main, other = branched(store)
        assert isinstance(other.append([[decided(query=Query.of(["B"]))]])[0], tuple)
        assert isinstance(main.append([[decided(query=Query.of(["C"]))]])[0], tuple)
        assert isinstance(other.append([[decided(query=Query.of(["C"]), after=3)]])[0], Conflict)

    def test_a_position_is_judged_against_the_head_of_its_own_log(self, store: Store) -> None:
        main, other = branched(store)
        assert isinstance(main.append([[decided(query=Query.none(), after=5)]])[0], AheadOfLog)
        assert isinstance(other.append([[decided(query=Query.none(), after=5)]])[0], tuple)

    def test_ids_of_one_log_are_free_in_another(self, store: Store) -> None:
        main, other = branched(store)
        assert main.find("three") == []
        assert other.find("one") == []
        assert ids(append(other, decided(fact("Z"), id="one"))) == ["one"]
        assert isinstance(main.append([[decided(fact("Z"), id="one")]])[0], IdReused)

    def test_hashes_are_found_in_their_own_log_only(self, store: Store) -> None:
        main, other = branched(store)
        for commit in main.commits():
            assert commit not in other.find(commit.hash.hex())

    def test_bounds_before_the_origin_give_the_whole_log(self, store: Store) -> None:
        _, other = branched(store)
        assert positions(other.read(after=1, upto=4)) == [4]
        assert positions(other.read(Query.of(["A"]), after=1, upto=2)) == []
        assert positions(other.commits(after=0, upto=3)) == []
        assert positions(other.read(after=2, backwards=True)) == [5, 4]

    def test_logs_grow_side_by_side(self, store: Store) -> None:
        logs = [store.log(), *(store.log(create_log(store, ORIGIN)) for _ in range(3))]
        for turn in range(40):
            for number, log in enumerate(logs):
                one(log, *[fact("A", f"log:{number}", "all:1")] * (1 + (turn + number) % 3))
        for number, log in enumerate(logs):
            count = log.head().position
            assert positions(log.read()) == list(range(1, count + 1))
            assert positions(log.read(Query.of(tags=[f"log:{number}", "all:1"]))) == list(range(1, count + 1))
            assert positions(log.read(Query.of(tags=[f"log:{(number + 1) % 4}"]))) == []


class Refs:
    """Sentences about small mutable pointers."""

    def test_a_ref_that_was_never_set_is_none(self, store: Store) -> None:
        assert store.refs.get("mark/q3") is None
        assert dict(store.refs.list("mark/")) == {}

    def test_a_ref_is_set_where_there_was_none(self, store: Store) -> None:
        assert set_ref(store, "mark/q3", "7", old=None)
        assert store.refs.get("mark/q3") == "7"

    def test_a_ref_is_set_only_from_its_old_value(self, store: Store) -> None:
        assert set_ref(store, "mark/q3", "7", old=None)
        assert not set_ref(store, "mark/q3", "8", old=None)
        assert not set_ref(store, "mark/q3", "8", old="6")
        assert store.refs.get("mark/q3") == "7"
        assert set_ref(store, "mark/q3", "8", old="7")
        assert store.refs.get("mark/q3") == "8"

    def test_a_ref_that_is_not_there_has_no_old_value(self, store: Store) -> None:
        assert not set_ref(store, "mark/q3", "7", old="")
        assert store.refs.get("mark/q3") is None

    def test_a_ref_that_has_the_value_already_is_set(self, store: Store) -> None:
        assert set_ref(store, "mark/q3", "7", old=None)
        assert set_ref(store, "mark/q3", "7", old="6")
        assert set_ref(store, "mark/q3", "7", old=None)
        assert set_ref(store, "other", None, old="7")

    def test_a_ref_is_deleted_by_setting_none(self, store: Store) -> None:
        set_ref(store, "mark/q3", "7", old=None)
        assert not set_ref(store, "mark/q3", None, old="6")
        assert set_ref(store, "mark/q3", None, old="7")
        assert store.refs.get("mark/q3") is None
        assert dict(store.refs.list("mark/")) == {}
        assert set_ref(store, "mark/q3", None, old=None)

    def test_an_empty_value_is_a_value(self, store: Store) -> None:
        assert set_ref(store, "note", "", old=None)
        assert store.refs.get("note") == ""
        assert not set_ref(store, "note", "x", old=None)
        assert set_ref(store, "note", "x", old="")

    def test_refs_are_listed_by_prefix_in_the_order_of_their_names(self, store: Store) -> None:
        names = [
            "b",
            "a/b",
            "a/B",
            "a",
            "a/",
            "a0",
            "a%b",
            "a_b",
            'a"',
            "a\\b",
            "é",
            "a/é",
            "𝄞",
            "a/\ud7ff",
            "a/\ue000",
        ]
        names += ["a/\U0010ffff", "a/\U0010ffffb", "\U0010ffff", "\U0010ffff\U0010ffff"]
        for name in names:
            assert set_ref(store, name, name.upper(), old=None)
        all_names = sorted([*names, MAIN_REF])
        for prefix in ("", "A", "a%", "a_", "zz", *names):
            expected = [
                (name, "0" if name == MAIN_REF else name.upper())
                for name in all_names
                if name.startswith(prefix)
            ]
            assert list(store.refs.list(prefix).items()) == expected

    def test_values_are_any_text(self, store: Store) -> None:
        for number, value in enumerate(
            ["", " ", "a\nb", "'; --", "𝄞", '{"a":1}', "007", "1e3", "x" * 100_000]
        ):
            set_ref(store, f"r{number}", value, old=None)
            assert store.refs.get(f"r{number}") == value

    def test_refs_are_apart_from_the_log(self, store: Store, log: Log) -> None:
        before = one(log)
        set_ref(store, "a", "1", old=None)
        assert log.head() == Head(1, before.hash, before.time)


class Opening:
    """Sentences about opening, opening again and closing."""

    def test_a_sound_store_has_no_problems(self, store: Store) -> None:
        assert list(store.problems()) == []
        for log in branched(store):
            fill(log)
            one(log, fact("A", "x:1", "y:2"))
        assert list(store.problems()) == []

    def test_closing_twice_is_fine(self, store: Store) -> None:
        store.close()
        store.close()

    def test_a_store_that_was_closed_says_so(self, store: Store) -> None:
        log = store.log()
        one(log)
        store.close()
        for use in (
            lambda: log.append([[decided()]]),
            lambda: list(log.read()),
            lambda: list(log.commits()),
            lambda: log.find("x"),
            log.head,
            lambda: log.wait(0, 0),
            lambda: log.wait(1, 0),
            lambda: create_log(store, ORIGIN),
            store.logs,
            lambda: store.refs.get("a"),
            store.refs.list,
            lambda: set_ref(store, "a", "b", old=None),
        ):
            with pytest.raises(StoreClosed):
                use()
