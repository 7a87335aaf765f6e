"""The verbs of `Database`, awaited. `scripts/async_face.py` makes them from `backstory/verbs/`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

from backstory.aio.face import Face
from backstory.aio.stream import Stream
from backstory.history.merge.merge import DEFAULTS
from backstory.verbs.held import LEASE, MOST_GIVEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager
    from types import UnionType
    from typing import Literal, Self

    from pyarrow import RecordBatch

    from backstory.decide.call import Command
    from backstory.decide.commands import V
    from backstory.decide.context import Author
    from backstory.decide.execution import Preview
    from backstory.decide.state import State
    from backstory.frames import Frame
    from backstory.history.ask.bisect import Found, StateTurn
    from backstory.history.ask.causes import Cause, Effect
    from backstory.history.ask.recall import Known
    from backstory.history.ask.summary import TagCount, TypeCount
    from backstory.history.ask.unread import Unread
    from backstory.history.ask.why import Why
    from backstory.history.backtest.report import Report
    from backstory.history.blame.blame import Blame
    from backstory.history.check.proof import Proof
    from backstory.history.compare.diff import Difference
    from backstory.history.merge.merge import MergeReport, Options
    from backstory.history.refs.branches import Mark
    from backstory.history.refs.revision import Point, Revision
    from backstory.history.spec.make import Spec, Then
    from backstory.live import CaughtUp, Seen
    from backstory.place import After
    from backstory.projections.find import Page
    from backstory.projections.projection import AnyProjection
    from backstory.reactions.lanes import Delivery
    from backstory.reactions.process import AnyReaction
    from backstory.reactions.starts import Tried
    from backstory.rows.kinds import Row
    from backstory.store import E, Record
    from backstory.table import Table
    from backstory.values.commit import Commit, Head
    from backstory.values.query import Query
    from backstory.verbs.held import S


class Verbs(Face):
    """Each verb says in `Database` what it does."""

    async def store_id(self) -> str:
        """See `Database.store_id`."""
        return await self._run(self.db.store_id)

    async def head(self) -> Head:
        """See `Database.head`."""
        return await self._run(self.db.head)

    async def point(self, at: Revision) -> Point:
        """See `Database.point`."""
        return await self._run(self.db.point, at)

    @overload
    async def preview(self, command: Command[Any, None]) -> Preview: ...

    @overload
    async def preview(self, command: Command[Any, V]) -> Preview[V]: ...

    @overload
    async def preview(self, command: Command[Any, Iterable[V] | V | None]) -> Preview[V]: ...

    @overload
    async def preview(self, command: Command) -> Preview: ...

    async def preview(self, command: Command) -> Preview:
        """See `Database.preview`."""
        return await self._run(self.db.preview, command)

    def context(
        self,
        *,
        author: Author | None = None,
        message: str | None = None,
        correlation: str | None = None,
        because: Record | None = None,
        **metadata: Any,
    ) -> AbstractContextManager[None]:
        """See `Database.context`."""
        return self.db.context(
            author=author, message=message, correlation=correlation, because=because, **metadata
        )

    async def load(self, state: S, at: Revision | None = None) -> S:
        """See `Database.load`."""
        return await self._run(self.db.load, state, at)

    async def see(self, state: S, at: Revision | None = None) -> Seen[S]:
        """See `Database.see`."""
        return await self._run(self.db.see, state, at)

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
    ) -> Stream[Record[E]]: ...

    @overload
    def read(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: int | str = 0,
        at: Revision | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Stream[Record]: ...

    def read(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: int | str = 0,
        at: Revision | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Stream[Record]:
        """See `Database.read`."""
        return self._stream(
            partial(self.db.read, *what, tags=tags, after=after, at=at, backwards=backwards, limit=limit)
        )

    def commits(
        self, *, after: int | str = 0, at: Revision | None = None, backwards: bool = False
    ) -> Stream[Commit]:
        """See `Database.commits`."""
        return self._stream(partial(self.db.commits, after=after, at=at, backwards=backwards))

    async def events(self, of: Revision) -> list[Record]:
        """See `Database.events`."""
        return await self._run(self.db.events, of)

    def between(self, text: str) -> Stream[Commit]:
        """See `Database.between`."""
        return self._stream(partial(self.db.between, text))

    async def types(self) -> list[TypeCount]:
        """See `Database.types`."""
        return await self._run(self.db.types)

    async def tags(self, key: str | None = None) -> list[TagCount]:
        """See `Database.tags`."""
        return await self._run(self.db.tags, key)

    def identities(self, state: type[S], at: Revision | None = None) -> Stream[S]:
        """See `Database.identities`."""
        return self._stream(partial(self.db.identities, state, at))

    async def branch(self, name: str, at: Revision | None = None) -> Self:
        """See `Database.branch`."""
        return self._opened(await self._run(self.db.branch, name, at))

    async def switch(self, name: str) -> Self:
        """See `Database.switch`."""
        return self._opened(await self._run(self.db.switch, name))

    async def mark(
        self, name: str, at: Revision | None = None, *, message: str = "", author: str = ""
    ) -> Mark:
        """See `Database.mark`."""
        return await self._run(self.db.mark, name, at, message=message, author=author)

    async def merge(self, source: str, options: Options = DEFAULTS) -> MergeReport:
        """See `Database.merge`."""
        return await self._run(self.db.merge, source, options)

    async def rebase(self, onto: Revision, options: Options = DEFAULTS) -> MergeReport:
        """See `Database.rebase`."""
        return await self._run(self.db.rebase, onto, options)

    async def cherry_pick(self, commit: Revision, options: Options = DEFAULTS) -> MergeReport:
        """See `Database.cherry_pick`."""
        return await self._run(self.db.cherry_pick, commit, options)

    async def revert(
        self,
        commits: Revision,
        *,
        force: bool = False,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
    ) -> Commit | None:
        """See `Database.revert`."""
        return await self._run(self.db.revert, commits, force=force, id=id, author=author, message=message)

    async def diff(self, a: Revision, b: Revision, state: State) -> Difference:
        """See `Database.diff`."""
        return await self._run(self.db.diff, a, b, state)

    async def blame(self, state: State, at: Revision | None = None, *, assertions: bool = False) -> Blame:
        """See `Database.blame`."""
        return await self._run(self.db.blame, state, at, assertions=assertions)

    async def bisect(
        self,
        state: State,
        where: Callable[[Any], bool] | str,
        *,
        good: Revision | None = None,
        bad: Revision | None = None,
    ) -> Found:
        """See `Database.bisect`."""
        return await self._run(self.db.bisect, state, where, good=good, bad=bad)

    def turns(
        self,
        state: type[State],
        where: Callable[[Any], bool] | str,
        *,
        good: Revision | None = None,
        bad: Revision | None = None,
        limit: int | None = None,
    ) -> Stream[StateTurn]:
        """See `Database.turns`."""
        return self._stream(partial(self.db.turns, state, where, good=good, bad=bad, limit=limit))

    def causes(self, commit: Revision) -> Stream[Cause]:
        """See `Database.causes`."""
        return self._stream(partial(self.db.causes, commit))

    def effects(
        self, commit: Revision, at: Revision | None = None, limit: int | None = None
    ) -> Stream[Effect]:
        """See `Database.effects`."""
        return self._stream(partial(self.db.effects, commit, at, limit))

    def undone_by(self, commit: Revision, at: Revision | None = None) -> Stream[Commit]:
        """See `Database.undone_by`."""
        return self._stream(partial(self.db.undone_by, commit, at))

    def correlated(
        self, correlation: str, at: Revision | None = None, limit: int | None = None
    ) -> Stream[Commit]:
        """See `Database.correlated`."""
        return self._stream(partial(self.db.correlated, correlation, at, limit))

    def unread(self, commit: Revision) -> Stream[Unread]:
        """See `Database.unread`."""
        return self._stream(partial(self.db.unread, commit))

    async def prove(
        self,
        commit: Revision,
        event: int | None = None,
        *,
        head: Revision | None = None,
        show: Iterable[str] = (),
        data: bool = True,
    ) -> Proof:
        """See `Database.prove`."""
        return await self._run(self.db.prove, commit, event, head=head, show=show, data=data)

    async def why(
        self, state: State, field: str, at: Revision | None = None, *, commands: Known | None = None
    ) -> Why:
        """See `Database.why`."""
        return await self._run(self.db.why, state, field, at, commands=commands)

    async def spec(
        self,
        state: State,
        range: str | None = None,
        *,
        then: Then = "events",
        code: str | None = None,
        commands: Known | None = None,
    ) -> Spec:
        """See `Database.spec`."""
        return await self._run(self.db.spec, state, range, then=then, code=code, commands=commands)

    async def backtest(
        self,
        range: str | None = None,
        *,
        command: str | None = None,
        commands: Known | None = None,
        replacing: Known | None = None,
        each: bool = False,
        progress: Callable[[int], object] = int,
    ) -> Report:
        """See `Database.backtest`."""
        return await self._run(
            self.db.backtest,
            range,
            command=command,
            commands=commands,
            replacing=replacing,
            each=each,
            progress=progress,
        )

    async def try_out(
        self, command: Command, at: Revision | None = None, *, reactions: Iterable[AnyReaction] = ()
    ) -> Tried:
        """See `Database.try_out`."""
        return await self._run(self.db.try_out, command, at, reactions=reactions)

    @overload
    def follow(
        self,
        what: type[E],
        /,
        *,
        tags: Iterable[str] = (),
        after: After | None = None,
        caught_up: Literal[False] = False,
    ) -> Stream[Record[E]]: ...

    @overload
    def follow(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: After | None = None,
        caught_up: Literal[False] = False,
    ) -> Stream[Record]: ...

    @overload
    def follow(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: After | None = None,
        caught_up: bool,
    ) -> Stream[Record | CaughtUp]: ...

    def follow(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: After | None = None,
        caught_up: bool = False,
    ) -> Stream[Any]:
        """See `Database.follow`."""
        return self._live(self.db.follow, *what, tags=tags, after=after, caught_up=caught_up)

    @overload
    def watch(self, what: S, /, *, after: After | None = None) -> Stream[Seen[S]]: ...

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
    ) -> Stream[Seen[list[Any]]]: ...

    @overload
    def watch(
        self, what: type[E], /, *, tags: Iterable[str] = (), after: After | None = None
    ) -> Stream[Seen[Record[E]]]: ...

    @overload
    def watch(
        self, what: UnionType | str | Query, /, *, tags: Iterable[str] = (), after: After | None = None
    ) -> Stream[Seen[Record]]: ...

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
    ) -> Stream[Any]:
        """See `Database.watch`."""
        return self._live(self.db.watch, what, sql, arguments, tags=tags, after=after, into=into)

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
    ) -> Stream[Delivery]:
        """See `Database.subscribe`."""
        return self._live(
            self.db.subscribe,
            name,
            *what,
            tags=tags,
            partition=partition,
            partitions=partitions,
            after=after,
            most=most,
            lease=lease,
        )

    async def project(self, *projections: AnyProjection) -> None:
        """See `Database.project`."""
        return await self._run(self.db.project, *projections)

    async def rows(
        self,
        projection: AnyProjection,
        sql: str,
        arguments: Sequence[Any] = (),
        *,
        after: Commit | int | str | None = None,
        timeout: float = 5.0,
        into: Callable[..., Any] | None = None,
        live: bool = False,
        at: Revision | None = None,
    ) -> list[Any]:
        """See `Database.rows`."""
        return await self._run(
            self.db.rows,
            projection,
            sql,
            arguments,
            after=after,
            timeout=timeout,
            into=into,
            live=live,
            at=at,
        )

    async def wait(
        self, projection: AnyProjection, after: Commit | int | str | None = None, timeout: float = 5.0
    ) -> None:
        """See `Database.wait`."""
        return await self._run(self.db.wait, projection, after, timeout)

    async def materialize(self, state: type[State], index: Iterable[str | Sequence[str]] = ()) -> None:
        """See `Database.materialize`."""
        return await self._run(self.db.materialize, state, index)

    async def find(
        self,
        state: type[S],
        where: str = "",
        *,
        order_by: str | Sequence[str] = (),
        limit: int | None = None,
        after: str | None = None,
        count: bool | Literal["about"] = False,
        at: Revision | None = None,
        commit: Commit | int | str | None = None,
        timeout: float = 5.0,
    ) -> Page[S]:
        """See `Database.find`."""
        return await self._run(
            self.db.find,
            state,
            where,
            order_by=order_by,
            limit=limit,
            after=after,
            count=count,
            at=at,
            commit=commit,
            timeout=timeout,
        )

    async def rebuild(self, projection: AnyProjection) -> None:
        """See `Database.rebuild`."""
        return await self._run(self.db.rebuild, projection)

    async def frame(
        self,
        *what: type[Any] | UnionType | str | State | Query | Table[Any],
        tags: Iterable[str] = (),
        after: int | str = 0,
        where: str = "",
        order_by: str | Sequence[str] = (),
        limit: int | None = None,
        at: Revision | None = None,
        commit: Commit | int | str | None = None,
        history: bool = False,
    ) -> Frame:
        """See `Database.frame`."""
        return await self._run(
            self.db.frame,
            *what,
            tags=tags,
            after=after,
            where=where,
            order_by=order_by,
            limit=limit,
            at=at,
            commit=commit,
            history=history,
        )

    def batches(
        self,
        *what: type[Any] | UnionType | str | State | Query,
        tags: Iterable[str] = (),
        after: int | str = 0,
        limit: int | None = None,
        at: Revision | None = None,
        size: int = 65536,
    ) -> Stream[RecordBatch]:
        """See `Database.batches`."""
        return self._stream(
            partial(self.db.batches, *what, tags=tags, after=after, limit=limit, at=at, size=size)
        )

    async def forget(self, row: Row, *, message: str) -> int:
        """See `Database.forget`."""
        return await self._run(self.db.forget, row, message=message)
