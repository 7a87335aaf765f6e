"""Counting what is in a log. The command line's tests check the numbers; here, what else a caller relies on."""

from __future__ import annotations

from datetime import UTC, datetime

from backstory.history.ask import summary
from backstory.history.ask.summary import KeyCount, TagCount
from backstory.store import Log, append
from backstory.stores.memory import MemoryStore
from backstory.values.commit import draft
from backstory.values.event_data import encoded


def log_of(*tags: tuple[str, ...]) -> Log:
    """A log with an event for each of these."""
    log = MemoryStore().log()
    for number, each in enumerate(tags):
        append(
            log,
            draft([encoded("Noted", b"{}", each)], id=str(number), time=datetime(2026, 11, 1, tzinfo=UTC)),
        )
    return log


def test_an_empty_log_has_nothing_to_count() -> None:
    log = MemoryStore().log()
    assert (summary.types(log), summary.tags(log), summary.keys(log)) == ([], [], [])
    assert summary.stats(log) == summary.Stats(0, 0, 0, 0, {}, 0, None, None)


def test_a_key_is_what_stands_before_the_first_colon() -> None:
    log = log_of(("url:http://x", "u:1"), ("url:ftp://x",))
    assert summary.keys(log) == [KeyCount("u", 1, 1), KeyCount("url", 2, 2)]
    assert summary.tags(log, "u") == [TagCount("u:1", 1, 1, 1)]
    assert summary.tags(log, "url:http") == []


def test_tags_that_are_used_alike_are_in_order() -> None:
    log = log_of(("a:2", "a:1"), ("b:1",), ("a:2",))
    assert [count.tag for count in summary.tags(log)] == ["a:2", "a:1", "b:1"]


def test_progress_is_told_as_it_goes() -> None:
    log = log_of(("a:1",), ("a:2",))
    for count in (summary.types, summary.keys, summary.stats):
        seen: list[int] = []
        count(log, seen.append)
        assert seen == [1, 2]
    seen = []
    summary.tags(log, None, seen.append)
    assert seen == [1, 2]
