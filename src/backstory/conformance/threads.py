"""The promises to many users of a log at once. No test depends on the speed of the machine."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from backstory.conformance.sample import FAR, decided, fact, fill, one, positions
from backstory.errors import Conflict, StoreClosed
from backstory.store import Log, Store, append, create_log, set_ref
from backstory.values.commit import NO_HASH, Commit, content_hash
from backstory.values.hashes import commit_hash
from backstory.values.query import Query

WRITERS = 8
EACH = 25
"""How many commits each of the writers appends."""

PATIENCE = 60.0
"""Seconds after which something that should have happened did not; only a broken store waits for it."""


def at_once(work: Callable[[int], None], count: int = WRITERS) -> None:
    """Run `work(0)`, `work(1)`, ... in threads that start together; raise the error of any of them."""
    together = threading.Barrier(count)

    def run(number: int) -> None:
        together.wait(PATIENCE)
        work(number)

    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(run, number) for number in range(count)]:
            done.result()


def check_chain(log: Log) -> None:
    """Every hash follows from the stored data, and no position is missing."""
    parent, position = NO_HASH, 0
    for commit in log.commits():
        events = list(log.read(after=position, upto=commit.position))
        assert positions(events) == list(range(position + 1, commit.position + 1))
        assert commit.content == content_hash(commit, events)
        after = None if commit.condition is None else commit.condition.after
        assert commit.hash == commit_hash(parent, commit.content, after)
        parent, position = commit.hash, commit.position
    assert log.head().position == position


class Threads:
    """Sentences about several threads."""

    def test_what_many_threads_append_is_all_there_once_in_each_threads_order(self, log: Log) -> None:
        def write(writer: int) -> None:
            for turn in range(EACH):
                one(
                    log,
                    *(
                        fact("Wrote", f"writer:{writer}", data=b'{"turn":%d}' % turn)
                        for _ in range(1 + turn % 3)
                    ),
                )

        at_once(write)
        check_chain(log)
        for writer in range(WRITERS):
            turns = [event.data for event in log.read(Query.of(tags=[f"writer:{writer}"]))]
            assert turns == [b'{"turn":%d}' % turn for turn in range(EACH) for _ in range(1 + turn % 3)]

    def test_a_reader_never_sees_a_gap_while_eight_threads_write(self, log: Log) -> None:
        done = threading.Event()
        seen: list[int] = []

        def follow() -> None:
            while not done.is_set() or seen[-1:] != [log.head().position]:
                last = seen[-1] if seen else 0
                seen.extend(event.position for event in log.read(after=last))

        def write(_writer: int) -> None:
            for turn in range(EACH):
                log.append([[decided(fact(), fact())], [decided(query=Query.of(["Never"]))]][: 1 + turn % 2])

        with ThreadPoolExecutor(1) as pool:
            following = pool.submit(follow)
            try:
                at_once(write)
            finally:
                done.set()
            following.result()
        assert seen == list(range(1, log.head().position + 1))

    def test_a_sound_store_has_no_problems_while_it_is_written_to(self, store: Store, log: Log) -> None:
        def write() -> None:
            for turn in range(EACH):
                one(log, *(fact("Wrote", f"turn:{turn}", f"step:{step}") for step in range(8)))

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            while not writing.done():
                assert list(store.problems()) == []
            writing.result()

    def test_a_reader_never_sees_part_of_a_batch(self, log: Log) -> None:
        done = threading.Event()

        def write() -> None:
            for _ in range(EACH):
                append(log, decided(fact("Half", "x:1")), decided(fact("Half", "x:1"), fact()))
            done.set()

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            while not done.is_set() and not writing.done():
                assert log.head().position % 3 == 0
                assert len(list(log.read(Query.of(["Half"])))) % 2 == 0
                assert len(list(log.commits())) % 2 == 0
            writing.result()

    def test_of_threads_that_decide_on_one_position_exactly_one_wins(self, log: Log) -> None:
        hot = Query.of(["Taken"], ["seat:1"])
        wins: Counter[int] = Counter()
        fill(log)

        def race(writer: int) -> None:
            for turn in range(EACH):
                after = max(positions(log.read(hot, backwards=True, limit=1)), default=0)
                draft = decided(fact("Taken", "seat:1"), id=f"{writer}-{turn}", query=hot, after=after)
                [verdict] = log.append([[draft]])
                if isinstance(verdict, tuple):
                    wins[after] += 1
                else:
                    assert isinstance(verdict, Conflict)

        at_once(race)
        taken = positions(log.read(hot))
        assert wins == Counter([0, *taken[:-1]])
        check_chain(log)

    def test_threads_that_retry_until_they_win_lose_no_update(self, log: Log) -> None:
        counter = Query.of(["Counted"])

        def increment(writer: int) -> None:
            for turn in range(5):
                for attempt in count():
                    events = list(log.read(counter))
                    after = events[-1].position if events else 0
                    counted = fact("Counted", data=b'{"now":%d}' % (len(events) + 1))
                    draft = decided(counted, id=f"{writer}-{turn}-{attempt}", query=counter, after=after)
                    if isinstance(log.append([[draft]])[0], tuple):
                        break

        at_once(increment, 4)
        assert [event.data for event in log.read()] == [b'{"now":%d}' % now for now in range(1, 21)]

    def test_one_commit_that_many_threads_append_goes_in_once(self, log: Log) -> None:
        found: list[Commit] = []

        def retry(writer: int) -> None:
            found.extend(append(log, decided(fact("Paid"), id="pay-1", at=writer)))

        at_once(retry)
        assert len(found) == WRITERS
        assert set(map(repr, found)) == {repr(next(log.commits()))}
        assert log.head().position == 1

    def test_a_ref_that_many_threads_set_goes_from_value_to_value(self, store: Store) -> None:
        wins: list[tuple[str | None, str]] = []

        def advance(writer: int) -> None:
            for turn in range(EACH):
                old, new = store.refs.get("hot"), f"{writer}-{turn}"
                if set_ref(store, "hot", new, old=old):
                    wins.append((old, new))

        at_once(advance)
        after = dict(wins)
        assert len(after) == len(wins) > 0
        value, steps = None, 0
        while value in after:
            value, steps = after[value], steps + 1
        assert (value, steps) == (store.refs.get("hot"), len(wins))

    def test_threads_may_open_and_fill_logs_of_one_store(self, store: Store) -> None:
        numbers: list[int] = []

        def fork(writer: int) -> None:
            number = create_log(store, store.origin())
            numbers.append(number)
            for _ in range(5):
                one(store.log(number), fact("A", f"writer:{writer}"))

        at_once(fork)
        assert sorted(numbers) == list(range(1, WRITERS + 1))
        for number in numbers:
            log = store.log(number)
            check_chain(log)
            assert len({event.tags for event in log.read()}) == 1


class Waiting:
    """Sentences about `wait`."""

    def test_waiting_for_what_is_there_returns_the_head_at_once(self, log: Log) -> None:
        one(log, fact(), fact())
        assert log.wait(0) == 2
        assert log.wait(1, timeout=0) == 2

    def test_waiting_ends_with_its_timeout_and_returns_the_head(self, log: Log) -> None:
        assert log.wait(0, timeout=0) == 0
        one(log)
        assert log.wait(1, timeout=0.02) == 1
        assert log.wait(FAR, timeout=0) == 1

    def test_an_append_in_another_thread_wakes_a_thread_that_waits(self, log: Log) -> None:
        waiting = threading.Event()

        def wait() -> int:
            waiting.set()
            return log.wait(0, PATIENCE)

        with ThreadPoolExecutor(3) as pool:
            woken = [pool.submit(wait) for _ in range(3)]
            waiting.wait(PATIENCE)
            one(log)
            assert [future.result() for future in woken] == [1, 1, 1]

    def test_waiting_goes_on_until_the_head_is_beyond_the_position(self, log: Log) -> None:
        with ThreadPoolExecutor(1) as pool:
            woken = pool.submit(log.wait, 2, PATIENCE)
            for _ in range(3):
                one(log)
            assert woken.result() == 3

    def test_following_a_log_gives_every_event_once(self, log: Log) -> None:
        seen: list[int] = []

        def follow() -> None:
            while len(seen) < 60:
                last = seen[-1] if seen else 0
                upto = log.wait(last, PATIENCE)
                seen.extend(positions(log.read(after=last, upto=upto)))

        with ThreadPoolExecutor(1) as pool:
            following = pool.submit(follow)
            for _ in range(30):
                one(log, fact(), fact())
            following.result()
        assert seen == list(range(1, 61))

    def test_closing_the_store_ends_the_wait(self, store: Store, log: Log) -> None:
        with ThreadPoolExecutor(1) as pool:
            woken = pool.submit(log.wait, 0)
            store.close()
            with pytest.raises(StoreClosed):
                woken.result(PATIENCE)
