"""The verbs that go on: events and values as they come, and events that somebody works on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, overload

from backstory.decide.read_query import wanted
from backstory.decide.state import State
from backstory.live import CaughtUp, Follower, LastRows, Live, Seen, reader_of
from backstory.values.query import Query
from backstory.verbs.held import LEASE, MOST_GIVEN, Held, S

if TYPE_CHECKING:
    from backstory.place import After
    from backstory.projections.projection import AnyProjection
    from backstory.reactions.lanes import Delivery
    from backstory.store import E, Record


class Follows(Held):
    """Follow, watch, subscribe."""

    @overload
    def follow(
        self,
        what: type[E],
        /,
        *,
        tags: Iterable[str] = (),
        after: After | None = None,
        caught_up: Literal[False] = False,
    ) -> Live[Record[E]]: ...

    @overload
    def follow(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: After | None = None,
        caught_up: Literal[False] = False,
    ) -> Live[Record]: ...

    @overload
    def follow(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: After | None = None,
        caught_up: bool,
    ) -> Live[Record | CaughtUp]: ...

    def follow(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: After | None = None,
        caught_up: bool = False,
    ) -> Live[Any]:
        """Stream the events after a position, for ever; each event once, in order. Parameters as for `read`.

        Without `after`, it begins at the end that the log has when the first event is asked for. With `caught_up`, a
        `CaughtUp` comes whenever all events up to the end of the log were given. It waits in the thread that asks until
        `stop` is called; it raises `StoreClosed` when the database is closed, and `HistoryMoved` if the branch
        was moved and the new history does not have all events that it gave. In async code it costs no thread.
        """
        return Live(Follower(self.handle, wanted(what, tags), after, caught_up=caught_up))

    @overload
    def watch(self, what: S, /, *, after: After | None = None) -> Live[Seen[S]]: ...

    @overload
    def watch(
        self,
        what: AnyProjection,
        sql: str,
        arguments: Sequence[Any] = (),
        /,
        *,
        after: After | None = None,
        into: Callable[..., Any] | None = None,
    ) -> Live[Seen[list[Any]]]: ...

    @overload
    def watch(
        self, what: type[E], /, *, tags: Iterable[str] = (), after: After | None = None
    ) -> Live[Seen[Record[E]]]: ...

    @overload
    def watch(
        self, what: UnionType | str | Query, /, *, tags: Iterable[str] = (), after: After | None = None
    ) -> Live[Seen[Record]]: ...

    def watch(
        self,
        what: Any,
        sql: str = "",
        arguments: Sequence[Any] = (),
        /,
        *,
        tags: Iterable[str] = (),
        after: After | None = None,
        into: Callable[..., Any] | None = None,
    ) -> Live[Any]:
        """A value now, and again after each change, for ever; a slow reader gets only the last one.

        The value is a state; the last event of some, by class, name or query; or the rows of a query over a
        projection's tables, where these are others than before. Each comes as a `Seen`, with the place that it is of:
        with that as `after`, nothing comes before the next change. It waits and ends as `follow` does.
        """
        if not sql:
            return Live(reader_of(self.handle, what, tags, after))
        self._need_main()
        group = self.views.group_of(what)
        return Live(LastRows(self.handle, self.views, group, (sql, arguments, into), after))

    def subscribe(
        self,
        name: str,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        partition: str | None = None,
        partitions: int | None = None,
        after: After | None = None,
        most: int = MOST_GIVEN,
        lease: float = LEASE,
    ) -> Live[Delivery]:
        """Events that somebody works on, each until they are done: `with db.subscribe("crm", Paid) as events:`.

        Each delivery has an `event`, and says `done()`, `park(why)` or `later(seconds)`. What is done is remembered
        under the name: the next one goes on after it, also in another process. At the first time it begins after
        `after`, or at the end of the log. An event may be given twice, after a crash, and never not at all.

        With `partition`, a field of the events, those of one value come in order, the next one when the one before is
        done; consumers of the same name share the `partitions` (8). Without it, one consumer at a time has all events.
        At most `most` are given that nobody has said anything of. A consumer that is silent for `lease` seconds,
        because its process died, is replaced.

        In async code it is `async with` and `async for`; `done`, `park` and `later` are not awaited.

        Raises `StoreRefused` in a store without the right to react, `ProjectionError` for another number of partitions
        than the name has, and `DefinitionError`.
        """
        from backstory.reactions.asked import asking
        from backstory.reactions.subscription import Consumer

        self._need_main()
        asked = asking(name, wanted(what, tags), partition, partitions, after, most, lease)
        return Live(Consumer(self.views.source, asked))
