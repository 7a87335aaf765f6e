"""From a time to a position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backstory.history.refs.as_of import last_at, last_before
from backstory.store import Log, append
from backstory.stores.memory import MemoryStore
from backstory.values.commit import Commit, Head, draft
from backstory.values.event_data import encoded

START = datetime(2026, 11, 1, tzinfo=UTC)


def log_of(commits: Sequence[tuple[int, int]]) -> Log:
    """A log with commits of these (seconds after the one before, number of events)."""
    log, time = MemoryStore().log(), START
    for number, (seconds, size) in enumerate(commits):
        time += timedelta(seconds=seconds)
        append(log, draft([encoded("Noted", b"{}")] * size, id=str(number), time=time))
    return log


@given(st.lists(st.tuples(st.integers(-2, 3), st.integers(1, 9)), max_size=30), st.integers(-5, 60))
def test_it_finds_what_a_walk_over_all_commits_finds(commits: list[tuple[int, int]], second: int) -> None:
    log, time = log_of(commits), START + timedelta(seconds=second)
    assert last_at(log, time) == max(
        (commit.position for commit in log.commits() if commit.time <= time), default=0
    )
    assert last_before(log, time) == max(
        (commit.position for commit in log.commits() if commit.time < time), default=0
    )


def test_it_reads_few_commits_of_many() -> None:
    class Counting:
        read_commits = 0

        def head(self) -> Head:
            return log.head()

        def commits(self, **bounds: Any) -> Iterator[Commit]:
            self.read_commits += 1
            assert bounds["limit"] == 1
            return log.commits(**bounds)

    log, counting = MemoryStore().log(), Counting()
    for number in range(1000):
        time = START + timedelta(seconds=number)
        append(log, draft([encoded("Noted", b"{}")] * 3, id=str(number), time=time))
    assert last_at(counting, START + timedelta(seconds=333)) == 3 * 334  # type: ignore[arg-type]
    assert counting.read_commits <= 2 * 12
