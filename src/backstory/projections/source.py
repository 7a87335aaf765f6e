"""The events of main, for those who feed a group."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache

import msgspec

from backstory.history.refs.branches import MAIN, Branches
from backstory.lookup import commit_at, head_at
from backstory.store import ALL, Log
from backstory.stores.opened import opened
from backstory.values.codec import Codec
from backstory.values.commit import NO_HASH, Commit, Head
from backstory.values.event_data import RecordedEvent
from backstory.values.query import Query

DENSE = 4
"""Where a batch has one of so many events of its stretch of the log, all commits of the stretch are read at once."""

SCANNED = 2
"""Where one of so many events concerns the group, all events are read, and no index: that is quicker then."""


class Stretch(msgspec.Struct, frozen=True):
    """Some events after a position, whole commits of them, and the commit up to which there are no others.

    `more`: the log goes on behind it. `dense`: the next one is read quicker without an index.
    """

    records: Sequence[RecordedEvent]
    end: Head
    more: bool
    dense: bool


class Source:
    """The events of main, whichever log that is."""

    def __init__(self, branches: Branches, codec: Codec) -> None:
        self.branches = branches
        self.codec = codec

    def log(self) -> Log:
        """The log that main means now, its events opened."""
        branch = self.branches.get(MAIN)
        return opened(self.branches.view(branch.chain), self.codec)

    def head(self) -> Head:
        """The end of main."""
        return self.log().head()

    def has(self, position: int, hash: bytes) -> bool:
        """Whether main has this commit at this position."""
        log = self.log()
        if position == 0:
            return hash == NO_HASH
        head = log.head()
        if position >= head.position:
            return (position, hash) == (head.position, head.hash)
        commit = commit_at(log, position)
        return (commit.position, commit.hash) == (position, hash)

    def common(self, position: int, hash: bytes, types: Collection[str]) -> Head | None:
        """The last commit that main has of another history, which has this commit, if no event of these types follows.

        So tables that were made up to that commit are those of the older one too. None where a log with that commit is
        not there any more, or such an event is.
        """
        chain = self.branches.holding(position, hash)
        if not chain:
            return None
        _, shared = self.branches.shared(chain, self.branches.get(MAIN).chain)
        former = self.branches.view(chain)
        if any(True for _ in former.read(Query.of(types), after=shared, upto=position, limit=1)):
            return None
        return head_at(former, shared)

    def after(self, position: int, types: Collection[str], most: int, *, dense: bool = False) -> Stretch:
        """The events of these types after a position, in whole commits: about `most`, if there are so many.

        `dense`: most events behind this position are of these types.
        """
        log, query = self.log(), Query.of(types)
        head = log.head()
        read = list(log.read(ALL if dense else query, after=position, upto=head.position, limit=most))
        records = [each for each in read if each.type in types] if dense else read
        if len(read) < most:
            return Stretch(records, head, more=False, dense=dense)
        last = read[-1]
        if last.position < last.commit:
            records += log.read(query, after=last.position, upto=last.commit)
        end = head if last.commit == head.position else commit_at(log, last.commit).point
        dense = len(records) * SCANNED >= end.position - position
        return Stretch(records, end.marked(head.withheld), more=end.position < head.position, dense=dense)

    def lies_between(self, position: int, upto: int, types: Iterable[str]) -> bool:
        """Whether an event of these types has `position < its position <= upto`."""
        return any(True for _ in self.log().read(Query.of(types), after=position, upto=upto, limit=1))

    def finder(self, records: Sequence[RecordedEvent]) -> Callable[[int], Commit]:
        """A function from the position of a commit to the commit, for those of a batch."""
        return self.finder_on(self.log(), records)

    @staticmethod
    def finder_on(log: Log, records: Sequence[RecordedEvent]) -> Callable[[int], Commit]:
        """The same for another log."""
        known: dict[int, Commit] = {}

        def find(position: int) -> Commit:
            if not known and records:
                first, last = records[0].position, records[-1].commit
                if last - first < DENSE * len(records):
                    known.update(
                        (commit.position, commit) for commit in log.commits(after=first - 1, upto=last)
                    )
            return known.get(position) or one(position)

        @lru_cache(maxsize=256)
        def one(position: int) -> Commit:
            return commit_at(log, position)

        return find
