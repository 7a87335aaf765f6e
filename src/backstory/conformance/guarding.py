"""The promise of a guard: nothing goes in once its ref has another value."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from backstory.conformance.sample import decided, fact, ids, one, positions
from backstory.errors import AheadOfLog, Conflict, HeadMoved, IdReused, RefMoved
from backstory.store import Log, Store, Verdict, append, create_log, set_ref
from backstory.unit import Append, SetRef, Unit, Written
from backstory.values.commit import Draft
from backstory.values.query import Query

REF, VALUE = "branch/trial", "7"
GUARD = SetRef(REF, VALUE, VALUE)

ROUNDS = 20
"""How often a ref is moved while others append."""

LONG = 30
"""Drafts in a batch, so that there is time between the look at the ref and the last of them."""


def guarded(log: Log, *drafts: Draft, guard: SetRef = GUARD) -> Verdict:
    """The verdict on a batch that is to go in only while a ref has its value."""
    [verdict] = log.append([drafts], beside=[guard])
    return verdict


def point(store: Store, value: str | None) -> None:
    """Let the guard's ref have this value."""
    assert set_ref(store, REF, value, old=store.refs.get(REF))


class Guarding:
    """Sentences about a `SetRef` that sets nothing, beside the batches of a log."""

    def test_a_batch_goes_in_while_its_ref_has_the_value(self, store: Store, log: Log) -> None:
        point(store, VALUE)
        commits = guarded(log, decided(fact("A")), decided(fact("B")))
        assert isinstance(commits, tuple)
        assert positions(commits) == [1, 2]

    @pytest.mark.parametrize("value", ["8", "07", ""])
    def test_a_batch_whose_ref_has_another_value_is_refused(self, store: Store, log: Log, value: str) -> None:
        point(store, value)
        verdict = guarded(log, decided(), decided())
        assert isinstance(verdict, RefMoved)
        assert (verdict.ref, verdict.value) == (REF, value)
        assert log.head().position == 0

    def test_a_batch_whose_ref_is_gone_is_refused(self, store: Store, log: Log) -> None:
        for value in (None, VALUE, None):
            point(store, value)
            verdict = guarded(log, decided())
            assert isinstance(verdict, RefMoved) is (value is None)
        assert isinstance(verdict, RefMoved)
        assert (verdict.ref, verdict.value) == (REF, None)
        assert log.head().position == 1

    def test_a_batch_may_depend_on_a_ref_that_must_not_be_there(self, store: Store, log: Log) -> None:
        free = SetRef(REF, None, None)
        assert isinstance(guarded(log, decided(), guard=free), tuple)
        point(store, VALUE)
        assert isinstance(guarded(log, decided(), guard=free), RefMoved)

    def test_a_ref_that_came_back_to_its_value_lets_batches_in_again(self, store: Store, log: Log) -> None:
        for value in (VALUE, "8", VALUE):
            point(store, value)
            guarded(log, decided(id=f"while {value}"))
        assert ids(log.commits()) == [f"while {VALUE}"]

    def test_a_retry_gives_the_recorded_commits_wherever_the_ref_points(self, store: Store, log: Log) -> None:
        point(store, VALUE)
        drafts = [decided(), decided()]
        first = guarded(log, *drafts)
        for value in ("8", None):
            point(store, value)
            assert guarded(log, *drafts) == first
        assert log.head().position == 2

    def test_what_is_refused_for_another_reason_is_refused_for_that(self, log: Log) -> None:
        one(log, fact("A"))
        [known] = append(log, decided(id="pay-1"))
        for draft, reason in (
            (decided(fact("B"), id="pay-1"), IdReused),
            (replace(decided(), parent=bytes(32)), HeadMoved),
            (decided(query=Query.of(["A"]), after=9), AheadOfLog),
            (decided(query=Query.of(["A"])), Conflict),
            (decided(query=Query.of(["A"]), after=1), RefMoved),
            (replace(decided(), parent=known.hash), RefMoved),
        ):
            assert isinstance(guarded(log, draft), reason)
        assert log.head().position == 2

    def test_each_unit_has_guards_of_its_own(self, store: Store, log: Log) -> None:
        point(store, VALUE)
        moved, other = SetRef(REF, "9", "9"), SetRef("other", "x", "x")
        outcomes = store.write(
            [
                Unit((Append(0, [decided(fact("A"), id="a")]),)),
                Unit((Append(0, [decided(fact("B"), id="b")]), moved)),
                Unit((Append(0, [decided(fact("C"), id="c", query=Query.of(["A"]))]), GUARD)),
                Unit((Append(0, [decided(id="d", query=Query.of(["B"]))]), GUARD)),
                Unit((Append(0, [decided(id="b")]), other)),
                Unit((Append(0, [decided(id="e")]),)),
            ]
        )
        assert [type(outcome) for outcome in outcomes] == [
            Written,
            RefMoved,
            Conflict,
            Written,
            RefMoved,
            Written,
        ]
        assert ids(log.commits()) == ["a", "d", "e"]

    def test_another_log_asks_the_refs_of_its_store(self, store: Store) -> None:
        log = store.log(create_log(store, store.log().head()))
        assert isinstance(guarded(log, decided()), RefMoved)
        point(store, VALUE)
        assert isinstance(guarded(log, decided()), tuple)

    def test_nothing_goes_in_after_the_ref_has_moved_while_threads_append(self, store: Store) -> None:
        def write(log: Log, begun: threading.Barrier) -> None:
            for turn in range(10_000):
                verdict = guarded(log, *(decided() for _ in range(LONG)))
                if not turn:
                    begun.wait(60)
                if isinstance(verdict, RefMoved):
                    return
            raise AssertionError("the ref moved, and nobody was told")

        with ThreadPoolExecutor(2) as pool:
            for _ in range(ROUNDS):
                point(store, VALUE)
                log, begun = store.log(create_log(store, store.log().head())), threading.Barrier(3)
                writing = [pool.submit(write, log, begun) for _ in range(2)]
                begun.wait(60)
                point(store, "8")
                last = log.head()
                for each in writing:
                    each.result()
                assert log.head() == last
