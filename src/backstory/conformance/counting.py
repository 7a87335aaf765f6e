"""The promises of counting: the same numbers that somebody gets who reads all commits and all events."""

from __future__ import annotations

from itertools import product

from msgspec.structs import replace

from backstory.conformance.sample import decided, fact, one
from backstory.store import Log, Store, append, create_log
from backstory.values.event_data import EventCount

Counts = dict[tuple[str, str, int], EventCount]

NAMES = ("sell", "", "Größe", 'say "sell"', "back\\slash", "x" * 150, "ß" * 300, "sell\n")


def added_up(log: Log, after: int = 0, upto: int | None = None) -> Counts:
    """The counts, each command, type and version once."""
    found: Counts = {}
    for count in sorted(log.counts(after=after, upto=upto), key=lambda count: count.last):
        three = (count.command, count.type, count.version)
        known = found.get(three) or replace(count, events=0)
        events, first = known.events + count.events, min(known.first, count.first)
        found[three] = replace(count, events=events, first=first)
    return found


def read(log: Log, after: int = 0, upto: int | None = None) -> Counts:
    """The same counts by reading, in the plainest way."""
    found: Counts = {}
    events = list(log.read())
    for commit in log.commits(after=after, upto=upto):
        name = "" if commit.command is None else commit.command["name"]
        for event in events:
            if event.commit == commit.position:
                three = (name, event.type, event.version)
                known = found.get(three) or EventCount(*three, 0, event.position, 0, commit.time)
                found[three] = replace(known, events=known.events + 1, last=event.position, time=commit.time)
    return found


class Counting:
    """Sentences about `counts`."""

    def test_events_are_counted_by_their_command_type_and_version(self, log: Log) -> None:
        append(log, decided(fact("A"), fact("B"), fact("A"), command={"name": "sell"}, at=1))
        append(log, decided(fact("A"), command={"name": "sell", "arguments": {"name": "buy"}}, at=2))
        append(log, decided(fact("A"), fact("A", version=2), at=3))
        [_, _, second] = [commit.time for commit in log.commits()]
        assert {three: (one.events, one.first, one.last) for three, one in added_up(log).items()} == {
            ("sell", "A", 1): (3, 1, 4),
            ("sell", "B", 1): (1, 2, 2),
            ("", "A", 1): (1, 5, 5),
            ("", "A", 2): (1, 6, 6),
        }
        assert added_up(log)["", "A", 2].time == second
        assert added_up(log) == read(log)

    def test_every_name_of_a_command_is_told_as_it_is(self, log: Log) -> None:
        for start, name in enumerate(NAMES):
            first = decided(command={"name": name, "arguments": {"name": "buy"}})
            last = decided(command={"arguments": {"name": "buy"}, "name": name})
            append(log, first, decided(command={"name": "sell"}), last)
            assert {one.command for one in log.counts(after=3 * start)} == {"sell", name}
        assert added_up(log) == read(log)

    def test_the_bounds_are_those_of_commits(self, log: Log) -> None:
        assert log.counts() == log.counts(after=3) == log.counts(upto=3) == []
        drafts = [
            decided(*(fact("ABC"[n % 3]) for n in range(size)), command={"name": f"of {size % 2}"}, at=size)
            for size in (1, 3, 2, 90, 1)
        ]
        append(log, *drafts)
        bounds = (0, 1, 2, 3, 4, 6, 7, 95, 96, 97, 1000)
        for after, upto in product(bounds, (None, *bounds)):
            assert added_up(log, after, upto) == read(log, after, upto), (after, upto)

    def test_a_branch_counts_its_own_events_alone(self, store: Store, log: Log) -> None:
        append(log, decided(fact("A"), fact("A"), command={"name": "sell"}))
        own = store.log(create_log(store, log.head()))
        for after, upto in product((0, 2, 3, 9), (None, 0, 2, 9)):
            assert own.counts(after=after, upto=upto) == []
        append(own, decided(fact("B"), command={"name": "buy"}), decided(fact("B")))
        one(log)
        assert added_up(own) == read(own)
        assert {one.type for one in own.counts()} == {"B"}
