"""The promises of reading: exactly the events of the query, in order, of the log as it was when the read began."""

from __future__ import annotations

from itertools import product

import pytest

from backstory.conformance.sample import FAR, decided, fact, fill, ids, one, positions
from backstory.store import Log, append
from backstory.values.commit import Commit
from backstory.values.event_data import RecordedEvent
from backstory.values.query import Query

BOUNDS = (0, 1, 99, 100, 237, 240, 241, 1000)
"""Positions in, at the edge of, and beyond a log of 240 events."""

QUERIES = {
    "every_event": Query.all(),
    "no_event": Query.none(),
    "type": Query.of(["B"]),
    "types": Query.of(["A", "B"]),
    "tag": Query.of(tags=["third:0"]),
    "rare_tag": Query.of(tags=["n:100"]),
    "tags": Query.of(tags=["third:1", "fifth:2"]),
    "type_and_tag": Query.of(["A"], ["third:2"]),
    "clauses": Query.of(["B"], ["third:1"]) | Query.of(tags=["n:1"]) | Query.of(["C"]),
}


def tags_of(number: int) -> list[str]:
    """The tags of an event, in one of which stands the text of a tag that the event does not have."""
    third, fifth = number % 3, number % 5
    return [f"third:{third}", f"fifth:{fifth}", f"n:{number}", f'other:"third:{(third + 1) % 3}']


def told(log: Log) -> list[RecordedEvent]:
    """Fill a log with 240 events of three types and several tags, in commits of one to seven, and read it plainly."""
    number, drafts = 0, []
    while number < 240:
        size = min(1 + number % 7, 240 - number)
        own = range(number + 1, number + size + 1)
        drafts.append(decided(*(fact("ABC"[n * n % 3], *tags_of(n)) for n in own)))
        number += size
    append(log, *drafts[:5])
    for start in range(5, len(drafts), 7):
        append(log, *drafts[start : start + 7])
    return list(log.read())


class Reading:
    """Sentences about streams of events and commits."""

    @pytest.mark.parametrize("name", QUERIES)
    def test_every_mix_of_direction_bounds_and_limit_gives_what_was_asked_for(
        self, log: Log, name: str
    ) -> None:
        events, query = told(log), QUERIES[name]
        matching = [event for event in events if query.matches(event)]
        for after, upto, limit, backwards in product(
            BOUNDS, (None, *BOUNDS), (None, 0, 1, 3, 70), (False, True)
        ):
            expected = [
                event for event in matching if after < event.position <= (1000 if upto is None else upto)
            ]
            expected = (expected[::-1] if backwards else expected)[:limit]
            found = list(log.read(query, after=after, upto=upto, limit=limit, backwards=backwards))
            assert found == expected, (after, upto, limit, backwards)

    def test_commits_are_bounded_by_the_position_of_their_last_event(self, log: Log) -> None:
        told(log)
        commits = list(log.commits())
        for after, upto, limit, backwards in product(
            BOUNDS, (None, *BOUNDS), (None, 0, 1, 3, 70), (False, True)
        ):
            expected = [
                commit for commit in commits if after < commit.position <= (1000 if upto is None else upto)
            ]
            expected = (expected[::-1] if backwards else expected)[:limit]
            assert list(log.commits(after=after, upto=upto, limit=limit, backwards=backwards)) == expected

    @pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
    @pytest.mark.parametrize("name", ["every_event", "types", "tag", "clauses"])
    def test_a_read_is_of_the_log_as_it_was_when_it_began(self, log: Log, name: str, backwards: bool) -> None:
        events, query = told(log), QUERIES[name]
        expected = [event for event in events if query.matches(event)]
        reading = log.read(query, backwards=backwards)
        found = []
        for event in reading:
            found.append(event)
            if len(found) % 10 == 1:
                one(log, *(fact(type, "third:0", "third:1", "n:1") for type in "ABC"))
        assert found == (expected[::-1] if backwards else expected)

    def test_a_read_of_commits_is_of_the_log_as_it_was_when_it_began(self, log: Log) -> None:
        first = [one(log) for _ in range(100)]
        found: list[Commit] = []
        for commit in log.commits():
            found.append(commit)
            one(log)
        assert found == first

    def test_an_upto_beyond_the_head_does_not_wait_for_it(self, log: Log) -> None:
        one(log)
        reading = log.read(upto=10)
        one(log)
        assert positions(reading) == [1]

    def test_a_read_that_is_not_finished_holds_nothing_up(self, log: Log) -> None:
        told(log)
        reading = log.read()
        next(reading)
        for _ in range(FAR):
            one(log)
        assert len(list(reading)) == 239

    def test_reads_do_not_disturb_each_other(self, log: Log) -> None:
        events = told(log)
        pairs = zip(log.read(), log.read(backwards=True), strict=True)
        assert list(pairs) == list(zip(events, events[::-1], strict=True))

    def test_a_long_log_is_streamed_whole_in_both_directions(self, log: Log) -> None:
        one(log, *(fact("A" if number % 2 else "B", "even:no") for number in range(6_000)))
        assert positions(log.read()) == list(range(1, 6_001))
        assert positions(log.read(backwards=True)) == list(range(6_000, 0, -1))
        assert positions(log.read(Query.of(["B"], ["even:no"]))) == list(range(1, 6_001, 2))
        assert positions(log.read(Query.of(["A"]), backwards=True, limit=2_500)) == list(
            range(6_000, 1_000, -2)
        )


