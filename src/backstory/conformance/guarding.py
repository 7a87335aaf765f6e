"""What a guard promises: nothing goes in once its ref has another value."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from backstory.commit import Draft, Guard
from backstory.conformance.sample import decided, fact, ids, one, positions
from backstory.errors import AheadOfLog, Conflict, HeadMoved, IdReused, RefMoved
from backstory.query import Query
from backstory.store import Log, Store, append

GUARD = Guard("branch/trial", "[0,1]")

ROUNDS = 20
"""How often a ref is moved while others append."""

LONG = 30
"""Drafts in a batch, so that there is time between the look at the ref and the last of them."""


def guarded(draft: Draft, guard: Guard = GUARD) -> Draft:
    """The draft, to go in only while a ref has its value."""
    return replace(draft, guard=guard)


def point(store: Store, value: str | None) -> None:
    """Let the guard's ref have this value."""
    assert store.refs.set(GUARD.ref, value, old=store.refs.get(GUARD.ref))


class Guarding:
    """Sentences about guards."""

    def test_a_batch_goes_in_while_its_ref_has_the_value(self, store: Store, log: Log) -> None:
        point(store, GUARD.value)
        commits = append(log, guarded(decided(fact("A"))), decided(fact("B")))
        assert positions(commits) == [1, 2]

    @pytest.mark.parametrize("value", ["[0,2]", "[0, 1]", ""])
    def test_a_batch_whose_ref_has_another_value_is_refused(self, store: Store, log: Log, value: str) -> None:
        point(store, value)
        [verdict] = log.append([[guarded(decided()), decided()]])
        assert isinstance(verdict, RefMoved)
        assert (verdict.ref, verdict.value) == (GUARD.ref, value)
        assert log.head().position == 0

    def test_a_batch_whose_ref_is_gone_is_refused(self, store: Store, log: Log) -> None:
        for value in (None, GUARD.value, None):
            point(store, value)
            [verdict] = log.append([[guarded(decided())]])
            assert isinstance(verdict, RefMoved) is (value is None)
        assert isinstance(verdict, RefMoved)
        assert (verdict.ref, verdict.value) == (GUARD.ref, None)
        assert log.head().position == 1

    def test_a_ref_that_came_back_to_its_value_lets_batches_in_again(self, store: Store, log: Log) -> None:
        for value in (GUARD.value, "[0,2]", GUARD.value):
            point(store, value)
            log.append([[guarded(decided(id=f"while {value}"))]])
        assert ids(log.commits()) == [f"while {GUARD.value}"]

    def test_a_retry_gives_the_recorded_commits_wherever_the_ref_points(self, store: Store, log: Log) -> None:
        point(store, GUARD.value)
        drafts = [guarded(decided()), decided()]
        first = append(log, *drafts)
        for value in ("[0,2]", None):
            point(store, value)
            assert append(log, *drafts) == first
        assert log.head().position == 2

    def test_a_guard_is_not_content(self, store: Store, log: Log) -> None:
        point(store, GUARD.value)
        draft = decided()
        first = append(log, guarded(draft))
        assert append(log, draft) == append(log, guarded(draft, Guard("other", "x"))) == first

    def test_the_guard_of_the_first_draft_is_that_of_its_batch(self, log: Log) -> None:
        append(log, decided(), guarded(decided()))
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
            [verdict] = log.append([[guarded(draft)]])
            assert isinstance(verdict, reason)
        assert log.head().position == 2

    def test_each_batch_has_a_guard_of_its_own(self, store: Store, log: Log) -> None:
        point(store, GUARD.value)
        moved = Guard(GUARD.ref, "[0,9]")
        verdicts = log.append(
            [
                [decided(fact("A"), id="a")],
                [guarded(decided(fact("B"), id="b"), moved)],
                [guarded(decided(fact("C"), id="c", query=Query.of(["A"])))],
                [guarded(decided(id="d", query=Query.of(["B"])))],
                [guarded(decided(id="b"), Guard("other", "x"))],
                [decided(id="e")],
            ]
        )
        assert [type(verdict) for verdict in verdicts] == [tuple, RefMoved, Conflict, tuple, RefMoved, tuple]
        assert ids(log.commits()) == ["a", "d", "e"]

    def test_a_log_that_is_not_main_asks_the_refs_of_its_store(self, store: Store) -> None:
        log = store.log(store.create_log(store.log().head()))
        assert isinstance(log.append([[guarded(decided())]])[0], RefMoved)
        point(store, GUARD.value)
        assert isinstance(log.append([[guarded(decided())]])[0], tuple)

    def test_nothing_goes_in_after_the_ref_has_moved_while_threads_append(self, store: Store) -> None:
        def write(log: Log, begun: threading.Barrier) -> None:
            for turn in range(10_000):
                [verdict] = log.append([[guarded(decided()), *(decided() for _ in range(LONG))]])
                if not turn:
                    begun.wait(60)
                if isinstance(verdict, RefMoved):
                    return
            raise AssertionError("the ref moved, and nobody was told")

        with ThreadPoolExecutor(2) as pool:
            for _ in range(ROUNDS):
                point(store, GUARD.value)
                log, begun = store.log(store.create_log(store.log().head())), threading.Barrier(3)
                writing = [pool.submit(write, log, begun) for _ in range(2)]
                begun.wait(60)
                point(store, "[0,2]")
                last = log.head()
                for each in writing:
                    each.result()
                assert log.head() == last
