"""The promises of a store that takes things away: parts of commits, and whole logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from backstory.conformance.sample import FAR, decided, fact, fill, ids, one, positions
from backstory.conformance.units import outcome_of
from backstory.errors import HistoryMoved, LogDropped, NotThere, StillNeeded
from backstory.store import Log, Store, append, create_log, write
from backstory.unit import Append, DropLog, Holds, SetRef, Step, Unit, Withhold, Written
from backstory.values.commit import COMMAND, DATA, MESSAGE, METADATA, ORIGIN, Commit, content_hash
from backstory.values.event_data import RecordedEvent
from backstory.values.query import Query


class Withholding:
    """Sentences about taking the bytes of a part away."""

    def test_what_is_withheld_is_gone_and_all_hashes_stay(self, store: Store, log: Log) -> None:
        kept = one(log, fact("A", data=b'{"a":1}'))
        [commit] = append(
            log,
            decided(
                fact("A", "x:1", data=b'{"b":2}'), fact("B", data=b'{"c":3}'), message="why", author="ann"
            ),
        )
        write(store, Withhold(0, commit.id, (MESSAGE, DATA + 1)))
        [first, second, third] = log.read()
        assert (first.data, second.data, third.data) == (b'{"a":1}', b'{"b":2}', b"")
        assert (second.tags, third.type) == (("x:1",), "B")
        [_, found] = log.commits()
        assert (found.message, found.author) == ("", "ann")
        assert (found.hash, found.content, found.id) == (commit.hash, commit.content, commit.id)
        assert content_hash(found, [second, third]) == commit.content
        assert next(log.commits()) == kept
        assert list(store.problems()) == []
        assert positions(log.read(Query.of(["B"]))) == [3]

    def test_parts_are_withheld_one_after_the_other_and_twice(self, store: Store, log: Log) -> None:
        [commit] = append(log, decided(fact(data=b'{"a":1}'), message="why", author="ann"))
        for _ in range(2):
            write(store, Withhold(0, commit.id, (MESSAGE,)))
            write(store, Withhold(0, commit.id, (DATA, MESSAGE)))
        [found] = log.commits()
        [event] = log.read()
        assert (found.message, found.author, event.data) == ("", "ann", b"")
        assert content_hash(found, [event]) == commit.content

    def test_every_log_says_that_something_was_withheld(self, store: Store, log: Log) -> None:
        commit = one(log, fact(data=b'{"a":1}'))
        branch = store.log(create_log(store, commit.point))
        before, beside = log.head().withheld, branch.head().withheld
        write(store, SetRef("a", "1", None))
        assert (log.head().withheld, branch.head().withheld) == (before, beside)
        write(store, Withhold(0, commit.id, (DATA,)))
        now = log.head().withheld
        assert now != before
        assert branch.head().withheld != beside
        guards = [Holds(0, 1, commit.hash, withheld=mark) for mark in (before, now)]
        stale, fresh = (Unit((Append(0, (decided(fact()),)), guard)) for guard in guards)
        [one_of_before, one_of_now] = store.write([stale, fresh])
        assert isinstance(one_of_before, HistoryMoved)
        assert isinstance(one_of_now, Written)
        assert [isinstance(outcome_of(store, guard), HistoryMoved) for guard in guards] == [True, False]
        beside_stale = Unit((Append(0, (decided(fact()),)), Holds(0, 1, commit.hash)))
        [one_of_before, without_mark] = store.write([stale, beside_stale])
        assert isinstance(one_of_before, HistoryMoved)
        assert isinstance(without_mark, Written)
        for guard, moved in zip(guards, (True, False), strict=True):
            [verdict] = log.append([(decided(fact()),)], beside=(guard,))
            assert isinstance(verdict, HistoryMoved) is moved
        write(store, Withhold(0, commit.id, (DATA,)))  # it is withheld already
        assert log.head().withheld == now

    @pytest.mark.parametrize("more", [0, FAR])
    def test_links_are_gone_with_the_metadata_and_stay_with_the_rest(
        self, store: Store, log: Log, more: int
    ) -> None:
        metadata = {"causation": "x", "reverts": ["y", "z"]}
        commits = append(log, *(decided(fact("A", "x:1"), metadata=metadata) for _ in range(2)))
        if more:
            fill(log, more)
        write(store, Withhold(0, commits[0].id, (METADATA,)), Withhold(0, commits[1].id, (MESSAGE, DATA)))
        assert list(store.problems()) == []
        assert ids(log.linked("causation", "x")) == ids(log.linked("reverts", "z")) == [commits[1].id]
        assert positions(log.read(Query.of(tags=["x:1"]))) == [1, 2]
        fill(log)
        assert list(store.problems()) == []
        assert ids(log.linked("reverts", "y")) == [commits[1].id]

    def test_an_event_whose_command_is_withheld_counts_as_of_none(self, store: Store, log: Log) -> None:
        commits = append(log, *(decided(fact("A"), command={"name": name}) for name in ("sell", "buy")))
        write(store, Withhold(0, commits[0].id, (COMMAND,)))
        assert {(one.command, one.events, one.last) for one in log.counts()} == {("", 1, 1), ("buy", 1, 2)}

    def test_a_retry_of_a_commit_with_a_withheld_part_is_known(self, store: Store, log: Log) -> None:
        draft = decided(fact(data=b'{"a":1}'), message="why")
        [commit] = append(log, draft)
        write(store, Withhold(0, commit.id, (MESSAGE,)))
        assert append(log, draft) == tuple(log.commits())
        assert one(log).position == 2

    def test_a_commit_or_a_part_that_is_not_there_is_told(self, store: Store, log: Log) -> None:
        commit = one(log)
        for step in (
            Withhold(0, "nobody", (MESSAGE,)),
            Withhold(0, commit.id, (DATA + 1,)),
            Withhold(0, commit.id, (-1,)),
        ):
            assert isinstance(outcome_of(store, step), NotThere)
        assert list(log.commits()) == [commit]

    def test_it_takes_the_caches_along(self, store: Store, log: Log) -> None:
        commit = one(log)
        store.caches.set("snapshot/x", b"has it")
        write(store, Withhold(0, commit.id, (DATA,)))
        assert store.caches.get("snapshot/x") is None


class Dropping:
    """Sentences about logs that nothing needs any more."""

    def test_a_log_that_nothing_needs_is_dropped_with_all_that_it_has(self, store: Store) -> None:
        one(store.log(0))
        number = create_log(store, store.log(0).head())
        log = store.log(number)
        one(log)
        for _ in range(FAR):
            append(log, decided(fact("A", "x:1"), metadata={"causation": "x"}))
        write(store, DropLog(number))
        assert list(store.logs()) == [0]
        with pytest.raises(KeyError):
            store.origin(number)
        with pytest.raises(LogDropped):
            log.head()
        assert list(store.problems()) == []
        assert isinstance(outcome_of(store, Append(number, [decided()])), NotThere)
        assert isinstance(outcome_of(store, DropLog(number)), Written)

    def test_a_read_of_a_log_that_was_dropped_is_an_error_and_never_empty(self, store: Store) -> None:
        number = create_log(store, store.log(0).head())
        log = store.log(number)
        for name in "ABC":
            one(log, fact(name))
        write(store, DropLog(number))
        for query in (Query.all(), Query.of(["A"])):
            for upto in (None, 1, 3, 5000):
                for backwards in (False, True):
                    with pytest.raises(LogDropped):
                        list(log.read(query, upto=upto, backwards=backwards))
        with pytest.raises(LogDropped):
            list(log.read(after=1, upto=2))
        for upto in (None, 1, 3):
            with pytest.raises(LogDropped):
                list(log.commits(upto=upto))
        with pytest.raises(LogDropped):
            log.commits_at([1, 2])
        for name in ("A", "no such commit", "0" * 64):
            with pytest.raises(LogDropped):
                log.find(name)
        for upto in (None, 1, 5000):
            with pytest.raises(LogDropped):
                list(log.linked("causation", "x", upto=upto))
            with pytest.raises(LogDropped):
                log.counts(upto=upto)

    def test_a_read_of_a_log_that_is_dropped_meanwhile_has_all_or_is_an_error(self, store: Store) -> None:
        reads: list[Callable[[Log, bool], Iterator[RecordedEvent | Commit]]] = [
            lambda log, backwards: log.read(backwards=backwards),
            lambda log, backwards: log.read(Query.of(["A"]), backwards=backwards),
            lambda log, backwards: log.read(Query.of(tags=["a:b"]), backwards=backwards),
            lambda log, backwards: log.commits(backwards=backwards),
            lambda log, _: log.linked("causation", "x"),
        ]
        for read in reads:
            for backwards in (False, True):
                number = create_log(store, store.log(0).head())
                log = store.log(number)
                metadata = {"causation": "x"}
                append(log, *(decided(fact("A", "a:b"), metadata=metadata) for _ in range(FAR)))
                found, later = read(log, backwards), read(log, backwards)
                next(found)
                write(store, DropLog(number))
                try:
                    assert len(list(later)) == 1 + len(list(found)) == FAR
                except LogDropped:
                    continue

    def test_a_number_is_not_given_twice(self, store: Store) -> None:
        number = create_log(store, ORIGIN)
        write(store, DropLog(number))
        assert create_log(store, ORIGIN) != number

    def test_a_log_that_a_ref_or_a_log_needs_stays(self, store: Store) -> None:
        first = one(store.log(0))
        number = create_log(store, first.point)
        alone = one(store.log(number))
        needing: list[tuple[Step, Step]] = []
        mark = f'{{"position":{alone.position},"hash":"{alone.hash.hex()}"}}'
        for ref, value in (("branch/trial", str(number)), ("reflog", str(number)), ("mark/q3", mark)):
            needing.append((SetRef(ref, value, None), SetRef(ref, None, value)))
        for make, unmake in needing:
            write(store, make)
            assert isinstance(outcome_of(store, DropLog(number)), StillNeeded)
            write(store, unmake)
        above = create_log(store, alone.point)
        assert isinstance(outcome_of(store, DropLog(number)), StillNeeded)
        write(store, DropLog(above))
        assert isinstance(outcome_of(store, DropLog(number)), Written)
        assert isinstance(outcome_of(store, DropLog(0)), StillNeeded)

    def test_a_log_that_another_one_stands_on_stays_where_a_third_has_the_commit_too(
        self, store: Store
    ) -> None:
        draft = decided()
        below = create_log(store, ORIGIN)
        [commit] = append(store.log(below), draft)
        assert append(store.log(0), draft) == (commit,)
        above = create_log(store, commit.point)
        assert isinstance(outcome_of(store, DropLog(below)), StillNeeded)
        write(store, DropLog(above))
        assert isinstance(outcome_of(store, DropLog(below)), Written)

    def test_logs_that_have_a_commit_are_found_by_it(self, store: Store) -> None:
        first = one(store.log(0), fact(), fact())
        draft = decided()
        one(store.log(0))
        number, other = create_log(store, first.point), create_log(store, first.point)
        [alike] = append(store.log(number), draft)
        assert append(store.log(other), draft) == (alike,)
        assert list(store.holding(alike.position, alike.hash)) == [number, other]
        assert list(store.holding(2, first.hash)) == [0]
        for position, hash in ((1, first.hash), (3, first.hash), (0, bytes(32)), (99, first.hash), (-1, b"")):
            assert list(store.holding(position, hash)) == []
