"""The verbs that read: a state, events, commits, and what there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import UnionType
from typing import TYPE_CHECKING, Any, overload

from backstory.decide.read_query import wanted
from backstory.decide.state import State
from backstory.errors import UnknownRevision
from backstory.history.ask.similar import warn_of_unknown
from backstory.history.refs.revision import Point, Revision, commits_between, no_commit
from backstory.live import Seen
from backstory.place import Place
from backstory.values.commit import NO_HASH, Commit
from backstory.values.query import Query
from backstory.verbs.held import Held, S

if TYPE_CHECKING:
    from backstory.history.ask.summary import TagCount, TypeCount
    from backstory.store import E, Record


class Reads(Held):
    """Load a state, stream events and commits, list what there is."""

    def load(self, state: S, at: Revision | None = None) -> S:
        """A copy of `state` filled from its events, now or as of a revision; the reference itself stays empty."""
        line, position = self._view(at)
        return line.loader.load(state, position)

    def see(self, state: S, at: Revision | None = None) -> Seen[S]:
        """The same as `load`, with the place of the last event that the state reads: `0-00000000` if there is none.

        The place is the same for as long as the state is, whatever else happens. With it, `execute(..., seen=...)`
        refuses a command if the state has changed since somebody looked at it.
        """
        line, position = self._view(at)
        if position is None:
            value, head = line.loader.load_with_head(state)
            position = head.position
        else:
            value = line.loader.load(state, position)
        last = next(line.read(state.query(), upto=position, backwards=True, limit=1), None)
        return Seen(value, Place.at(0, NO_HASH) if last is None else Place.of(last.commit, last.position))

    @overload
    def read(
        self,
        what: type[E],
        /,
        *,
        tags: Iterable[str] = (),
        after: int | str = 0,
        at: Revision | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[Record[E]]: ...

    @overload
    def read(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: int | str = 0,
        at: Revision | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[Record]: ...

    def read(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: int | str = 0,
        at: Revision | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[Record]:
        """Stream events, typed, with their records: all of them, or those that match any of `what`.

        That may be event types, by class, union of classes or name, with all of `tags`; a state, for the events that
        it reads; a query. An event of a type that no class here has comes as `Unknown`; a type, by name, that no event
        has either is an `UnknownTypeWarning`. `after` is a position, or a place as text, which is the form of a
        position that left the process; see `backstory.place`. Raises `HistoryMoved`.
        """
        line, upto = self._view(at)
        warn_of_unknown(line.log, what)
        query, begin = wanted(what, tags), self.handle.position(after, line)
        return line.read(query, after=begin, upto=upto, backwards=backwards, limit=limit)

    def commits(
        self, *, after: int | str = 0, at: Revision | None = None, backwards: bool = False
    ) -> Iterator[Commit]:
        """Stream the commits up to a revision, oldest first or newest first; `after` as for `read`."""
        line, upto = self._view(at)
        begin = self.handle.position(after, line)
        return line.log.commits(after=begin, upto=upto, backwards=backwards)

    def events(self, of: Revision) -> list[Record]:
        """The events of a commit, typed, with their records: `db.events(db.execute(...))`.

        A position means the commit that has it. Raises `RevisionError`.
        """
        line, position = self._view(of)
        end = line.log.head().position if position is None else position
        for commit in line.log.commits_at([end]):
            return list(line.read(Query.all(), after=commit.first - 1, upto=commit.position))
        raise no_commit(Point(line.chain, end), of, "there is no commit yet")

    def between(self, text: str) -> Iterator[Commit]:
        """The commits of a range, oldest first: `a..b` are those that only `b` has; `a...b` those of one side."""
        span = self.handle.span(text)
        if span is None:
            raise UnknownRevision(text, "a range has two points: main..what-if")
        if span.both:
            yield from commits_between(self.branches, span.end, span.start)
        yield from commits_between(self.branches, span.start, span.end)

    def types(self) -> list[TypeCount]:
        """Every event type and version on this branch, with its number of events."""
        from backstory.history.ask import summary

        return summary.types(self.handle.now().log)

    def tags(self, key: str | None = None) -> list[TagCount]:
        """Every tag on this branch, or those of one key, the most used first, with its number of events."""
        from backstory.history.ask import summary

        return summary.tags(self.handle.now().log, key)

    def identities(self, state: type[S], at: Revision | None = None) -> Iterator[S]:
        """Stream an empty state for each entity of a class, in the order in which events first name them."""
        from backstory.history.ask.entities import identities

        line, upto = self._view(at)
        return identities(line.log, state, upto)