class Finding:
    """Sentences about `find`."""

    def test_a_commit_is_found_by_its_id(self, log: Log) -> None:
        commits = append(log, decided(id="pay-1"), decided(id="pay-11"))
        assert log.find("pay-1") == [commits[0]]
        assert log.find("pay-11") == [commits[1]]

    def test_an_id_is_found_whole_or_not_at_all(self, log: Log) -> None:
        append(log, decided(id="pay-1"))
        for name in ("", "pay", "pay-", "pay-1 ", "PAY-1", "pay-%", "pay-*", "\0"):
            assert log.find(name) == []

    def test_ids_that_look_alike_are_different_ids(self, log: Log) -> None:
        names = [
            "pay-1",
            "PAY-1",
            '"pay-1"',
            'pay-1"',
            "pay-1\\",
            '["pay-1"]',
            "pay-1\n",
            "pay-1 ",
            "é",
            "e\u0301",
            "%",
        ]
        for _ in range(2):
            commits = [append(log, decided(fact("A"), id=name))[0] for name in names]
            assert positions(commits) == list(range(1, len(names) + 1))
            assert [log.find(name) for name in names] == [[commit] for commit in commits]
            fill(log)

    def test_a_commit_is_found_by_any_prefix_of_its_hash(self, log: Log) -> None:
        commits = [one(log) for _ in range(12)]
        for commit in commits:
            name = commit.hash.hex()
            for length in (1, 2, 3, 7, 40, 63, 64):
                expected = [other for other in commits if other.hash.hex().startswith(name[:length])]
                for text in (name[:length], name[:length].upper()):
                    assert sorted(log.find(text), key=lambda found: found.position) == expected

    def test_what_is_not_the_start_of_a_hash_finds_nothing(self, log: Log) -> None:
        name = one(log).hash.hex()
        for other in (
            name + "0",
            name + "00",
            name[:4] + "  ",
            " " + name[:3],
            name[:4] + "g",
            "0x" + name[:4],
            name[1:],
        ):
            assert log.find(other) == []

    def test_an_id_that_looks_like_a_hash_comes_first(self, log: Log) -> None:
        first = one(log)
        [second] = append(log, decided(id=first.hash.hex()[:8]))
        assert log.find(second.id) == [second, first]

    def test_commits_are_found_by_the_positions_that_they_hold(self, log: Log) -> None:
        assert log.commits_at([]) == log.commits_at([0, 1, 2]) == []
        told(log)
        commits = list(log.commits())
        for commit in commits:
            for position in range(commit.first, commit.position + 1):
                assert log.commits_at([position]) == [commit]
        end = commits[-1].position
        assert log.commits_at(range(-1, 10 * end)) == commits
        assert log.commits_at([end + 1, 2**60, 0, -1]) == []
        some = [end, commits[3].first, commits[3].position, end, commits[0].position]
        assert log.commits_at(some) == [commits[0], commits[3], commits[-1]]

    def test_find_looks_far_back(self, log: Log) -> None:
        commit = one(log)
        fill(log)
        assert ids(log.find(commit.id)) == ids(log.find(commit.hash.hex())) == [commit.id]
